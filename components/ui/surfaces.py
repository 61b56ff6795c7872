"""Cards, sections, figures and notices."""

from typing import Any

import reflex as rx

from components import tokens
from components.ui.buttons import quiet
from components.ui.pills import Toned, by_tone
from components.ui.texts import heading, small


def card(*children: Any, **props: Any) -> rx.Component:
    """A sheet of paper on the canvas."""
    looks = {
        "background": tokens.PANEL,
        "border": f"1px solid {tokens.LINE}",
        "border_radius": tokens.RADII["card"],
        "box_shadow": tokens.SHADOW,
        "padding": tokens.SPACES["wide"],
        "class_name": "cm-card",
    }
    return rx.box(*children, **{**looks, **props})


def section(
    name: Any, *children: Any, hint: Any = None, actions: Any = None, flush: bool = False, **props: Any
) -> rx.Component:
    """A card with a heading, a hint below it and actions on its right. `flush`: a table inside."""
    head = rx.flex(
        rx.box(heading(name), small(hint, margin_top="2px") if hint is not None else None, flex="1 1 220px"),
        actions,
        gap="12px",
        align="start",
        wrap="wrap",
        padding="20px 24px 14px" if flush else "0 0 16px",
    )
    return rx.el.section(
        card(head, *children, padding="0" if flush else tokens.SPACES["wide"], overflow="hidden"), **props
    )


def figure(name: Any, value: Any, hint: Any = None, **props: Any) -> rx.Component:
    """One number that matters, with its name above and its context below."""
    return card(
        small(name, font_weight="520"),
        rx.el.div(value, **tokens.text("figure"), color=tokens.INK, margin_top="4px"),
        small(hint, margin_top="2px") if hint is not None else None,
        padding="18px 20px",
        **props,
    )


def fact(name: Any, value: Any, **props: Any) -> rx.Component:
    """A name and its value, as in a list of facts."""
    return rx.el.div(
        rx.el.dt(name, **tokens.text("small"), color=tokens.QUIET),
        rx.el.dd(value, **tokens.text("body"), color=tokens.INK, margin="2px 0 0"),
        min_width="0",
        **props,
    )


def notice(*content: Any, tone: Toned = "info", icon: str = "info", **props: Any) -> rx.Component:
    """A sentence people should read now; announced politely."""
    return rx.flex(
        rx.icon(icon, size=18, aria_hidden="true", flex="none", margin_top="2px"),
        rx.box(*content, flex="1", min_width="0"),
        role="status",
        gap="12px",
        align="start",
        padding="12px 16px",
        border_radius=tokens.RADII["field"],
        background=by_tone(tone, tokens.tint),
        color=by_tone(tone, tokens.ink),
        **{**tokens.text("body"), **props},
    )


def saved_meanwhile(what: str, settle: Any, *, mine: str, **props: Any) -> rx.Component:
    """Somebody else saved this `what` while it was open here. `settle` takes "theirs" or "mine"; `mine`
    says what keeping the own words does."""
    return notice(
        f"Somebody else saved this {what} meanwhile. ",
        rx.flex(
            quiet("Load theirs", size="2", on_click=settle("theirs")),
            quiet(mine, size="2", on_click=settle("mine")),
            gap="8px",
            margin_top="8px",
        ),
        tone="danger",
        icon="users",
        **props,
    )
