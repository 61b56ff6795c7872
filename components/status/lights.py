"""Groups of things that were looked at, each with its light, its words and its cure."""

import reflex as rx

from components import tokens, ui
from state.status import Line, Part, StatusPage


def _line(line: rx.Var[Line]) -> rx.Component:
    return rx.el.li(
        rx.box(
            ui.body(line.name, font_weight="540"),
            ui.small(line.said),
            rx.cond(line.advice != "", ui.small(line.advice, color=tokens.INK, margin_top="4px")),
            flex="1",
            min_width="0",
        ),
        ui.pill(line.light, line.tone),
        display="flex",
        align_items="start",
        gap="12px",
        padding="12px 0",
        border_top=f"1px solid {tokens.LINE}",
        data_testid="status-line",
        data_key=line.key,
        data_light=line.light,
    )


def _part(part: rx.Var[Part]) -> rx.Component:
    return ui.section(
        part.name,
        rx.el.ul(rx.foreach(part.lines, _line), padding="0", margin="0", list_style="none"),
        break_inside="avoid",
        margin_bottom="24px",
    )


def lights() -> rx.Component:
    return rx.cond(
        StatusPage.loading,
        ui.blocks(4),
        rx.fragment(
            ui.notice(
                StatusPage.headline, tone=StatusPage.tone, icon="activity", data_testid="status-headline"
            ),
            rx.box(
                rx.foreach(StatusPage.parts, _part),
                columns="380px 2",
                column_gap="24px",
                margin_top="24px",
            ),
        ),
    )
