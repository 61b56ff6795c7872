"""The campaign calendar."""

import reflex as rx

from components.agenda.month import calendar
from components.layout import frame, head
from state.agenda import Calendar
from state.session import Session

ROUTE = "/calendar"
TITLE = "Calendar · Campaign Manager"
ON_LOAD = [Session.enter, Calendar.load]


def page() -> rx.Component:
    return frame(
        "calendar",
        head(
            "Calendar", "What goes to whom when: planned starts, repeating runs, and messages that are due."
        ),
        calendar(),
        permission="read",
    )
