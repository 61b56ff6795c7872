"""The demonstration practice's campaigns, made by the services everybody uses."""

from uuid import UUID

import pytest

from cm_app.demo import ensure_demo_campaigns
from services.access.service import ensure_demo_people
from services.bootstrap import App
from services.kit.actor import system


@pytest.mark.covers("LIF-1", "LIF-6", "BLD-11")
async def test_one_runs_one_waits_one_is_a_draft_and_a_second_start_adds_nothing(app: App, practice: UUID):
    await ensure_demo_people(app, practice)
    assert await ensure_demo_campaigns(app, practice) == 3
    assert await ensure_demo_campaigns(app, practice) == 0
    async with app.uow(system(practice, "test")) as u:
        rows = (await u.execute("SELECT name, state FROM cm.campaign ORDER BY name")).all()
        waiting = (await u.execute("SELECT count(*) FROM cm.approval WHERE state = 'requested'")).scalar_one()
    assert [r.state for r in rows] == ["draft", "draft", "active"]
    assert waiting == 1
