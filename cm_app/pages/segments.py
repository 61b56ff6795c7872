"""Every saved segment of the practice."""

import reflex as rx

from components import ui
from components.layout import frame, head
from components.segments.listed import listed
from state.segments import Segments
from state.session import Session, may

ROUTE = "/segments"
TITLE = "Segments · Campaign Manager"
ON_LOAD = [Session.enter, Segments.load]


def page() -> rx.Component:
    new = rx.cond(
        may("author"),
        ui.link_button("New segment", "/segments/new", icon="plus", main=True, data_testid="new-segment"),
    )
    return frame(
        "segments",
        head(
            "Segments",
            "Groups of people with a name, for campaigns and for other segments. Who is in one is asked anew every time.",
            new,
        ),
        listed(),
        permission="read",
    )
