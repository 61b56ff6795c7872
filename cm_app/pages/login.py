"""Where people sign in."""

import reflex as rx

from components.access.sign_in import sign_in
from state.login import Login

ROUTE = "/login"
TITLE = "Sign in · Campaign Manager"
ON_LOAD = Login.load


def page() -> rx.Component:
    return sign_in()
