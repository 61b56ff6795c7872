"""Several campaigns at once (LIF-10): each outcome told, a fresh code where D10 asks for one."""

from uuid import UUID

import httpx
import pytest

from services.access.contracts import DemoPerson
from services.bootstrap import App
from services.campaigns import service as campaigns
from services.campaigns.bulk import several
from services.campaigns.several import told
from services.kit.errors import Forbidden, Invalid
from services.kit.ids import new_id
from tests.factories.api import sign_in, step_up
from tests.factories.campaign import journey, launch
from tests.factories.journeys import person


@pytest.mark.covers("LIF-10", "GOV-2")
async def test_each_outcome_is_told_and_one_refusal_holds_up_nobody(
    app: App, practice: UUID, client: httpx.AsyncClient, cast: dict[str, DemoPerson]
):
    ids = [(await launch(app, practice, journey(), kind="event")).campaign_id for _ in range(3)]
    gone = new_id()
    manager = person(practice, "manage", "read", "author")
    done = await several(app.uow, manager, [*ids, gone, ids[0]], "pause", reason="Snow")
    assert [one.done for one in done] == [True, True, True, False]
    assert told(done, "paused") == "3 paused, 1 could not be. This campaign does not exist, or was deleted."
    again = await several(app.uow, manager, ids[:1], "pause")
    assert [(one.done, one.why_not) for one in again] == [(False, "It is paused already.")]
    tagged = await several(app.uow, manager, ids, "tag", tag=" Snow ")
    assert told(tagged, "tagged") == "3 tagged."
    untagged = await several(app.uow, manager, ids[:1], "untag", tag="snow")
    assert untagged[0].done
    async with app.uow(manager) as u:
        assert [(await campaigns.get(u, id)).row.tags for id in ids] == [[], ["snow"], ["snow"]]
    with pytest.raises(Invalid, match="which tag"):
        await several(app.uow, manager, ids, "tag")
    with pytest.raises(Forbidden):
        await several(app.uow, person(practice, "read"), ids, "cancel")
    with pytest.raises(Invalid, match="100"):
        await several(app.uow, manager, [new_id() for _ in range(101)], "pause")

    await sign_in(client, cast["administrator"])
    asked = {"do": "resume", "campaign_ids": [str(id) for id in ids]}
    refused = await client.post("/api/v1/campaign-deeds", json=asked)
    await sign_in(client, cast["marketer"])
    refused = await client.post("/api/v1/campaign-deeds", json=asked)
    assert (refused.status_code, refused.json()["code"]) == (403, "step_up_needed")
    await step_up(client, app, cast["marketer"])
    answer = await client.post("/api/v1/campaign-deeds", json=asked)
    assert answer.status_code == 200
    assert len(answer.json()) == 3
