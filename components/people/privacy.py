"""The rights of this person: a report, a correction, an erasure and how far it is."""

import reflex as rx

from components import tokens, ui
from components.access.one_time_code import one_time_code
from state.privacy import FIELDS, Privacy, Stage
from state.session import may


def _stage(stage: rx.Var[Stage]) -> rx.Component:
    return rx.el.li(
        rx.box(
            ui.body(stage.name, font_weight="540"),
            rx.cond(stage.when != "", ui.small(stage.when)),
            flex="1",
            min_width="0",
        ),
        ui.pill(stage.state, stage.tone),
        display="flex",
        align_items="center",
        gap="12px",
        padding="10px 0",
        border_top=f"1px solid {tokens.LINE}",
        data_testid="erasure-stage",
    )


def _wishes() -> rx.Component:
    return rx.flex(
        ui.quiet(
            "Report to read", icon="file-text", on_click=Privacy.report("html"), data_testid="report-html"
        ),
        ui.quiet("Report as data", icon="braces", on_click=Privacy.report("json"), data_testid="report-json"),
        ui.quiet(
            "Put something right", icon="pencil", on_click=Privacy.ask_correct(True), data_testid="rectify"
        ),
        ui.quiet(
            "Forget this person",
            icon="eraser",
            on_click=Privacy.ask_erase(True),
            loading=Privacy.working,
            data_testid="erase",
        ),
        gap="10px",
        wrap="wrap",
    )


def _progress() -> rx.Component:
    return rx.fragment(
        rx.el.ul(rx.foreach(Privacy.stages, _stage), padding="0", margin="0 0 12px"),
        rx.cond(
            Privacy.unfinished,
            ui.quiet(
                "Go on with what is left", icon="refresh-cw", on_click=Privacy.erase, loading=Privacy.working
            ),
        ),
    )


def privacy() -> rx.Component:
    return rx.cond(
        may("compliance"),
        ui.section(
            "Privacy",
            rx.cond(Privacy.stages.length() > 0, _progress(), _wishes()),
            rx.el.a(
                "Entries of the audit about this person",
                href=Privacy.audit_href,
                class_name="cm-plain-link",
                display="inline-block",
                margin_top="14px",
                data_testid="audit-of-person",
            ),
            hint="What this person may ask for. Everything you do here is recorded.",
            data_testid="privacy",
        ),
    )


def privacy_dialogs() -> rx.Component:
    return rx.fragment(_correct(), _erase(), _code())


def _correct() -> rx.Component:
    return ui.form_dialog(
        "Put something right",
        "The record belongs to the Practice Platform: what you fill in is passed on to it. Leave the rest empty.",
        rx.grid(
            *[
                ui.field(name, key, type="date" if key == "date_of_birth" else "text", max_length=200)
                for key, name in FIELDS.items()
            ],
            columns=rx.breakpoints(initial="1", sm="2"),
            gap="14px",
        ),
        go="Pass it on",
        leave=Privacy.ask_correct,
        open=Privacy.correcting,
        on_submit=Privacy.correct,
        form={"reset_on_submit": True},
        data_testid="do-rectify",
    )


def _erase() -> rx.Component:
    return ui.dialog(
        "Forget this person",
        "This cannot be undone. Journeys end, planned messages are called back, words written about them are "
        "overwritten, and nobody can tell any more which entries of the audit were theirs. The Practice Platform "
        "and the Hub do the same. They will never be written to again.",
        ui.decisions(
            "Forget them", away=Privacy.ask_erase(False), on_click=Privacy.erase, data_testid="do-erase"
        ),
        open=Privacy.erasing,
        on_open_change=Privacy.ask_erase,
    )


def _code() -> rx.Component:
    return one_time_code(
        "Everything about a person is at stake, so this needs the six digits of your authenticator app.",
        hint=Privacy.code_hint,
        open=Privacy.coding,
        on_open_change=Privacy.ask_code,
        on_submit=Privacy.give_code,
    )
