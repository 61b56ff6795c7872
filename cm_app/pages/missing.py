"""Where an address that no page has leads; also for those who are not signed in."""

import reflex as rx

from components import tokens, ui
from components.layout import nowhere

ROUTE = "404"
TITLE = "Nothing here · Campaign Manager"


def page() -> rx.Component:
    return rx.el.main(
        rx.el.div(
            ui.title("Campaign Manager", data_testid="page-title"),
            nowhere("No page has this address. It may be incomplete, or the page has moved."),
            class_name="cm-page",
            max_width="720px",
        ),
        id="content",
        min_height="100dvh",
        background=tokens.CANVAS,
    )
