"""The dashboard."""

import reflex as rx

from components import ui
from components.dashboard.campaigns import campaigns
from components.dashboard.totals import totals, trend
from components.layout import frame, head
from state.dashboard import Dashboard
from state.session import Session, may

ROUTE = "/"
TITLE = "Campaigns · Campaign Manager"
ON_LOAD = [Session.enter, Dashboard.load]


def page() -> rx.Component:
    new = rx.cond(
        may("author"),
        ui.link_button("New campaign", "/templates", icon="plus", main=True, data_testid="new-campaign"),
    )
    return frame(
        "campaigns",
        head("Campaigns", "What runs, what waits, and what it brings.", new),
        totals(),
        campaigns(),
        trend(),
        permission="read",
    )
