"""The table of acts, its filters, and the check of the chain."""

import reflex as rx

from components import tokens, ui
from state.audit import FAMILIES, Audit, Row


def _row(row: rx.Var[Row]) -> rx.Component:
    return rx.el.tr(
        rx.el.td(row.at, white_space="nowrap", font_variant_numeric="tabular-nums", color=tokens.QUIET),
        rx.el.td(ui.pill(row.what, row.tone, title=row.tag)),
        rx.el.td(row.who, white_space="nowrap", font_weight="540"),
        rx.el.td(
            rx.cond(
                row.campaign_href != "",
                rx.el.a(row.campaign, href=row.campaign_href, class_name="cm-plain-link"),
            ),
            rx.cond(
                row.person_href != "",
                rx.el.a("A person", href=row.person_href, class_name="cm-plain-link", display="block"),
            ),
        ),
        rx.el.td(
            row.reason,
            rx.cond(
                row.detail != "",
                rx.el.details(
                    rx.el.summary("Details", cursor="pointer", color=tokens.ink("accent")),
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


def book() -> rx.Component:
    pick = ui.choice(
        "What",
        "tag",
        FAMILIES,
        value=Audit.tag,
        on_change=lambda v: Audit.choose("tag", v),
        max_width="260px",
    )
    dates = [
        ui.field(name, key, type="date", value=value, on_change=lambda v, key=key: Audit.choose(key, v))
        for name, key, value in (("From", "since", Audit.since), ("To", "until", Audit.until))
    ]
    return ui.card(
        rx.flex(
            pick,
            *dates,
            ui.quiet("Clear", on_click=Audit.clear),
            gap="16px",
            wrap="wrap",
            align="end",
            padding="20px 24px",
        ),
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
                    "Widen the dates to see more.",
                ),
            ),
        ),
        rx.cond(Audit.more, rx.center(ui.quiet("Show older", on_click=Audit.show_more), padding="16px")),
        padding="0",
        overflow="hidden",
    )
