"""My account: sessions, password, authenticator app."""

import reflex as rx

from components import ui
from components.access.one_time_code import one_time_code
from state.account import Account, Place


def places() -> rx.Component:
    return ui.section(
        "Where you are signed in",
        rx.cond(
            Account.loading,
            ui.lines(3, padding="8px 24px 32px"),
            ui.table(
                "Your sessions", ["Device", "Since", "~Last used", ""], rx.foreach(Account.places, _place)
            ),
        ),
        rx.flex(
            ui.quiet(
                "Sign out everywhere else",
                icon="log-out",
                on_click=Account.sign_out_elsewhere,
                data_testid="sign-out-elsewhere",
            ),
            padding="16px 24px 20px",
        ),
        hint="A session ends twelve hours after its last use, and after seven days in any case.",
        flush=True,
    )


def _place(row: rx.Var[Place]) -> rx.Component:
    return rx.el.tr(
        rx.el.td(rx.el.span(row.device, font_weight="540")),
        rx.el.td(row.since),
        rx.el.td(row.seen, class_name="cm-wide-only"),
        rx.el.td(rx.cond(row.here, ui.pill("This one", "ok"))),
        data_testid="own-session",
    )


def password() -> rx.Component:
    def typed(words: str, key: str, kind: str) -> rx.Component:
        return ui.field(words, key, type="password", required=True, max_length=200, auto_complete=kind)

    form = rx.el.form(
        rx.flex(
            # Password managers file the new one under this name.
            rx.el.input(
                type="hidden", name="username", value=Account.login, read_only=True, auto_complete="username"
            ),
            typed("Your password now", "old", "current-password"),
            typed("The new one", "new", "new-password"),
            typed("The new one again", "again", "new-password"),
            rx.flex(ui.primary("Change it", type="submit", data_testid="change-password"), justify="end"),
            direction="column",
            gap="14px",
        ),
        on_submit=Account.change_password,
    )
    return ui.section(
        "Password",
        form,
        hint="At least ten characters; several words that do not belong together are good. Afterwards you "
        "sign in again, here and everywhere else.",
    )


def authenticator() -> rx.Component:
    return ui.section(
        "Authenticator app",
        rx.flex(
            rx.cond(
                Account.has_totp,
                ui.notice("It is set up.", tone="ok", icon="circle-check"),
                ui.notice("Not set up yet. What is hard to undo asks for a code from it.", tone="warn"),
            ),
            ui.quiet(
                rx.cond(Account.has_totp, "Use another one", "Set it up"),
                icon="smartphone",
                on_click=Account.begin_totp,
                data_testid="begin-totp",
            ),
            direction="column",
            gap="14px",
            align="start",
        ),
        hint="An app on your phone that shows a new code every half minute.",
    )


def dialogs() -> rx.Component:
    return rx.fragment(
        ui.form_dialog(
            "Set up your authenticator app",
            "Scan this with the app, then type the code it shows.",
            rx.center(
                rx.image(src=Account.picture, alt="The secret as a picture for the app", background="white"),
                padding="8px",
            ),
            ui.small("Or type it in: ", rx.el.code(Account.secret), margin_bottom="12px"),
            ui.field("Code", "first", required=True, input_mode="numeric", max_length=8, auto_focus=True),
            go="Set up",
            leave=Account.leave_totp,
            open=Account.picture != "",
            on_submit=Account.confirm_totp,
            data_testid="confirm-totp",
        ),
        one_time_code(
            "Replacing your authenticator needs a code from the one you have.",
            hint=Account.code_hint,
            open=Account.coding,
            on_open_change=Account.ask_code,
            on_submit=Account.give_code,
        ),
    )
