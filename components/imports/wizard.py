"""File, columns and consent, result: the three steps of an import."""

import reflex as rx

from components import ui
from state import words
from state.imports import CHANNELS, FIELDS, Batch, Column, Imports, Problem


def _drop() -> rx.Component:
    zone = ui.drop_zone(
        "CSV file",
        "leads",
        "The export of your CRM as it is; columns are recognised and shown to you first.",
        accept={"text/csv": [".csv"]},
        on_drop=Imports.upload(rx.upload_files(upload_id="leads")),
        busy=Imports.busy,
        roomy=True,
        data_testid="drop-file",
    )
    return ui.section(
        "Bring a file",
        zone,
        hint="Nobody imported is written to unless consent is stated. Nothing is sent by importing."
        " A file that is not imported is deleted after a day.",
    )


def _batch(row: rx.Var[Batch]) -> rx.Component:
    return rx.el.tr(
        rx.el.td(
            rx.el.button(row.file, type="button", on_click=Imports.open(row.id), class_name="cm-text-button"),
            ui.small(row.when, " · ", row.by),
        ),
        rx.el.td(ui.pill(row.state, row.tone)),
        rx.el.td(row.imported, class_name="cm-num"),
        rx.el.td(row.duplicates, class_name="cm-num"),
        rx.el.td(row.errors, class_name="cm-num"),
        data_testid="batch-row",
    )


def _history() -> rx.Component:
    return rx.cond(
        Imports.batches.length() > 0,
        ui.section(
            "Files so far",
            ui.table(
                "Imported files",
                ["File", "State", "#Imported", "#Duplicates", "#Errors"],
                rx.foreach(Imports.batches, _batch),
            ),
            flush=True,
        ),
    )


def _column(column: rx.Var[Column]) -> rx.Component:
    return rx.el.tr(
        rx.el.td(rx.el.strong(column.header), ui.small(column.example, overflow_wrap="anywhere")),
        rx.el.td(
            rx.el.select(
                *[rx.el.option(name, value=key) for key, name in FIELDS],
                value=column.field,
                on_change=lambda v: Imports.map(column.index, v),
                aria_label=f"Meaning of {column.header}",
                class_name="cm-select",
                width="100%",
            ),
            width="280px",
        ),
        data_testid="column-row",
    )


def _consent() -> rx.Component:
    channels = [ui.check(words.CHANNELS[channel], f"consent-{channel}") for channel in CHANNELS]
    return ui.section(
        "Consent",
        ui.check(
            "I state that everyone in this file agreed to marketing",
            "declared",
            checked=Imports.declared,
            on_change=Imports.declare,
            hint="Kept as proof with each person. Without it, only a consent column counts.",
        ),
        rx.cond(
            Imports.declared,
            rx.box(
                rx.box(*channels, class_name="cm-halves", gap="0 24px"),
                rx.box(
                    ui.field("How it was given", "method", placeholder="Web form, paper form …"),
                    ui.field("When", "given_on", type="date"),
                    class_name="cm-halves",
                    margin="8px 0 16px",
                ),
                ui.field("Where the proof is kept", "evidence", placeholder="Form archive 2026, folder 3"),
            ),
        ),
    )


def _columns() -> rx.Component:
    return rx.el.form(
        rx.flex(
            ui.notice(
                rx.el.strong(Imports.file), ": ", Imports.total, ". ", Imports.read_as, icon="file-check"
            ),
            ui.section(
                "What the columns mean",
                ui.table("Columns", ["Column", "Meaning"], rx.foreach(Imports.columns, _column)),
                hint="Recognised from the headings. Put right what is wrong.",
                flush=True,
            ),
            _consent(),
            rx.flex(
                ui.quiet("Back", type="button", on_click=Imports.back),
                ui.primary("Import", type="submit", loading=Imports.busy, data_testid="confirm-import"),
                gap="12px",
                justify="end",
            ),
            direction="column",
            gap="24px",
        ),
        on_submit=Imports.confirm,
    )


def _problem(problem: rx.Var[Problem]) -> rx.Component:
    return rx.el.tr(
        rx.el.td(problem.row, class_name="cm-num", width="80px"),
        rx.el.td(ui.pill(problem.field, problem.tone)),
        rx.el.td(problem.sentence),
        data_testid="import-problem",
    )


def _result() -> rx.Component:
    return rx.flex(
        rx.box(
            ui.figure("Imported", Imports.imported, "people", data_testid="imported"),
            ui.figure("Duplicates", Imports.duplicates, "already known, left as they were"),
            ui.figure("Errors", Imports.errors, "rows left out"),
            class_name="cm-thirds",
        ),
        ui.notice(Imports.consent_words, icon="hand"),
        rx.cond(
            Imports.problems.length() > 0,
            ui.section(
                "Rows to look at",
                ui.table(
                    "Problems", ["#Row", "Column", "What is wrong"], rx.foreach(Imports.problems, _problem)
                ),
                flush=True,
            ),
        ),
        rx.flex(
            ui.quiet("Another file", on_click=Imports.back),
            ui.link_button("See the people", "/people", main=True),
            gap="12px",
            justify="end",
        ),
        direction="column",
        gap="24px",
    )


def wizard() -> rx.Component:
    start = rx.flex(_drop(), _history(), direction="column", gap="24px")
    return rx.match(Imports.step, ("columns", _columns()), ("result", _result()), start)
