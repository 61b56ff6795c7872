"""The table of acts, its filters, and the check of the chain."""

from typing import Any

import reflex as rx

from components import tokens, ui
from state.audit import FAMILIES, FORMATS, SCOPES, Audit, Row


def _row(row: rx.Var[Row]) -> rx.Component:
    return rx.el.tr(
        rx.el.td(row.at, class_name="cm-when", font_variant_numeric="tabular-nums", color=tokens.QUIET),
        rx.el.td(ui.pill(row.what, row.tone, title=row.tag)),
        rx.el.td(row.who, white_space="nowrap", font_weight="540"),
        rx.el.td(
            rx.cond(
                row.campaign_href != "",
                rx.el.a(
                    row.campaign,
                    href=row.campaign_href,
                    class_name="cm-plain-link cm-tall-link",
                    display="block",
                ),
            ),
            rx.cond(
                row.person_href != "",
                rx.el.a(
                    "A person", href=row.person_href, class_name="cm-plain-link cm-tall-link", display="block"
                ),
            ),
        ),
        rx.el.td(
            row.reason,
            rx.cond(
                row.detail != "",
                rx.el.details(
                    rx.el.summary(
                        "Details", class_name="cm-tall-link", cursor="pointer", color=tokens.ink("accent")
                    ),
                    rx.el.pre(row.detail, font_size="12px", white_space="pre-wrap", margin="6px 0 0"),
                ),
            ),
            max_width="360px",
        ),
        rx.el.td(ui.small(row.sealed, white_space="nowrap"), class_name="cm-wide-only"),
        data_testid="audit-row",
        data_tag=row.tag,
    )


def chain() -> rx.Component:
    """The verdict after a check; nothing before."""
    return rx.cond(
        Audit.checked,
        ui.notice(
            Audit.verdict,
            tone=rx.cond(Audit.whole, "ok", "danger"),
            icon="shield-check",
            data_testid="audit-verdict",
        ),
    )


def _choose(name: str, key: str, options: Any, value: Any) -> rx.Component:
    return ui.choice(
        name, key, options, value=value, on_change=lambda v: Audit.choose(key, v), max_width="190px"
    )


def _person() -> rx.Component:
    """A name to look for, the people it fits, and the one chosen."""
    looking = rx.flex(
        ui.search(
            "Find a person by name", value=Audit.looking, on_change=Audit.find, data_testid="audit-person"
        ),
        rx.cond(
            Audit.found.length() > 0,
            ui.chips(
                "People whose name fits",
                rx.foreach(
                    Audit.found,
                    lambda one: ui.chip(
                        one[1], on=False, on_click=Audit.about(one[0]), data_testid="audit-found"
                    ),
                ),
            ),
        ),
        direction="column",
        gap="8px",
        min_width="200px",
    )
    chosen = ui.chip(
        [rx.icon("x", size=14, aria_hidden="true"), rx.el.span("About: ", Audit.person_name)],
        on=True,
        on_click=Audit.about(""),
        data_testid="audit-about",
    )
    return rx.cond(Audit.person != "", chosen, looking)


def _filters() -> rx.Component:
    dates = [
        ui.field(name, key, type="date", value=value, on_change=lambda v, key=key: Audit.choose(key, v))
        for name, key, value in (("From", "since", Audit.since), ("To", "until", Audit.until))
    ]
    return rx.flex(
        _choose("What", "tag", FAMILIES, Audit.tag),
        _choose("Who", "actor", Audit.actors, Audit.actor),
        _choose("Campaign", "campaign", Audit.campaigns, Audit.campaign),
        *dates,
        _person(),
        ui.quiet("Clear", on_click=Audit.clear),
        gap="12px",
        wrap="wrap",
        align="end",
        padding="20px 24px",
    )


def export_dialog() -> rx.Component:
    """What to take along, in which form, and the program that checks it."""
    return ui.form_dialog(
        "Export the audit",
        "The file carries its proof: anybody can check it without this system. Taking it is itself recorded.",
        rx.flex(
            ui.choice("What", "scope", SCOPES),
            ui.choice("Form", "format", FORMATS),
            ui.small(
                "To check a file you need Python and ",
                rx.el.a(
                    "this one program",
                    href="/api/v1/audit/verifier",
                    reload_document=True,
                    class_name="cm-plain-link",
                    color=tokens.ink("accent"),
                    text_decoration="underline",
                    data_testid="get-verifier",
                ),
                ". Hand both on together. A part proves that its rows are unchanged; that none is missing,"
                " only the export of everything proves.",
            ),
            direction="column",
            gap="16px",
        ),
        go="Export",
        leave=Audit.ask_export,
        open=Audit.exporting,
        on_submit=Audit.export,
        data_testid="do-export",
    )


def book() -> rx.Component:
    return ui.card(
        _filters(),
        rx.cond(
            Audit.loading,
            ui.lines(8, padding="8px 24px 32px"),
            rx.cond(
                Audit.rows.length() > 0,
                ui.table(
                    "Audit entries, newest first",
                    ["When", "What", "Who", "About", "Reason", "~Seal"],
                    rx.foreach(Audit.rows, _row),
                ),
                ui.empty(
                    "book-open",
                    "No entry fits",
                    "Every act is written here as it happens, and can never be changed. "
                    "Widen the dates or clear the filters to see more.",
                ),
            ),
        ),
        rx.cond(Audit.more, rx.center(ui.quiet("Show older", on_click=Audit.show_more), padding="16px")),
        padding="0",
        overflow="hidden",
    )
