"""The sign-in form and the list of demo people."""

import reflex as rx

from components import tokens, ui
from state.login import DemoRow, Login


def _brand() -> rx.Component:
    return rx.flex(
        rx.center(
            rx.icon("route", size=24, aria_hidden="true"),
            width="46px",
            height="46px",
            border_radius="15px",
            background="var(--accent-9)",
            color="white",
        ),
        rx.box(
            rx.el.div("Campaign Manager", **tokens.text("heading"), color=tokens.INK),
            rx.el.div("Patient journeys, sent with care", **tokens.text("small"), color=tokens.QUIET),
        ),
        gap="14px",
        align="center",
    )


def _form() -> rx.Component:
    return ui.plain_form(
        rx.flex(
            ui.title("Sign in", data_testid="page-title"),
            rx.cond(
                Login.problem != "",
                ui.notice(Login.problem, tone="danger", icon="circle-alert", data_testid="sign-in-problem"),
            ),
            ui.field("Login name", "login", auto_complete="username", required=True, auto_focus=True),
            ui.field(
                "Password", "password", type="password", auto_complete="current-password", required=True
            ),
            rx.el.input(type="hidden", name="next", value=Login.next, read_only=True),
            ui.primary("Sign in", type="submit", width="100%", data_testid="sign-in"),
            direction="column",
            gap="18px",
        ),
        method="post",
        action="/api/session",
    )


def _elsewhere() -> rx.Component:
    """The button to the provider, where there is one."""
    return rx.cond(
        Login.provider != "",
        ui.link_button(
            f"Sign in with {Login.provider}",
            Login.provider_href,
            icon="key-round",
            file=True,
            width="100%",
            data_testid="sign-in-outside",
        ),
    )


def _person(row: rx.Var[DemoRow]) -> rx.Component:
    return rx.el.li(
        rx.el.button(
            rx.avatar(fallback=row.name[0], size="2", radius="full", aria_hidden="true"),
            rx.box(
                rx.el.div(row.name, " · ", row.role, **tokens.text("label"), color=tokens.INK),
                rx.el.div(row.what, **tokens.text("small"), color=tokens.QUIET, class_name="cm-first-letter"),
                text_align="left",
                flex="1",
                min_width="0",
            ),
            type="button",
            on_click=[rx.set_value("login", row.login), rx.set_value("password", row.password)],
            class_name="cm-person",
            data_testid=f"demo-{row.login}",
        )
    )


def sign_in() -> rx.Component:
    return rx.el.main(
        rx.el.div(
            _brand(),
            ui.card(rx.flex(_form(), _elsewhere(), direction="column", gap="14px"), padding="32px"),
            rx.cond(
                Login.people.length() > 0,
                rx.box(
                    ui.label("Demo people: tap one to fill the form"),
                    rx.el.ul(
                        rx.foreach(Login.people, _person), list_style="none", padding="0", margin="8px 0 0"
                    ),
                ),
            ),
            class_name="cm-sign-in",
        ),
        id="content",
        min_height="100dvh",
        background=tokens.CANVAS,
        data_testid="page-login",
    )
