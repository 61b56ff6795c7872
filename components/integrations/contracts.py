"""What travels, by module: every event type with a link to its schema (EVT-7)."""

import reflex as rx

from components import tokens, ui
from services.contracts.events import INBOUND, OUTBOUND, OWN_SOURCE, SOURCES, source_of
from services.contracts.schemas import OWNERS


def schemas() -> rx.Component:
    """Made from the contracts themselves when the portal is built."""
    return ui.section(
        "Schemas",
        *[_source(source) for source in (*SOURCES, OWN_SOURCE)],
        hint="What each module sends, and what Campaign Manager sends. Contracts grow by addition.",
        flush=True,
    )


def _source(source: str) -> rx.Component:
    types = sorted(t for t in {**INBOUND, **OUTBOUND} if source_of(t) == source)
    way = "sent" if source == OWN_SOURCE else "received"
    return rx.el.details(
        rx.el.summary(
            rx.el.span(OWNERS[source], font_weight="560", flex="1"),
            ui.small(f"{len(types)} {way}"),
            rx.icon("chevron-down", size=18, aria_hidden="true", class_name="cm-turns", color=tokens.QUIET),
            class_name="cm-summary-row",
        ),
        rx.el.ul(*[_type(t) for t in types], margin="0", padding="0 24px 16px", list_style="none"),
        border_top=f"1px solid {tokens.LINE}",
        data_testid=f"schemas-{source}",
    )


def _type(name: str) -> rx.Component:
    model = {**INBOUND, **OUTBOUND}[name]
    said = (model.__doc__ or "").strip().splitlines()
    # A docstring that begins with the type's own name says nothing more about it here.
    what = said[0] if said and not said[0].startswith("`") else ""
    return rx.el.li(
        rx.el.a(
            name,
            href=f"/api/v1/schemas/{name}",
            reload_document=True,
            class_name="cm-schema-link",
            color=tokens.ink("accent"),
        ),
        ui.small(what) if what else None,
    )
