"""The campaign calendar (LIF-11): days of the practice, planned, due and sent, overlaps, days off."""

from datetime import date, timedelta
from typing import Any

import pytest

from services.campaigns import service as campaigns
from services.campaigns.planning import move_start
from services.engine.agenda import agenda
from services.kit.errors import Forbidden, Invalid
from tests.factories.campaign import launch
from tests.factories.journeys import journey, person
from tests.factories.practice import make_contact, run
from tests.factories.world import World

PATIENTS = {"include": [{"node": "field", "field": "contact.kind", "op": "is", "value": "patient"}]}


def told(found: Any) -> list[tuple[str, int, str, int | None]]:
    return [(e.campaign, (e.day - found.today).days, e.what, e.people) for e in found.entries]


@pytest.mark.covers("LIF-11")
async def test_the_calendar_says_what_goes_to_whom_when_and_who_is_in_two_campaigns(
    world: World, database_url: str
):
    practice, now = world.practice_id, world.clock.now()
    for _ in range(3):
        make_contact(database_url, practice, now)
    first = await launch(world.app, practice, journey(audience=PATIENTS))
    other = await launch(world.app, practice, journey(audience=PATIENTS, caps={}))
    await launch(world.app, practice, journey(audience=PATIENTS, how="schedule"), kind="recurring")
    await world.run()
    names = {m.campaign_id: f"Campaign {m.campaign_id.hex[-6:]}" for m in (first, other)}
    run(
        database_url,
        "INSERT INTO cm.holiday VALUES (:p, :day, 'Founders day')",
        {"p": practice, "day": now.date() + timedelta(days=2)},
    )
    author = person(practice, "author", "read", "manage")
    async with world.app.uow(author) as u:
        start = now + timedelta(days=5)
        row = await campaigns.create(u, name="Spring", journey=journey(audience=PATIENTS))
        await campaigns.request_approval(u, row.campaign_id, activate_at=start)
        found = await agenda(u, now.date(), 14)
        assert found.holidays == {now.date() + timedelta(days=2): "Founders day"}
        assert ("Spring", 5, "starts", 3) in told(found)
        for made in (first, other):
            assert (names[made.campaign_id], 3, "sends", 3) in told(found)
        assert {(names[m.campaign_id], 0, "sent", 3) for m in (first,)} <= set(told(found))
        assert [w for _, _, w, _ in told(found)].count("runs") == 1, "next Monday at nine"
        assert {o.people for o in found.overlaps} == {3}
        assert {found.overlaps[0].one, found.overlaps[0].other} == set(names.values())
        # Another day, the same time of day, and approval of exactly that.
        moved = await move_start(u, row.campaign_id, start.date() + timedelta(days=2))
        assert moved.activate_at == start + timedelta(days=2)
    async with world.app.uow(person(practice)) as u:
        await campaigns.approve(u, moved.approval_id)
        assert (await campaigns.get(u, row.campaign_id)).row.state == "scheduled"
    async with world.app.uow(author) as u:
        await move_start(u, row.campaign_id, start.date() + timedelta(days=4))
        assert (await campaigns.get(u, row.campaign_id)).row.state == "draft", "it needs a new approval"
        (entry,) = [e for e in (await agenda(u, now.date(), 14)).entries if e.what == "starts"]
        assert (entry.day, entry.approved) == (start.date() + timedelta(days=4), False)
        with pytest.raises(Invalid, match="planned start"):
            await move_start(u, first.campaign_id, date(2026, 12, 1))
        with pytest.raises(Invalid, match="1 to 62"):
            await agenda(u, now.date(), 63)
    async with world.app.uow(person(practice, "suppress")) as u:
        with pytest.raises(Forbidden):
            await agenda(u, now.date(), 7)
