"""Events in and webhooks out, as an administrator sees and cures them (EVT-4, EVT-6, EVT-7)."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any
from uuid import UUID

import httpx
import orjson
import pytest
from playwright.async_api import Page, expect
from standardwebhooks.webhooks import Webhook

from services.access.service import webhook_secret
from services.kit.clock import SystemClock
from services.kit.crypto import load_keyring
from services.kit.ids import new_id
from services.kit.settings import Settings
from tests.e2e.conftest import TABLET, Site
from tests.e2e.test_access_for_all import check
from tests.factories.receiver import Receiver, receiver

SET_ASIDE = "SELECT actor FROM cm.audit WHERE practice_id = :practice AND tag = 'event.set_aside'"
REPLAYS = "SELECT actor FROM cm.audit WHERE practice_id = :practice AND tag = 'event.replayed'"


@pytest.fixture
def server() -> Iterator[Receiver]:
    with receiver() as running:
        yield running


def post(site: Site, event: dict[str, Any]) -> httpx.Response:
    """Send one event as another module does: over HTTP, signed."""
    keyring = load_keyring(Settings(home=site.home, _env_file=None))
    secret = webhook_secret(keyring, UUID(site.practice_id))
    body, at, message = orjson.dumps(event).decode(), SystemClock().now(), str(new_id())
    headers = {
        "webhook-id": message,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(message, at, body),
    }
    return httpx.post(f"{site.portal}/api/v1/events", content=body, headers=headers, timeout=30)


def proposal(site: Site, **changes: Any) -> dict[str, Any]:
    data = {"proposal_id": str(new_id()), "patient_id": str(new_id()), "practice_id": site.practice_id}
    at = SystemClock().now() - timedelta(seconds=2)
    return {
        "id": str(new_id()), "source": "proposals", "type": "proposal.created", "time": at.isoformat(),
        "practiceid": site.practice_id, "data": data, **changes,
    }  # fmt: skip


@pytest.mark.covers("EVT-4", "EVT-7", "SRF-5")
async def test_what_cannot_be_understood_is_seen_cured_and_replayed(signed_in, site: Site):
    page: Page = await signed_in("administrator")
    await page.get_by_test_id("nav-integrations").click()
    await expect(page.get_by_test_id("source-row").first).to_be_visible()
    letters = page.get_by_test_id("letter-row")
    await expect(letters).to_have_count(0)

    # What can be seen to be wrong is refused at the door, with the place.
    wrong = proposal(site)
    del wrong["data"]["patient_id"]
    answer = post(site, wrong)
    assert (answer.status_code, answer.json()["errors"][0]["pointer"]) == (422, "#/0/data/patient_id")
    # What only the consumer finds out becomes a dead letter, while the page is looked at.
    large = proposal(site)
    large["data"]["treatment"] = "x" * 300_000
    assert post(site, large).status_code == 202
    await expect(letters).to_have_count(1)
    await expect(letters).to_contain_text("The event is larger than 256 kB.")
    await expect(letters).to_contain_text("proposal.created")
    # The sender corrects it and sends it again; it counts.
    assert post(site, proposal(site)).status_code == 202
    await expect(page.locator('[data-source="proposals"]')).to_contain_text("just now")
    # Nobody here knows this one: kept, and counted.
    assert post(site, proposal(site, type="proposal.yodelled")).json()["unknown"] == ["proposal.yodelled"]
    await expect(page.get_by_test_id("unknown-row")).to_contain_text("proposal.yodelled")
    assert await check(page, "integrations") == []

    # Put back as it was it is still too large: a dead letter again, and on record who tried.
    await letters.get_by_test_id("replay").click()
    await expect(page.get_by_text("1 event put back on the stream.")).to_be_visible()
    (row,) = await site.until(lambda rows: len(rows) == 1, REPLAYS)
    assert row.actor.startswith("person:")
    await expect(letters).to_have_count(1)

    # Given up for good, after a moment in which it can be had back.
    await letters.get_by_test_id("set-aside").click()
    await expect(letters).to_have_count(0)
    await page.get_by_role("button", name="Undo").click()
    await expect(letters).to_have_count(1)
    await letters.get_by_test_id("set-aside").click()
    await site.until(lambda rows: len(rows) == 1, SET_ASIDE)
    await expect(letters).to_have_count(0)

    await page.get_by_test_id("schemas-proposals").locator("summary").click()
    link = page.get_by_role("link", name="proposal.created")
    schema = await page.request.get(await link.get_attribute("href") or "")
    assert "patient_id" in (await schema.json())["properties"]
    assert (await page.request.get("/api/v1/asyncapi.json")).ok


@pytest.mark.covers("EVT-6", "SRF-5")
async def test_an_integrator_adds_an_endpoint_tests_it_and_sees_what_was_sent(
    signed_in, site: Site, server: Receiver
):
    page: Page = await signed_in("administrator", "/integrations", viewport=TABLET)
    await page.get_by_test_id("add-webhook").click()
    await page.get_by_test_id("field-label").fill("Data warehouse")
    await page.get_by_test_id("field-url").fill(server.url)
    await page.get_by_test_id("event-campaign.suppression.applied").check()
    found = await check(page, "adding an endpoint")
    await page.get_by_test_id("confirm-webhook").click()
    secret = await page.get_by_test_id("webhook-secret").inner_text()
    await page.get_by_test_id("secret-kept").click()
    await page.get_by_test_id("test-webhook").click()
    rows = page.get_by_test_id("delivery-row")
    await expect(rows.first).to_contain_text("Delivered")
    assert Webhook(secret).verify(server.requests[0][1], server.requests[0][0])["type"] == "webhook.test"

    # What happens in the practice arrives too, and a server in trouble is seen to be.
    server.code = 503
    desk: Page = await signed_in("front_desk", "/people")
    await desk.get_by_test_id("person-link").last.click()
    await desk.get_by_test_id("stop-marketing").click()
    await desk.get_by_test_id("field-reason").fill("Asked by phone")
    await desk.get_by_test_id("confirm-marketing").click()
    # Undo at the desk: no are-you-sure, no trace left in the person's way.
    await desk.get_by_role("button", name="Undo").click()
    await expect(desk.get_by_test_id("stop-marketing")).to_be_visible()
    await expect(page.get_by_test_id("webhook-trouble")).to_contain_text("Nothing was accepted since")
    await expect(rows.first).to_contain_text("It answered with 503.")
    found += await check(page, "webhooks")
    assert found == []
    server.code = 200
    await page.get_by_test_id("webhook-more").click()
    await page.get_by_test_id("webhook-off").click()
    await expect(page.get_by_test_id("webhook-row")).to_contain_text("Switched off")


@pytest.mark.covers("SUP-8", "SRF-2", "SRF-5")
async def test_reception_asks_why_not_now_and_opens_the_timeline_on_a_tablet(signed_in, site: Site):
    page: Page = await signed_in("front_desk", viewport=TABLET)
    await page.get_by_test_id("nav-people").click()
    await page.get_by_test_id("person-link").nth(3).click()
    await page.get_by_test_id("stop-marketing").click()
    await page.get_by_test_id("field-reason").fill("Moving house")
    await page.get_by_test_id("confirm-marketing").click()
    await page.get_by_test_id("story-stops").click()
    first = page.get_by_test_id("timeline-item").first
    await expect(first).to_contain_text("stopped marketing")
    await first.get_by_test_id("timeline-why").locator("summary").click()
    await expect(first).to_contain_text("Moving house")
    await expect(first).to_contain_text("All marketing")
    await expect(page.get_by_test_id("timeline-details")).to_have_count(0)  # for compliance only
    await page.get_by_test_id("why-not").click()
    await expect(page.get_by_role("button", name="Ask again")).to_be_visible()
    for row in await page.get_by_test_id("why-row").all():
        await expect(row).to_contain_text(re.compile(r"reasons? against it"))
    for button in ("why-not", "story-stops", "resume-marketing"):
        box = await page.get_by_test_id(button).bounding_box()
        assert box is not None
        assert box["height"] >= 44, button
    assert await check(page, "person on a tablet") == []


@pytest.mark.covers("EVT-7")
async def test_schemas_open_from_the_page_and_are_no_pages_of_the_portal(signed_in):
    page: Page = await signed_in("analyst", "/integrations")
    async with page.expect_response("**/api/v1/asyncapi.json") as answer:
        await page.get_by_role("link", name="AsyncAPI").click()
    assert (await (await answer.value).json())["asyncapi"] == "3.0.0"
