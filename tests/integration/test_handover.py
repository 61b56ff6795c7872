"""Handing people to another campaign: what can be chosen, and what is wrong with a choice (BLD-2)."""

from typing import Any
from uuid import UUID

import pytest

from services.bootstrap import App
from services.builder.fixes import apply_fix
from services.campaigns import service as campaigns
from services.campaigns.handover import targets
from services.contracts.journey import Journey
from services.kit.uow import Unit
from tests.factories.journeys import journey, person


def handing(*to: UUID | str) -> Journey:
    """The usual journey with a step that hands over to each of these, before its end."""
    value: dict[str, Any] = journey().model_dump(mode="json")
    value["steps"][-2]["next"] = "hand-0"
    for n, campaign in enumerate(to):
        after = f"hand-{n + 1}" if n + 1 < len(to) else "done"
        value["steps"].append(
            {"id": f"hand-{n}", "kind": "sub_campaign", "campaign_id": str(campaign), "next": after}
        )
    return Journey.model_validate(value)  # fmt: skip


async def _codes(u: Unit, of: Journey, campaign: UUID) -> list[tuple[str, str]]:
    found = await campaigns.problems_of(u, of, campaign)
    return sorted((p.step_id or "", p.code) for p in found if (p.step_id or "").startswith("hand"))


@pytest.mark.covers("BLD-2", "BLD-4")
async def test_a_hand_over_is_checked_against_the_other_campaigns(app: App, practice: UUID):
    maker, boss = person(practice), person(practice)
    async with app.uow(maker) as u:
        ours = (await campaigns.create(u, name="Ours", journey=journey())).campaign_id
        other = (await campaigns.create(u, name="Other", journey=journey())).campaign_id
        assert [(t.name, t.state) for t in await targets(u, ours)] == [("Other", "draft")]
        assert await _codes(u, handing(""), ours) == [("hand-0", "no_campaign")]
        assert await _codes(u, handing(practice), ours) == [("hand-0", "unknown_campaign")]
        assert await _codes(u, handing(ours), ours) == [("hand-0", "sub_campaign_itself")]
        assert await _codes(u, handing(other), ours) == [("hand-0", "campaign_not_running")]
        await campaigns.request_approval(u, other)
    async with app.uow(boss) as u:
        await campaigns.approve(u, (await campaigns.inbox(u))[0].approval_id)
    async with app.uow(maker) as u:
        assert await _codes(u, handing(other), ours) == []
        third = (await campaigns.create(u, name="Third", journey=handing(ours))).campaign_id
        await campaigns.save_draft(u, ours, handing(other, third), revision=1)
        found = [
            p
            for p in await campaigns.problems_of(u, handing(other, third), ours)
            if p.code == "campaigns_in_a_circle"
        ]
        assert [p.step_id for p in found] == ["hand-1"]
        fixed = apply_fix(handing(other, third), found[0])
        assert await _codes(u, fixed, ours) == []
        await campaigns.pause(u, other, reason="x")
        await campaigns.cancel(u, other, reason="x")
        assert await _codes(u, handing(other), ours) == [("hand-0", "campaign_ended")]
        assert "Other" not in {t.name for t in await targets(u, ours)}
