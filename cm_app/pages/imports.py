"""Bringing people in."""

import reflex as rx

from components.imports.wizard import wizard
from components.layout import frame, head
from state.imports import Imports
from state.session import Session

ROUTE = "/imports"
TITLE = "Imports · Campaign Manager"
ON_LOAD = [Session.enter, Imports.load]


def page() -> rx.Component:
    return frame(
        "imports",
        head("Imports", "Leads from another system, checked row by row."),
        wizard(),
        permission="author",
    )
