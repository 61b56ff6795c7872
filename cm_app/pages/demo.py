"""The practice simulator (development only)."""

import reflex as rx

from components.imports.simulator import simulator
from components.layout import frame, head
from state.demo import Demo
from state.session import Session

ROUTE = "/demo"
TITLE = "Simulator · Campaign Manager"
ON_LOAD = [Session.enter, Demo.load]


def page() -> rx.Component:
    lead = "Play the other modules: make something happen to a person and watch their journeys answer."
    return frame(
        "demo",
        head("Practice simulator", lead),
        simulator(),
        permission="read",
    )
