"""One sample person through the journey, step by step."""

import reflex as rx

from components import ui
from components.forecast import walk
from components.layout import frame, head
from state.session import Session
from state.walk import WalkPage

ROUTE = "/campaigns/[campaign_id]/walk"
TITLE = "Test walk · Campaign Manager"
ON_LOAD = [Session.enter, WalkPage.load]


def page() -> rx.Component:
    builder = f"/campaigns/{WalkPage.id}"
    return frame(
        "campaigns",
        head(
            "Test walk",
            WalkPage.campaign,
            ui.link_button("Forecast", f"{builder}/forecast", icon="trending-up"),
            back=("Back to the campaign", builder),
        ),
        walk(),
        permission="read",
    )
