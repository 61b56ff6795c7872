"""Is everything alive."""

import reflex as rx

from components.layout import frame, head
from components.status.lights import lights
from state.session import Session
from state.status import StatusPage

ROUTE = "/status"
TITLE = "Status · Campaign Manager"
ON_LOAD = [Session.enter, StatusPage.load]


def page() -> rx.Component:
    return frame(
        "status",
        head(
            "Status",
            rx.cond(
                StatusPage.loading,
                "Looking at everything that must be alive.",
                f"Version {StatusPage.version}, looked at {StatusPage.at}. It looks again by itself.",
            ),
        ),
        lights(),
        permission="manage",
    )
