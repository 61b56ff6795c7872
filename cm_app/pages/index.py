"""The front page."""

import reflex as rx

ROUTE = "/"
TITLE = "Campaign Manager"


def page() -> rx.Component:
    return rx.center(
        rx.vstack(
            rx.heading("Campaign Manager", size="8"),
            rx.text("Plan, run and prove the marketing journeys of your practice."),
            align="center",
        ),
        min_height="100vh",
    )
