"""One run of a campaign."""

import reflex as rx

from components import ui
from components.layout import frame, head
from components.runs.run import run
from state.runs import Run
from state.session import Session

ROUTE = "/runs/[run_id]"
TITLE = "Run · Campaign Manager"
ON_LOAD = [Session.enter, Run.load]


def page() -> rx.Component:
    shown = Run.shown
    return frame(
        "runs",
        head(
            rx.cond(Run.loading, "Run", shown.row.campaign),
            rx.flex(
                ui.pill(shown.row.outcome, shown.row.tone, data_testid="run-outcome"),
                rx.el.span(shown.row.run),
                gap="10px",
                align="center",
                wrap="wrap",
            ),
            ui.link_button("Open the campaign", shown.campaign_href, icon="route"),
            back=("Runs", "/runs"),
        ),
        run(),
        permission="read",
    )
