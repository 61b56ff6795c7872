"""The panel of a step that hands people to another campaign: which there are (BLD-2)."""

from typing import Any

import reflex as rx

from services.campaigns.handover import targets
from services.kit.errors import Invalid
from state import words
from state.builder import Builder
from state.builder_step import StepPanel
from state.session import acting

CHOOSE = ("", "Choose a campaign")


class HandOver(rx.State):
    options: list[tuple[str, str]] = [CHOOSE]

    @rx.event
    async def load(self) -> None:
        """Every campaign that people can be handed to, with its state."""
        builder = await self.get_state(Builder)
        async with acting(self, "read") as u:
            found = await targets(u, builder.key)
        listed = [
            (str(one.campaign_id), f"{one.name} ({words.STATES[one.state][0].lower()})") for one in found
        ]
        chosen = builder.step.target
        if chosen and chosen not in dict(listed):
            listed.append((chosen, "A campaign that has ended or was deleted"))
        self.options = [CHOOSE, *listed]

    @rx.event
    async def choose(self, campaign: str) -> Any:
        """The campaign people go to."""
        if campaign not in dict(self.options):
            raise Invalid("Choose a campaign from the list.")
        return StepPanel.set_text("campaign_id", campaign)
