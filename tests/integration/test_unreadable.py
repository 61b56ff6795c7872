"""A stored journey that cannot be read is a sentence on every page, never a broken one (BLD-3, BLD-5)."""

import orjson
import pytest

from services.bootstrap import App
from services.campaigns import service as campaigns
from services.campaigns import versions as sealed
from services.campaigns.errors import Unreadable
from services.campaigns.history import last_readable, version_of, version_story
from services.campaigns.sheet import sheet
from services.campaigns.stored import stored_text
from services.contracts.journey import Journey
from services.forecast.service import forecast_campaign
from services.kit.actor import Actor
from services.kit.errors import Forbidden, Invalid
from services.proofs import service as proofs
from tests.factories.journeys import journey, person

pytestmark = pytest.mark.covers("BLD-3", "BLD-5")

UNKNOWN = {**journey().model_dump(mode="json"), "autopilot": True}
WRONG = journey().model_dump(mode="json")
WRONG["steps"][1]["channels"] = "by pigeon"


def damaged(app: App, place: str, what: str) -> bytes:
    """Bytes as they might be found: an unknown field, a wrong type, no JSON, or not decryptable."""
    if what == "sealed":
        return b"\x01" + bytes(40)
    told = {"unknown": orjson.dumps(UNKNOWN), "wrong": orjson.dumps(WRONG), "text": b"{half a"}[what]
    return app.uow.keyring.seal(told, place=place)


async def started(app: App, maker: Actor, boss: Actor):
    """A campaign with one approved version and an edit after it that waits for approval."""
    async with app.uow(maker) as u:
        campaign = (await campaigns.create(u, name="Recall", journey=journey("One"))).campaign_id
        await campaigns.request_approval(u, campaign)
    async with app.uow(boss) as u:
        await campaigns.approve(u, (await campaigns.inbox(u))[0].approval_id)
    async with app.uow(maker) as u:
        await campaigns.pause(u, campaign, reason="To edit")
        await campaigns.save_draft(u, campaign, journey("Two"), revision=1)
        asked = await campaigns.request_approval(u, campaign)
    return campaign, asked


@pytest.mark.parametrize(
    ("what", "sentence"),
    [
        ("unknown", "“autopilot”, which a campaign cannot hold"),
        ("wrong", "“channels” is not right"),
        ("text", "not a campaign file"),
        ("sealed", "cannot be decrypted"),
    ],
)
async def test_a_damaged_draft_opens_everywhere_as_a_sentence_and_is_restored(
    app: App, practice, what: str, sentence: str
):
    maker, boss = person(practice), person(practice)
    campaign, _ = await started(app, maker, boss)
    async with app.uow(maker) as u:
        await u.execute(
            "UPDATE cm.campaign SET draft = :draft WHERE practice_id = :practice AND campaign_id = :campaign",
            draft=damaged(app, f"campaign.draft:{campaign}", what),
            practice=practice,
            campaign=campaign,
        )
        detail = await campaigns.get(u, campaign)
        assert sentence in detail.draft_problems[0].sentence
        if what == "wrong":
            assert detail.draft_problems[0].step_id == "hello"
        assert len((await campaigns.page(u, campaigns.CampaignFilter())).rows) == 1
        assert len(await campaigns.inbox(u)) == 1
        paper = await sheet(u, campaign)
        assert sentence in paper.problem
        assert [story.version.number for story in await version_story(u, campaign)] == [2, 1]
        for attempt in (
            forecast_campaign(u, campaign),
            proofs.ask(u, campaign),
            campaigns.request_approval(u, campaign),
        ):
            with pytest.raises(Unreadable, match="cannot be read"):
                await attempt
        good = await last_readable(u, campaign)
        assert good
        assert good.number == 2
        assert good.content_hash
        found = await version_of(u, campaign, good.version_id)
        assert isinstance(found, Journey)
        await campaigns.save_draft(u, campaign, found, revision=detail.draft_revision)
        assert (await campaigns.get(u, campaign)).draft_problems == []


async def test_a_damaged_version_cannot_be_approved_but_its_request_opens(
    app: App, practice, monkeypatch: pytest.MonkeyPatch
):
    maker, boss = person(practice), person(practice)
    campaign, asked = await started(app, maker, boss)
    sealed._cache.clear()
    opened = sealed._opened
    monkeypatch.setattr(
        sealed,
        "_opened",
        lambda u, box, place: opened(
            u, damaged(app, place, "unknown") if str(asked.version_id) in place else box, place
        ),
    )
    async with app.uow(boss) as u:
        detail = await campaigns.approval(u, asked.approval_id)
        assert "autopilot" in detail.problems[0].sentence
        assert not detail.may_decide
        assert "cannot be read" in detail.why_not
        assert "autopilot" in (await sheet(u, campaign, asked.version_id)).problem
        good = await last_readable(u, campaign)
        assert good
        assert good.number == 1
        with pytest.raises(Invalid, match="autopilot"):
            await campaigns.approve(u, asked.approval_id)


async def test_the_stored_text_is_for_whoever_manages_and_only_what_can_be_decrypted(app: App, practice):
    maker = person(practice)
    async with app.uow(maker) as u:
        campaign = (await campaigns.create(u, name="Recall", journey=journey())).campaign_id
        assert Journey.model_validate_json(await stored_text(u, campaign)) == journey()
    async with app.uow(person(practice, "read", "author")) as u:
        with pytest.raises(Forbidden):
            await stored_text(u, campaign)
    async with app.uow(maker) as u:
        await u.execute(
            "UPDATE cm.campaign SET draft = :draft WHERE practice_id = :practice",
            draft=damaged(app, "", "sealed"),
            practice=practice,
        )
        with pytest.raises(Unreadable, match="decrypted"):
            await stored_text(u, campaign)
