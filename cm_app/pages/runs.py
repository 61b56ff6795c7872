"""Every run of every campaign."""

import reflex as rx

from components.layout import frame, head
from components.runs.listing import listing
from state.runs import Runs
from state.session import Session

ROUTE = "/runs"
TITLE = "Runs · Campaign Manager"
ON_LOAD = [Session.enter, Runs.load]


def page() -> rx.Component:
    return frame(
        "runs",
        head(
            "Runs",
            "Each time a campaign went out: who began it, whom it reached, and what became of the messages.",
        ),
        listing(),
        permission="read",
    )
