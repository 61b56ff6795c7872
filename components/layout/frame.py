"""The frame of every page: skip link, navigation, kill-switch banner, heading, content."""

from typing import Any

import reflex as rx

from components import tokens, ui
from components.layout.navigation import navigation
from services.kit.actor import WORDS, Permission
from state.session import Session, may


def frame(
    active: str, *children: Any, wide: bool = False, permission: Permission | None = None
) -> rx.Component:
    """A whole page. `active` is the navigation's key; `wide` for the canvas, without a margin.

    With `permission`, whoever lacks it reads that instead of an empty page; the handlers refuse
    them in any case.
    """
    if permission is not None:
        children = (
            rx.cond(Session.ready & ~may(permission), _elsewhere(permission), rx.fragment(*children)),
        )
    page = rx.fragment(*children) if wide else rx.el.div(*children, class_name="cm-page")
    inside = rx.cond(Session.missing != "", rx.el.div(nowhere(Session.missing), class_name="cm-page"), page)
    return rx.el.div(
        rx.el.a(
            "Skip to the content",
            custom_attrs={"href": "#content"},
            on_click=rx.call_script("document.getElementById('content').focus()"),
            class_name="cm-skip",
        ),
        navigation(active),
        rx.el.main(_stopped(), inside, id="content", tab_index=-1, class_name="cm-main", outline="none"),
        class_name="cm-frame",
        data_testid=f"page-{active}",
    )


def head(name: Any, lead: Any = None, *actions: Any, back: tuple[str, str] | None = None) -> rx.Component:
    """Title, one sentence of context and actions on the right. `back`: words and address."""
    return rx.el.header(
        rx.box(
            rx.el.a(
                rx.icon("arrow-left", size=16, aria_hidden="true"),
                back[0],
                href=back[1],
                display="inline-flex",
                align_items="center",
                gap="6px",
                margin_bottom="10px",
                class_name="cm-plain-link cm-tall-link cm-thin",
                **tokens.text("label"),
                color=tokens.QUIET,
            )
            if back
            else None,
            ui.title(name, data_testid="page-title"),
            ui.body(lead, color=tokens.QUIET, margin_top="4px", max_width="68ch")
            if lead is not None
            else None,
        ),
        rx.flex(*actions, gap="10px", wrap="wrap", align="center") if actions else None,
        class_name="cm-page-head",
    )


def nowhere(sentence: Any) -> rx.Component:
    """What an address that leads nowhere shows."""
    return ui.card(
        ui.empty(
            "map-pin-off",
            "There is nothing here",
            sentence,
            ui.link_button("To the campaigns", "/", main=True),
            data_testid="nowhere",
        )
    )


def _elsewhere(permission: Permission) -> rx.Component:
    """What stands in the place of a page: other roles have it, or this person has no role at all yet."""
    other_roles = ui.empty(
        "lock",
        "This page is for other roles",
        f"Your role does not let you {WORDS[permission]}. Ask whoever manages your team's accounts.",
        ui.link_button("To the campaigns", "/", main=True),
        data_testid="not-for-you",
    )
    no_role = ui.empty(
        "user-round-x",
        "You have no role here yet",
        "You are signed in, but your account may not do anything. Ask whoever manages your team's accounts to"
        " give you a role, then sign out and in again.",
        ui.link_button("My account", "/account"),
        data_testid="no-role",
    )
    return ui.card(rx.cond(Session.may.length() == 0, no_role, other_roles))


def _stopped() -> rx.Component:
    """The kill switch is seen on every page, with who, why and since when (D11)."""
    return rx.cond(
        Session.stopped,
        rx.el.div(
            rx.flex(
                rx.icon("octagon-pause", size=20, aria_hidden="true", flex="none"),
                rx.box(
                    rx.el.strong("All sending is stopped. "),
                    Session.stopped_words,
                    flex="1",
                    data_testid="kill-switch-words",
                ),
                rx.cond(
                    Session.may.contains("manage"),
                    rx.el.a("Open settings", href="/settings", color="inherit", font_weight="600"),
                ),
                gap="12px",
                align="center",
                padding="12px 24px",
            ),
            role="alert",
            class_name="cm-stop",
            background="var(--red-9)",
            color="white",
            data_testid="kill-switch-banner",
            **tokens.text("small"),
        ),
    )
