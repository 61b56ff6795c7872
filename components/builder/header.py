"""Name, state, saving, undo, problems, audience, and what may be done next."""

from typing import Any

import reflex as rx

from components import ui
from components.builder.views import views
from state.builder import Builder
from state.builder_life import Life
from state.builder_presence import Other, Presence
from state.session import may


def header() -> rx.Component:
    return rx.el.header(
        rx.el.a(
            rx.icon("arrow-left", size=18, aria_hidden="true"),
            href="/",
            aria_label="Back to the campaigns",
            class_name="cb-back",
        ),
        rx.box(_name(), _status(), class_name="cb-title"),
        rx.flex(_others(), _history(), views(), _actions(), class_name="cb-tools"),
        class_name="cb-header",
    )


def _name() -> rx.Component:
    """The name is a field that looks like a heading; it is saved when left."""
    return rx.el.h1(
        rx.cond(
            may("author"),
            rx.el.input(
                default_value=Builder.name,
                key=Builder.id + Builder.name,
                on_blur=Builder.rename,
                aria_label="Name of the campaign",
                max_length=200,
                class_name="cb-name",
                data_testid="campaign-name",
            ),
            rx.el.span(Builder.name, class_name="cb-name", data_testid="campaign-name"),
        ),
        margin="0",
        min_width="0",
    )


def _status() -> rx.Component:
    saved = rx.match(
        Builder.saved,
        ("saving", "loader-circle"),
        ("conflict", "triangle-alert"),
        "cloud-check",
    )
    return rx.flex(
        ui.pill(Builder.state_words, Builder.tone, data_testid="campaign-state"),
        rx.cond(Builder.approval == "requested", ui.pill("Waiting for approval", "info")),
        rx.cond(
            Builder.editable,
            rx.el.span(
                rx.match(
                    saved,
                    ("loader-circle", rx.icon("loader-circle", size=14, aria_hidden="true")),
                    ("triangle-alert", rx.icon("triangle-alert", size=14, aria_hidden="true")),
                    rx.icon("cloud-check", size=14, aria_hidden="true"),
                ),
                Builder.saved_words,
                role="status",
                class_name="cb-saved",
                data_testid="saved-state",
                data_state=Builder.saved,
            ),
            rx.el.span(rx.icon("lock", size=14, aria_hidden="true"), "Read only", class_name="cb-saved"),
        ),
        rx.cond(Life.outlook != "", rx.el.span(Life.outlook, class_name="cb-saved", data_testid="outlook")),
        gap="10px",
        align="center",
        wrap="wrap",
    )


def _others() -> rx.Component:
    """Who else is here, as initials; a press goes to the step they have open."""

    def other(one: rx.Var[Other]) -> rx.Component:
        return rx.el.li(
            rx.el.button(
                one.initials,
                type="button",
                aria_label=one.name + ", " + one.at,
                title=one.name + ", " + one.at,
                on_click=Builder.chosen({"id": one.step}),
                class_name="cb-other",
                data_testid="other-person",
            )
        )

    return rx.cond(
        Presence.others.length() > 0,
        rx.el.ul(
            rx.foreach(Presence.others, other),
            aria_label="Also in this campaign now",
            class_name="cb-others",
        ),
    )


def _history() -> rx.Component:
    def step(name: str, icon: str, words: Any, act: Any) -> rx.Component:
        return ui.icon_button(
            name,
            icon=icon,
            title=rx.cond(words != "", f"{name}: {words}", f"Nothing to {name.lower()}"),
            disabled=words == "",
            on_click=act,
            data_testid=name.lower(),
        )

    return rx.cond(
        Builder.editable,
        rx.flex(
            step("Undo", "undo-2", Builder.undo_words, Builder.undo),
            step("Redo", "redo-2", Builder.redo_words, Builder.redo),
            gap="2px",
        ),
    )


def _actions() -> rx.Component:
    ask = ui.primary("Ask for approval", on_click=Life.ask, data_testid="ask-approval", size="2")
    return rx.flex(
        rx.cond(
            may("author") & ((Builder.state == "draft") | (Builder.state == "paused")),
            rx.cond(
                Builder.approval == "requested",
                ui.quiet("Take back request", on_click=Life.withdraw, data_testid="withdraw", size="2"),
                ask,
            ),
        ),
        rx.cond(
            may("manage"),
            rx.fragment(
                rx.cond(
                    Builder.state == "active",
                    ui.quiet("Pause", icon="pause", on_click=Life.pause, data_testid="pause", size="2"),
                ),
                rx.cond(
                    Builder.state == "paused",
                    ui.quiet("Resume", icon="play", on_click=Life.resume, data_testid="resume", size="2"),
                ),
                rx.cond(
                    Builder.state == "scheduled",
                    ui.quiet("Back to draft", on_click=Life.unschedule, data_testid="unschedule", size="2"),
                ),
                rx.cond(
                    (Builder.state == "active")
                    | (Builder.state == "paused")
                    | (Builder.state == "scheduled"),
                    ui.quiet(
                        "Cancel", on_click=Life.set_stopping(True), data_testid="cancel-campaign", size="2"
                    ),
                ),
            ),
        ),
        gap="8px",
        align="center",
    )
