"""The versions of one campaign."""

import reflex as rx

from components.layout import frame, head
from components.versions import page as versions
from state.session import Session
from state.versions import Versions

ROUTE = "/campaigns/[campaign_id]/versions"
TITLE = "Versions · Campaign Manager"
ON_LOAD = [Session.enter, Versions.load]


def page() -> rx.Component:
    return frame(
        "campaigns",
        head(
            "Versions",
            Versions.campaign,
            back=("The journey", "/campaigns/" + Versions.id),
        ),
        versions(),
        permission="read",
    )
