"""The builder's layout: header above, canvas in the middle, one panel at the side."""

import reflex as rx
from reflex_base.style import resolved_color_mode

from components import tokens, ui
from components.builder.audience import audience
from components.builder.dialogs import dialogs
from components.builder.header import header
from components.builder.people import people
from components.builder.problems import problems
from components.builder.proofs import proofs
from components.builder.settings import settings
from components.builder.step import step
from components.builder.unreadable import unreadable
from components.journey_canvas import journey_canvas
from components.journey_outline import journey_outline
from state.builder import Builder
from state.builder_canvas import CanvasReports
from state.builder_clipboard import Clipboard
from state.builder_notes import NoteReports
from state.builder_outline import Outline
from state.builder_people import StepPeople
from state.builder_presence import Presence


def builder() -> rx.Component:
    return rx.el.div(
        rx.cond(Builder.ready, header(), _loading()),
        rx.el.div(_canvas(), _panel(), class_name="cb-body"),
        dialogs(),
        proofs(),
        class_name="cb-page",
    )


def _loading() -> rx.Component:
    return rx.el.header(
        rx.skeleton(height="26px", width="280px"),
        rx.skeleton(height="32px", width="360px"),
        class_name="cb-header",
        justify_content="space-between",
    )


def _canvas() -> rx.Component:
    """The journey in the view this person chose: drawn, or as an outline."""
    return rx.el.div(
        rx.match(
            rx.cond(Builder.unreadable.length() > 0, "unreadable", rx.cond(Builder.ready, Builder.view, "")),
            ("unreadable", unreadable()),
            ("outline", _outline()),
            ("canvas", _drawn()),
            rx.fragment(),
        ),
        class_name="cb-canvas",
    )


def _outline() -> rx.Component:
    return journey_outline(
        rows=Builder.outline,
        palette=Builder.palette,
        counts=Builder.counts,
        selected=Builder.selected,
        read_only=~Builder.editable,
        label="Journey",
        said=Outline.said,
        said_count=Outline.said_count,
        focus=Outline.focus,
        on_added=Outline.added,
        on_moved=Outline.moved,
        on_linked=Outline.linked,
        on_unlinked=Outline.unlinked,
        on_removed=Outline.removed,
        on_duplicated=Outline.duplicated,
        on_selected=[Builder.chosen, Presence.moved],
        on_travelled=Outline.travelled,
    )


def _drawn() -> rx.Component:
    return journey_canvas(
        key=Builder.id,  # another campaign begins with its own first view
        steps=Builder.steps,
        notes=Builder.notes,
        clip=Clipboard.clip,
        counts=Builder.counts,
        palette=Builder.palette,
        selected=Builder.selected,
        read_only=~Builder.editable,
        dark=resolved_color_mode == "dark",
        label="Journey",
        on_step_added=CanvasReports.step_added,
        on_step_moved=CanvasReports.step_moved,
        on_step_put=CanvasReports.put,
        on_linked=CanvasReports.linked,
        on_unlinked=CanvasReports.unlinked,
        on_removed=CanvasReports.removed,
        on_duplicated=CanvasReports.duplicated,
        on_copied=Clipboard.copied,
        on_cut=Clipboard.cut,
        on_pasted=Clipboard.pasted,
        on_note_added=NoteReports.added,
        on_note_changed=NoteReports.changed,
        on_tidied=CanvasReports.tidied,
        on_selected=[Builder.chosen, Presence.moved],
        on_counted=StepPeople.open,
        on_undo=Builder.undo,
        on_redo=Builder.redo,
    )


def _panel() -> rx.Component:
    name = rx.match(
        Builder.panel,
        ("audience", "Audience"),
        ("problems", "To fix"),
        ("people", "Inside now"),
        ("settings", "Aim, kind and pace"),
        Builder.step.kind_words,
    )
    return rx.cond(
        Builder.panel != "",
        rx.el.aside(
            rx.el.div(
                rx.el.h2(name, **tokens.text("subheading"), color=tokens.INK, margin="0", flex="1"),
                ui.ghost("Close the panel", icon="x", size="2", on_click=Builder.open_panel("")),
                class_name="cb-panel-head",
            ),
            rx.el.div(
                rx.match(
                    Builder.panel,
                    ("audience", audience()),
                    ("problems", problems()),
                    ("people", people()),
                    ("settings", settings()),
                    rx.el.div(step(), key=Builder.step.id, class_name="cb-form"),
                ),
                class_name="cb-form",
            ),
            aria_label=name,
            class_name="cb-panel",
            tab_index=-1,
            data_testid="panel",
            data_panel=Builder.panel,
        ),
    )
