"""The navigation: a list beside the page, a rail on tablets, a bar below on phones."""

from dataclasses import dataclass

import reflex as rx

from components import tokens, ui
from services.kit.actor import Permission
from state.session import Session, may


@dataclass(frozen=True, slots=True)
class Place:
    key: str
    words: str
    icon: str
    href: str
    permission: Permission | None = None
    only_demo: bool = False


WORK = (
    Place("campaigns", "Campaigns", "megaphone", "/"),
    Place("calendar", "Calendar", "calendar-days", "/calendar", "read"),
    Place("runs", "Runs", "history", "/runs", "read"),
    Place("templates", "Templates", "layout-template", "/templates", "author"),
    Place("approvals", "Approvals", "badge-check", "/approvals"),
    Place("segments", "Segments", "shapes", "/segments", "read"),
    Place("people", "People", "users", "/people"),
)
PRACTICE = (
    Place("imports", "Imports", "file-up", "/imports", "author"),
    Place("integrations", "Integrations", "plug", "/integrations", "read"),
    Place("audit", "Audit", "shield-check", "/audit", "compliance"),
    Place("status", "Status", "activity", "/status", "manage"),
    Place("settings", "Settings", "sliders-horizontal", "/settings", "manage"),
    Place("demo", "Simulator", "flask-conical", "/demo", None, True),
)


def _link(place: Place, active: str) -> rx.Component:
    here = {"aria_current": "page"} if place.key == active else {}
    count = (
        rx.cond(
            Session.approvals_waiting > 0,
            rx.el.span(
                Session.approvals_waiting,
                rx.el.span(" waiting", **ui.HIDDEN),
                class_name="cm-nav-count",
                data_testid="approvals-waiting",
            ),
        )
        if place.key == "approvals"
        else None
    )
    item = rx.el.li(
        rx.el.a(
            rx.icon(place.icon, size=19, aria_hidden="true", flex="none"),
            rx.el.span(place.words),
            count,
            href=place.href,
            class_name="cm-nav-link",
            data_testid=f"nav-{place.key}",
            **here,
        )
    )
    if place.permission:
        item = rx.cond(may(place.permission), item)
    return rx.cond(Session.demo, item) if place.only_demo else item


def _brand() -> rx.Component:
    return rx.el.a(
        rx.center(
            rx.icon("route", size=21, aria_hidden="true"),
            width="38px",
            height="38px",
            flex="none",
            border_radius="12px",
            background="var(--accent-9)",
            color="white",
        ),
        rx.box(
            rx.el.div("Campaign Manager", **tokens.text("subheading"), color=tokens.INK),
            rx.el.div(Session.practice, **tokens.text("small"), color=tokens.QUIET, min_height="20px"),
            class_name="cm-wide-only",
        ),
        href="/",
        aria_label="Campaign Manager, to the campaigns",
        class_name="cm-brand cm-plain-link",
    )


def _person() -> rx.Component:
    return rx.menu.root(
        rx.menu.trigger(
            rx.el.button(
                rx.avatar(fallback=Session.initials, size="3", radius="full", aria_hidden="true"),
                rx.box(
                    rx.el.div(Session.name, **tokens.text("label"), color=tokens.INK, data_testid="who-am-i"),
                    rx.el.div(Session.role, **tokens.text("small"), color=tokens.QUIET),
                    text_align="left",
                    min_width="0",
                    class_name="cm-wide-only",
                ),
                rx.icon(
                    "chevrons-up-down",
                    size=16,
                    aria_hidden="true",
                    color=tokens.QUIET,
                    margin_left="auto",
                    class_name="cm-wide-only",
                ),
                type="button",
                class_name="cm-person",
                aria_label="Your account",
                data_testid="person-menu",
            )
        ),
        rx.menu.content(
            rx.menu.item(
                rx.color_mode_cond(light="Switch to dark", dark="Switch to light"),
                on_select=rx.toggle_color_mode,
                data_testid="toggle-dark",
            ),
            rx.menu.item("My account", on_select=rx.redirect("/account"), data_testid="my-account"),
            rx.menu.separator(),
            rx.menu.item(
                "Sign out",
                on_select=rx.call_script("document.getElementById('sign-out').submit()"),
                data_testid="sign-out",
            ),
            min_width="220px",
        ),
    )


def navigation(active: str) -> rx.Component:
    """The landmark with every place this person may go; `active` is the key of the page."""
    return rx.el.nav(
        _brand(),
        rx.el.ul(*[_link(place, active) for place in WORK], class_name="cm-nav-list"),
        rx.el.div("Practice", class_name="cm-nav-group"),
        rx.el.ul(*[_link(place, active) for place in PRACTICE], class_name="cm-nav-list"),
        rx.el.div(_person(), class_name="cm-nav-foot"),
        ui.plain_form(action="/api/session/end", id="sign-out", hidden=True),
        class_name="cm-nav",
        aria_label="Main",
    )
