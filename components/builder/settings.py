"""What belongs to the whole campaign: its kind and its aim."""

import reflex as rx

from components import ui
from components.builder import inputs
from services.contracts.campaign_types import LABELS
from state.builder import Builder
from state.builder_life import Life

OBJECTIVES = [
    ("booking", "Book an appointment"),
    ("engagement", "Click a link in a message"),
    ("conversion", "Accept a treatment proposal"),
    ("revenue", "Go ahead with treatment"),
]


def settings() -> rx.Component:
    return rx.fragment(
        inputs.choice(
            "Kind of campaign",
            "campaign-type",
            list(LABELS.items()),
            Builder.campaign_type,
            Life.set_type,
            hint="Decides which rules of the practice apply, such as who is kept out during recall.",
        ),
        inputs.choice("Aim", "objective", OBJECTIVES, Builder.objective, Life.set_objective),
        ui.small("Whoever does this has met the aim: their journey ends at once, wherever they are."),
        rx.flex(
            _pace("Messages a minute", "per_minute"),
            _pace("Messages an hour", "per_hour"),
            gap="10px",
        ),
        ui.small("At most. Whoever has to wait stays in line; nobody is left out."),
        inputs.span(
            "Spread over",
            "pace-spread",
            Builder.pace["spread"],
            Builder.pace["spread_unit"],
            Life.set_spread,
        ),
        ui.small("People who come in together start evenly over this time."),
    )


def _pace(name: str, key: str) -> rx.Component:
    return inputs.number(
        name, f"pace-{key}", Builder.pace[key], lambda v: Life.set_pace(key, v), placeholder="No limit"
    )
