"""One campaign on the canvas."""

import reflex as rx

from components.builder import builder
from components.layout import frame
from state.builder import Builder
from state.builder_life import Life
from state.builder_outline import Outline
from state.builder_presence import Presence
from state.session import Session

ROUTE = "/campaigns/[campaign_id]"
TITLE = "Builder · Campaign Manager"
ON_LOAD = [Session.enter, Builder.load, Outline.load, Life.load, Presence.load]


def page() -> rx.Component:
    return frame("campaigns", builder(), wide=True, permission="read")
