"""What would happen if this campaign began now."""

import reflex as rx

from components import ui
from components.forecast import forecast
from components.layout import frame, head
from state.forecast import ForecastPage
from state.session import Session

ROUTE = "/campaigns/[campaign_id]/forecast"
TITLE = "Forecast · Campaign Manager"
ON_LOAD = [Session.enter, ForecastPage.load]


def page() -> rx.Component:
    builder = f"/campaigns/{ForecastPage.id}"
    return frame(
        "campaigns",
        head(
            "Forecast",
            ForecastPage.campaign,
            ui.link_button("Test walk", f"{builder}/walk", icon="footprints"),
            back=("Back to the campaign", builder),
        ),
        forecast(),
        permission="read",
    )
