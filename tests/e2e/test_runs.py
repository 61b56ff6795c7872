"""Rules, proof and runs in the browser: what starts a campaign, what it would do, and how it went."""

import re

import pytest
from playwright.async_api import Page, expect

from tests.e2e.conftest import NOWHERE, TABLET, Site
from tests.e2e.test_access_for_all import check
from tests.e2e.test_builder import saved

MISSED, PROMOTION = "use-missed_appointment", "use-whitening_promotion"


async def from_template(page: Page, template: str) -> None:
    await page.goto("/templates")
    await page.get_by_test_id(template).click()
    await page.wait_for_url(re.compile("/campaigns/"))
    await expect(page.get_by_test_id("journey-canvas")).to_be_visible()


@pytest.mark.covers("EVT-3", "BLD-4", "ENG-4")
async def test_what_an_event_must_say_is_chosen_in_the_panel_and_a_refused_number_is_not_kept(signed_in):
    page = await signed_in("marketer", NOWHERE)
    await from_template(page, MISSED)
    await page.locator(".react-flow__node[data-kind=entry]").first.click()
    rows = page.get_by_test_id("entry-event-conditions")
    await expect(rows).to_contain_text("Every such event counts")
    await page.get_by_test_id("entry-event-rule-add").click()
    await page.get_by_test_id("entry-event-rule-name").select_option(label="Value")
    await expect(page.get_by_test_id("step-problems")).to_contain_text("“Value” has no value to compare with")
    await page.get_by_test_id("open-problems").click()
    await page.get_by_role("button", name=re.compile("no value to compare with")).click()
    await page.get_by_test_id("entry-event-rule-value").fill("150")
    await expect(page.get_by_test_id("step-problems")).to_have_count(0)
    limit = page.get_by_test_id("entry-limit")
    kept = await limit.input_value()
    await limit.fill("999999")
    await expect(page.get_by_text("8,784 is the most that fits here")).to_be_visible()
    await limit.press("Tab")
    await expect(page.get_by_test_id("entry-limit")).to_have_value(kept)
    await page.locator(".react-flow__node[data-kind=message]").first.click()
    await page.get_by_test_id("step-rate").fill("40")
    await saved(page)
    await page.reload()
    await page.locator(".react-flow__node[data-kind=entry]").first.click()
    await expect(page.get_by_test_id("entry-event-rule-value")).to_have_value("150")
    assert await check(page, "an event's conditions") == []


@pytest.mark.covers("ENG-6")
async def test_a_proof_run_says_what_would_happen_and_brings_its_evidence(signed_in):
    page = await signed_in("marketer", NOWHERE)
    await from_template(page, PROMOTION)
    await page.get_by_test_id("open-proofs").click()
    await expect(page.get_by_test_id("no-proofs")).to_be_visible()
    await page.get_by_test_id("start-proof").click()
    run = page.get_by_test_id("proof-run")
    await expect(run).to_contain_text("would enter", timeout=60_000)
    assert await check(page, "proof run") == []
    async with page.expect_download() as download:
        await run.get_by_role("link", name="Download the evidence").click()
    assert (await download.value).suggested_filename.endswith(".zip")


@pytest.mark.covers("LIF-8", "SRF-2", "SRF-5")
async def test_a_run_is_found_and_tells_who_began_it_and_why_people_were_left_out(signed_in, site: Site):
    maker, page = await signed_in("marketer", NOWHERE), await signed_in("approver", NOWHERE)
    await from_template(maker, PROMOTION)
    name = maker.get_by_test_id("campaign-name")
    await name.fill("Autumn whitening")
    await name.press("Enter")
    await maker.get_by_test_id("ask-approval").click()
    await maker.get_by_test_id("send-request").click()
    await expect(maker.get_by_test_id("withdraw")).to_be_visible()
    await page.goto("/approvals")
    await page.get_by_test_id("approval-row").filter(has_text="Autumn whitening").click()
    await page.get_by_test_id("approve").click()
    await expect(page.get_by_test_id("page-title")).to_have_text("Approvals")
    ran = "SELECT 1 FROM cm.execution x JOIN cm.campaign c USING (practice_id, campaign_id) WHERE x.practice_id = :practice AND c.name = :name AND x.enrolled_all"
    await site.until(bool, ran, name="Autumn whitening")

    await maker.get_by_test_id("open-runs").click()
    await expect(maker.get_by_test_id("runs-of")).to_have_text("Autumn whitening")
    row = maker.get_by_test_id("run-row")
    await expect(row).to_have_count(1)
    await expect(row).to_contain_text("by Alex Lindqvist")
    await maker.get_by_test_id("runs-failed").click()
    await expect(maker.get_by_test_id("no-runs")).to_contain_text("Nothing matches")
    await maker.get_by_test_id("runs-all").click()
    found = await check(maker, "runs")

    desk = await signed_in("front_desk", viewport=TABLET)
    await desk.get_by_test_id("nav-runs").click()
    await desk.get_by_test_id("run-link").filter(has_text="Autumn whitening").click()
    await expect(desk.get_by_test_id("run-refused")).to_contain_text("They have not agreed to marketing")
    await expect(desk.get_by_test_id("run-hub")).to_be_visible()
    assert found + await check(desk, "a run on a tablet") == []


@pytest.mark.covers("SUP-6", "SRF-5")
async def test_the_block_list_takes_an_address_finds_it_and_lets_it_go_with_a_reason(signed_in):
    page = await signed_in("administrator", "/settings")
    entry = page.get_by_test_id("field-entry")
    await entry.fill("not an address")
    await page.get_by_test_id("block").click()
    await expect(page.get_by_text("Type an email address, a phone number")).to_be_visible()
    await expect(entry).to_have_value("not an address")
    await entry.fill("gone@blocked.example")
    await entry.press("Enter")
    row = page.get_by_test_id("block-list").get_by_test_id("block-row")
    await expect(row).to_have_count(1)
    await expect(row).not_to_contain_text("gone@")
    await page.get_by_test_id("field-wanted").fill("GONE@blocked.example ")
    await page.get_by_test_id("look-up").click()
    await expect(page.get_by_test_id("found").get_by_test_id("block-row")).to_have_count(1)
    assert await check(page, "block list") == []
    await row.get_by_test_id("unblock").click()
    await page.get_by_test_id("field-why_removed").fill("They asked to hear from us again")
    await page.get_by_test_id("confirm-unblock").click()
    await expect(row).to_have_count(0)
