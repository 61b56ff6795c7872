"""Tables of sources, dead letters and unknown events."""

import reflex as rx

from components import tokens, ui
from state.integrations import Integrations, Letter, Source, Unknown
from state.session import may


def figures() -> rx.Component:
    return rx.grid(
        ui.figure("In the last hour", Integrations.hour, "events taken in"),
        ui.figure("In the last day", Integrations.day, "events taken in"),
        ui.figure("Dead letters", Integrations.letters.length(), "could not be understood"),
        ui.figure("Unknown types", Integrations.unknown.length(), "in the last 30 days"),
        columns=rx.breakpoints(initial="2", md="4"),
        gap="16px",
    )


def sources() -> rx.Component:
    return ui.section(
        "Sources",
        rx.cond(
            Integrations.loading,
            ui.lines(8, padding="8px 24px 32px"),
            ui.table(
                "Events by source",
                ["Source", "Last hour", "#Events", "#Last day", "Last event", "~Lag", "#Waiting"],
                rx.foreach(Integrations.sources, _source),
            ),
        ),
        hint="Lag is the time from happening to being taken in. Waiting counts what is on the stream and not handled yet.",
        flush=True,
    )


def letters() -> rx.Component:
    return ui.section(
        "Dead letters",
        rx.cond(
            Integrations.letters.length() > 0,
            ui.table(
                "Events that could not be understood, newest first",
                ["When", "Event", "Why", ""],
                rx.foreach(Integrations.letters, _letter),
            ),
            ui.empty(
                "mail-check",
                "None",
                "Events that cannot be understood are kept here with the reason, and can be put back.",
            ),
        ),
        hint="Once the cause is cured, put them back: each is handled once, however often it comes. What will never be"
        " handled can be set aside.",
        actions=rx.cond(
            may("administer") & (Integrations.letters.length() > 1),
            ui.quiet(
                "Replay all",
                icon="undo-2",
                on_click=Integrations.replay("all"),
                loading=Integrations.working == "all",
                data_testid="replay-all",
            ),
        ),
        flush=True,
    )


def unknown() -> rx.Component:
    return rx.cond(
        Integrations.unknown.length() > 0,
        ui.section(
            "Unknown events",
            ui.table(
                "Event types that nobody here knows",
                ["Type", "#Came", "Last"],
                rx.foreach(Integrations.unknown, _unknown),
            ),
            hint="Kept and counted. They start and stop nothing.",
            flush=True,
        ),
    )


def _source(row: rx.Var[Source]) -> rx.Component:
    return rx.el.tr(
        rx.el.td(
            rx.flex(ui.dot(row.tone), rx.el.span(row.owner, font_weight="540"), gap="10px", align="center"),
        ),
        rx.el.td(_curve(row)),
        rx.el.td(row.hour, class_name="cm-num"),
        rx.el.td(row.day, class_name="cm-num"),
        rx.el.td(row.last, white_space="nowrap"),
        rx.el.td(row.lag, white_space="nowrap", color=tokens.QUIET, class_name="cm-wide-only"),
        rx.el.td(row.waiting, class_name="cm-num"),
        data_testid="source-row",
        data_source=row.source,
    )


def _curve(row: rx.Var[Source]) -> rx.Component:
    return rx.el.svg(
        rx.el.title(row.curve_says),
        rx.el.svg.path(
            d=row.curve,
            fill="none",
            stroke=tokens.solid("accent"),
            stroke_width="1.6",
            vector_effect="non-scaling-stroke",
        ),
        view_box="0 0 100 24",
        preserve_aspect_ratio="none",
        role="img",
        aria_label=row.curve_says,
        width="110px",
        height="26px",
        display="block",
    )


def _letter(row: rx.Var[Letter]) -> rx.Component:
    return rx.el.tr(
        rx.el.td(row.at, white_space="nowrap", color=tokens.QUIET),
        rx.el.td(rx.el.span(row.type, font_weight="540"), ui.small(row.source), overflow_wrap="anywhere"),
        rx.el.td(
            row.reason,
            rx.cond(
                row.keeps_back, ui.small("Until this is settled, nothing is sent to the person it is about.")
            ),
            max_width="420px",
            overflow_wrap="anywhere",
        ),
        rx.el.td(rx.cond(may("administer"), _acts(row))),
        data_testid="letter-row",
    )


def _acts(row: rx.Var[Letter]) -> rx.Component:
    return rx.flex(
        ui.ghost(
            "Replay",
            icon="undo-2",
            size="2",
            on_click=Integrations.replay(row.id),
            loading=Integrations.working == row.id,
            data_testid="replay",
        ),
        ui.ghost(
            "Set aside",
            icon="archive",
            size="2",
            on_click=Integrations.set_aside(row.id),
            data_testid="set-aside",
        ),
        gap="4px",
        justify="end",
        wrap="wrap",
    )


def _unknown(row: rx.Var[Unknown]) -> rx.Component:
    return rx.el.tr(
        rx.el.td(row.type, overflow_wrap="anywhere"),
        rx.el.td(row.times, class_name="cm-num"),
        rx.el.td(row.last, white_space="nowrap"),
        data_testid="unknown-row",
    )
