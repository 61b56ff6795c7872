"""Everyone the practice knows."""

import reflex as rx

from components.layout import frame, head
from components.people.finder import finder
from state.people import People
from state.session import Session

ROUTE = "/people"
TITLE = "People · Campaign Manager"
ON_LOAD = [Session.enter, People.load]


def page() -> rx.Component:
    return frame(
        "people",
        head("People", "Find somebody, see what they received and why, or stop marketing."),
        finder(),
    )
