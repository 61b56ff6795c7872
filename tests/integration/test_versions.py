"""The story of a campaign's versions, who saved last, and who has it open."""

from datetime import timedelta
from uuid import UUID

import pytest

from services.bootstrap import App
from services.campaigns import service as campaigns
from services.campaigns.history import last_saved, version_of, version_story
from services.kit import presence
from services.kit.clock import VirtualClock
from services.kit.errors import NotFound
from services.kit.ids import new_id
from services.kit.presence import SILENT, Here
from tests.factories.journeys import journey, person


@pytest.mark.covers("LIF-5", "BLD-5")
async def test_versions_tell_who_made_them_what_for_and_what_became_of_them(app: App, practice: UUID):
    maker, boss = person(practice), person(practice)
    async with app.uow(maker) as u:
        campaign = (await campaigns.create(u, name="Recall", journey=journey("One"))).campaign_id
        await campaigns.request_approval(u, campaign, note="The first")
    async with app.uow(boss) as u:
        request = (await campaigns.inbox(u))[0]
        await campaigns.approve(u, request.approval_id)
    async with app.uow(maker) as u:
        await campaigns.pause(u, campaign, reason="To edit")
        await campaigns.save_draft(u, campaign, journey("Two"), revision=1)
        await campaigns.request_approval(u, campaign, note="Friendlier")
    async with app.uow(boss) as u:
        stories = await version_story(u, campaign)
        assert [(s.version.number, s.live, s.is_draft) for s in stories] == [
            (2, False, True),
            (1, True, False),
        ]
        assert [s.request.note for s in stories if s.request] == ["Friendlier", "The first"]
        assert [s.request.state for s in stories if s.request] == ["requested", "used"]
        first = stories[1].version.version_id
        found = await version_of(u, campaign, first)
        assert found == await campaigns.journey_of(u, first)
        _, at = await last_saved(u, campaign)
        assert at == u.now
        with pytest.raises(NotFound):
            await version_of(u, new_id(), first)


@pytest.mark.covers("BLD-5")
async def test_who_is_here_is_seen_until_they_leave_or_fall_silent(
    app: App, practice: UUID, clock: VirtualClock
):
    maya, alex = Here("tab-1", "m", "Maya", "hello"), Here("tab-2", "a", "Alex")
    for one in (maya, alex):
        await presence.arrive(app.bus, practice, "builder:1", one, clock.now())
    assert await presence.who(app.bus, practice, "builder:1", clock.now()) == [alex, maya]
    assert await presence.who(app.bus, practice, "builder:2", clock.now()) == []
    assert await presence.who(app.bus, new_id(), "builder:1", clock.now()) == []
    await presence.leave(app.bus, practice, "builder:1", "tab-2")
    assert await presence.who(app.bus, practice, "builder:1", clock.now()) == [maya]
    assert (
        await presence.who(app.bus, practice, "builder:1", clock.now() + SILENT + timedelta(seconds=1)) == []
    )
