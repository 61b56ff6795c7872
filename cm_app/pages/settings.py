"""Practice settings."""

import reflex as rx

from components import ui
from components.layout import frame, head
from components.settings.blocks import block_list
from components.settings.closed_days import closed_days
from components.settings.forms import code, kill_switch, rules
from state.blocks import Blocks
from state.closed_days import ClosedDays
from state.session import Session, may
from state.settings import Settings

ROUTE = "/settings"
TITLE = "Settings · Campaign Manager"
ON_LOAD = [Session.enter, Settings.load, ClosedDays.load, Blocks.load]


def page() -> rx.Component:
    return frame(
        "settings",
        head(
            "Settings",
            "What holds for every campaign of the practice.",
            rx.cond(
                may("people"),
                ui.link_button("People and roles", "/settings/team", icon="users", data_testid="to-team"),
            ),
        ),
        rx.box(kill_switch(), max_width="860px"),
        rules(),
        closed_days(),
        block_list(),
        code(),
        permission="manage",
    )
