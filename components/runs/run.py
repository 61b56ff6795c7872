"""One run: its facts, its numbers, and the reasons behind them."""

from typing import Any

import reflex as rx

from components import ui
from state.run_words import Reason
from state.runs import Fact, Run


def run() -> rx.Component:
    return rx.cond(
        Run.loading, ui.blocks(2), rx.flex(_figures(), _hub(), _parts(), direction="column", gap="20px")
    )


def _figures() -> rx.Component:
    row = Run.shown.row
    return rx.box(
        ui.figure("Audience", row.audience, Run.shown.audience_hint),
        ui.figure("Entered", row.entered, rx.fragment(row.refused, " not let in")),
        ui.figure("Messages", row.messages, "handed over for sending"),
        ui.figure("Delivered", row.delivered, Run.shown.delivered_hint),
        ui.figure("Failed", row.failed, "came back or could not be sent"),
        class_name="cm-grid-stats",
    )


def _hub() -> rx.Component:
    return ui.notice(
        Run.shown.hub,
        tone=Run.shown.hub_tone,
        icon="radio-tower",
        data_testid="run-hub",
    )


def _parts() -> rx.Component:
    return rx.box(
        rx.flex(
            _reasons(
                "Why people were left out",
                Run.shown.refused,
                "At the door, or at one of the messages on the way.",
                "Nobody was left out.",
                "run-refused",
            ),
            _reasons(
                "Why messages failed",
                Run.shown.failed,
                "As the Communication Hub tells it.",
                "No message failed.",
                "run-failed",
            ),
            _reasons(
                "Why people left before the end",
                Run.shown.left,
                None,
                "Nobody left before the end.",
                "run-left",
            ),
            direction="column",
            gap="20px",
            min_width="0",
        ),
        ui.section(
            "This run",
            rx.el.dl(
                rx.foreach(Run.shown.facts, _fact),
                margin="0",
                display="flex",
                flex_direction="column",
                gap="10px",
            ),
        ),
        class_name="cm-two",
    )


def _fact(fact: rx.Var[Fact]) -> rx.Component:
    return ui.fact(
        fact.name,
        fact.value,
        display="grid",
        grid_template_columns="132px minmax(0, 1fr)",
        align_items="baseline",
        gap="12px",
    )


def _reasons(name: str, rows: Any, hint: str | None, none: str, key: str) -> rx.Component:
    return ui.section(
        name,
        rx.cond(
            rows.length() > 0,
            ui.table(name, ["Reason", "#How many"], rx.foreach(rows, _reason)),
            ui.small(none, padding="0 24px 22px"),
        ),
        hint=hint,
        flush=True,
        data_testid=key,
    )


def _reason(row: rx.Var[Reason]) -> rx.Component:
    return rx.el.tr(
        rx.el.td(row.sentence, rx.cond(row.where != "", ui.small(row.where)), overflow_wrap="anywhere"),
        rx.el.td(row.count, class_name="cm-num"),
        data_testid="run-reason",
    )
