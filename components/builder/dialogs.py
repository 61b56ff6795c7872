"""Dialogs of the builder: asking for approval, cancelling, and two people saving at once."""

import reflex as rx

from components import ui
from components.builder.impact import impact
from state.builder import Builder
from state.builder_life import Life


def dialogs() -> rx.Component:
    return rx.fragment(_approval(), _cancel(), _conflict())


def _approval() -> rx.Component:
    return ui.dialog(
        "Ask for approval",
        "Somebody else reads the journey, sees how many people it reaches, and starts it.",
        rx.flex(
            rx.cond(Builder.state == "draft", _when()),
            rx.cond(
                (Builder.state == "draft") & (Life.when == "later"),
                ui.field(
                    "Start",
                    "start-at",
                    type="datetime-local",
                    value=Life.at,
                    on_change=Life.set_at,
                    hint="In the practice's time zone, at least five minutes ahead.",
                ),
            ),
            impact(),
            ui.area(
                "Note for whoever approves",
                "approval-note",
                value=Life.note,
                on_change=Life.set_note,
                placeholder="What this is for, and anything they should look at",
            ),
            ui.decisions(
                "Send request",
                away=Life.set_asking(False),
                on_click=Life.send,
                data_testid="send-request",
            ),
            direction="column",
            gap="18px",
        ),
        open=Life.asking,
        on_open_change=Life.set_asking,
        max_width="600px",
    )


def _when() -> rx.Component:
    """A paused journey goes on as soon as its change is approved; a draft may wait for a set time."""
    return rx.radio_group.root(
        rx.flex(
            rx.el.label(
                rx.radio_group.item(value="now"), "Start as soon as it is approved", class_name="cb-radio"
            ),
            rx.el.label(rx.radio_group.item(value="later"), "Start at a set time", class_name="cb-radio"),
            direction="column",
            gap="6px",
        ),
        value=Life.when,
        on_change=Life.set_when,
        aria_label="When it starts",
    )


def _cancel() -> rx.Component:
    return ui.dialog(
        "Cancel this campaign?",
        "Everybody in it leaves now, and nothing more is sent. This cannot be undone; a clone can start anew.",
        rx.flex(
            ui.field("Why", "cancel-reason", value=Life.reason, on_change=Life.set_reason),
            ui.decisions(
                "Cancel campaign",
                away=Life.set_stopping(False),
                stay="Keep it running",
                color_scheme="red",
                on_click=Life.cancel,
                data_testid="confirm-cancel",
            ),
            direction="column",
            gap="18px",
        ),
        open=Life.stopping,
        on_open_change=Life.set_stopping,
    )


def _conflict() -> rx.Component:
    return rx.alert_dialog.root(
        rx.alert_dialog.content(
            rx.alert_dialog.title("Somebody else saved this campaign", size="5"),
            rx.alert_dialog.description(
                Builder.theirs,
                " You were editing at the same time; nothing was overwritten. Whose version should stay?",
                size="2",
                color_scheme="gray",
            ),
            rx.cond(
                Builder.theirs_changes.length() > 0,
                rx.box(
                    ui.label("From yours to theirs"),
                    rx.el.ul(
                        rx.foreach(Builder.theirs_changes, lambda said: rx.el.li(said)),
                        class_name="cb-differences",
                        data_testid="differences",
                    ),
                    margin_top="14px",
                ),
            ),
            rx.flex(
                ui.quiet(
                    "Load theirs, drop my edits", on_click=Builder.settle("theirs"), data_testid="take-theirs"
                ),
                ui.primary("Keep mine", on_click=Builder.settle("mine"), data_testid="keep-mine"),
                gap="10px",
                justify="end",
                margin_top="20px",
            ),
            max_width="480px",
            data_testid="conflict",
        ),
        open=Builder.conflict,
    )
