"""The practice simulator: choose a person, make something happen, watch what it does."""

import reflex as rx

from components import tokens, ui
from services.contracts.platform_api import HAPPENING_LABELS
from state.demo import GROUPS, Choice, Demo, Happened


def _choice(row: rx.Var[Choice]) -> rx.Component:
    return rx.el.li(
        rx.el.button(
            rx.el.span(row.name, font_weight="540", flex="1", text_align="left"),
            ui.small(row.kind),
            type="button",
            aria_pressed=rx.cond(Demo.person == row.id, "true", "false"),
            on_click=Demo.pick(row.id),
            class_name="cm-pick",
            data_testid="pick-person",
        ),
        list_style="none",
    )


def _people() -> rx.Component:
    return ui.section(
        "Who",
        ui.search("Find a person", value=Demo.text, on_change=Demo.find),
        rx.el.ul(rx.foreach(Demo.people, _choice), padding="0", margin="12px 0 0"),
    )


def _group(name: str, icon: str, keys: tuple[str, ...]) -> rx.Component:
    return rx.box(
        rx.flex(
            rx.icon(icon, size=16, aria_hidden="true"),
            ui.label(name),
            gap="8px",
            align="center",
            margin_bottom="8px",
        ),
        rx.flex(
            *[
                rx.button(
                    HAPPENING_LABELS[key],  # type: ignore[index]
                    variant="soft",
                    color_scheme="gray",
                    high_contrast=True,
                    size="2",
                    loading=Demo.busy == key,
                    disabled=Demo.person == "",
                    on_click=Demo.happen(key),
                    data_testid=f"happen-{key}",
                )
                for key in keys
            ],
            gap="8px",
            wrap="wrap",
        ),
        padding="14px 0",
        border_top=f"1px solid {tokens.LINE}",
    )


def _happened(row: rx.Var[Happened]) -> rx.Component:
    return rx.el.li(
        ui.body(row.sentence),
        ui.small(row.at, " · ", row.events),
        padding="10px 0",
        border_top=f"1px solid {tokens.LINE}",
        list_style="none",
        data_testid="happened",
    )


def simulator() -> rx.Component:
    chosen = rx.cond(
        Demo.person != "",
        rx.flex(
            ui.heading(Demo.name),
            ui.link_button("Open the timeline", f"/people/{Demo.person}", icon="history"),
            gap="16px",
            align="center",
            justify="between",
            wrap="wrap",
            padding_bottom="12px",
        ),
        ui.notice("Choose a person first.", icon="user-search", margin_bottom="12px"),
    )
    return rx.box(
        ui.card(chosen, *[_group(*group) for group in GROUPS]),
        rx.flex(
            _people(),
            rx.cond(
                Demo.log.length() > 0,
                ui.section(
                    "What happened", rx.el.ul(rx.foreach(Demo.log, _happened), padding="0", margin="0")
                ),
            ),
            direction="column",
            gap="24px",
            class_name="cm-first",
        ),
        class_name="cm-two",
    )
