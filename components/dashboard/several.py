"""What can be done with the campaigns that are marked."""

from typing import Any

import reflex as rx

from components import ui
from components.access.one_time_code import one_time_code
from state.bulk import Several
from state.dashboard_rows import Row
from state.session import may


def mark(row: rx.Var[Row]) -> rx.Component:
    """At the head of a row."""
    return ui.mark(
        f"Mark {row.name}",
        on=Several.chosen.contains(row.id),
        on_change=lambda on: Several.choose(row.id, on),
        margin="-8px",
        data_testid="mark-campaign",
    )


def several() -> rx.Component:
    return rx.fragment(_bar(), _tag(), _cancel(), _code())


def _bar() -> rx.Component:
    def deed(words: str, key: str, **props: Any) -> rx.Component:
        return ui.quiet(
            words, size="2", **{"on_click": Several.do(key), "data_testid": f"bulk-{key}", **props}
        )

    return ui.marked(
        Several.chosen.length(),
        ui.body(Several.chosen.length(), " marked", flex="1 1 90px", role="status"),
        rx.cond(
            may("manage"),
            rx.fragment(
                deed("Pause", "pause", icon="pause"),
                deed("Resume", "resume", icon="play"),
                deed("Cancel", "cancel", on_click=Several.set_cancelling(True)),
            ),
        ),
        rx.cond(may("author"), deed("Tag", "tag", icon="tag", on_click=Several.set_tagging(True))),
        ui.ghost("Unmark all", icon="x", size="2", on_click=Several.clear),
        data_testid="bulk-bar",
    )


def _tag() -> rx.Component:
    return ui.dialog(
        "Tag the marked campaigns",
        "Tags are for finding them again: search finds them, too.",
        rx.flex(
            ui.field("Tag", "bulk-tag", value=Several.tag, on_change=Several.set_tag, max_length=40),
            ui.decisions(
                "Add the tag",
                away=Several.set_tagging(False),
                on_click=Several.do("tag"),
                data_testid="confirm-tag",
            ),
            direction="column",
            gap="12px",
        ),
        open=Several.tagging,
        on_open_change=Several.set_tagging,
    )


def _cancel() -> rx.Component:
    return ui.dialog(
        "Cancel the marked campaigns?",
        "Everybody in them leaves, and nothing more is sent. This cannot be undone; clones can start anew.",
        ui.decisions(
            "Cancel them",
            away=Several.set_cancelling(False),
            stay="Keep them",
            color_scheme="red",
            on_click=Several.do("cancel"),
            data_testid="confirm-bulk-cancel",
        ),
        open=Several.cancelling,
        on_open_change=Several.set_cancelling,
    )


def _code() -> rx.Component:
    return one_time_code(
        "Resuming several at once needs the six digits of your authenticator app.",
        hint=Several.code_hint,
        open=Several.coding,
        on_open_change=Several.ask_code,
        on_submit=Several.give_code,
    )
