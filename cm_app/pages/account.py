"""One's own account."""

import reflex as rx

from components.layout import frame, head
from components.settings.account import authenticator, dialogs, password, places
from state.account import Account
from state.session import Session

ROUTE = "/account"
TITLE = "My account · Campaign Manager"
ON_LOAD = [Session.enter, Account.load]


def page() -> rx.Component:
    return frame(
        "account",
        head("My account", "Your sessions, your password and your authenticator app."),
        rx.flex(
            places(),
            authenticator(),
            rx.cond(Account.has_password, password()),
            direction="column",
            gap="24px",
            max_width="860px",
        ),
        dialogs(),
    )
