"""The portal's own pages in a real browser: what each role sees, does, and is refused."""

import re

import pytest
from playwright.async_api import Page, expect

from tests.e2e.conftest import NOWHERE, TABLET, Site

pytestmark = pytest.mark.covers("SRF-1")


@pytest.mark.covers("GOV-1")
async def test_whoever_is_not_signed_in_is_sent_to_the_sign_in_page(visitor: Page):
    for path in ("/", "/people", "/audit", "/settings"):
        await visitor.goto(path)
        await expect(visitor).to_have_url(re.compile("/login"))


@pytest.mark.covers("GOV-1")
async def test_a_role_without_the_permission_reads_why(signed_in):
    page = await signed_in("front_desk", "/audit")
    await expect(page.get_by_test_id("not-for-you")).to_contain_text("does not let you see and export")
    await expect(page.get_by_test_id("audit-row")).to_have_count(0)


@pytest.mark.covers("SRF-5")
async def test_an_address_that_leads_nowhere_says_so_on_every_page(signed_in):
    page, nobody = await signed_in("marketer", NOWHERE), "00000000-0000-7000-8000-000000000000"
    for path in (
        f"/campaigns/{nobody}", f"/campaigns/{nobody}/forecast", f"/campaigns/{nobody}/walk", f"/campaigns/{nobody}/print",
        f"/campaigns/{nobody}/versions", f"/runs/{nobody}", f"/approvals/{nobody}", f"/people/{nobody}", "/people/anybody",
    ):  # fmt: skip
        await page.goto(path)
        await expect(page.get_by_test_id("nowhere")).to_be_visible()
        await expect(page.locator(".rt-Skeleton")).to_have_count(0)
    await page.get_by_role("link", name="To the campaigns", exact=True).click()
    await expect(page.get_by_test_id("page-title")).to_have_text("Campaigns")
    await expect(page.get_by_test_id("nowhere")).to_have_count(0)


@pytest.mark.covers("INS-3")
async def test_a_deleted_draft_comes_back_with_undo(signed_in):
    page = await signed_in("marketer", "/templates")
    await page.get_by_test_id("start-empty").click()
    await page.wait_for_url(re.compile("/campaigns/"))
    await page.goto("/")
    await page.get_by_test_id("state-draft").click()
    rows = page.get_by_test_id("campaign-row")
    # The filter has been applied once nothing else is left in the list.
    others = page.locator('[data-testid="campaign-row"]:not([data-state="draft"])')
    await expect(others).to_have_count(0)
    await expect(rows.first).to_be_visible()
    before = await rows.count()
    await rows.first.get_by_test_id("row-actions").click()
    await page.get_by_test_id("do-delete").click()
    await expect(rows).to_have_count(before - 1)
    await page.get_by_role("button", name="Undo").click()
    await expect(rows).to_have_count(before)


@pytest.mark.covers("SUP-9", "SUP-8", "SRF-2")
async def test_reception_stops_marketing_to_a_person_on_a_tablet(signed_in):
    page = await signed_in("front_desk", viewport=TABLET)
    await page.get_by_test_id("nav-people").click()
    await page.get_by_test_id("person-link").first.click()
    await page.get_by_test_id("stop-marketing").click()
    await page.get_by_test_id("field-reason").fill("Asked at reception")
    await page.get_by_test_id("confirm-marketing").click()
    await expect(page.get_by_test_id("suppression")).to_contain_text("Asked at reception")
    await expect(page.get_by_test_id("timeline-item").first).to_contain_text("stopped marketing")
    await page.get_by_test_id("resume-marketing").click()
    await page.get_by_test_id("field-reason").fill("Changed their mind")
    await page.get_by_test_id("confirm-marketing").click()
    await expect(page.get_by_test_id("stop-marketing")).to_be_visible()


@pytest.mark.covers("EVT-8")
async def test_a_message_to_one_person_is_planned_and_cancelled_on_their_page(signed_in):
    page = await signed_in("marketer")
    await page.get_by_test_id("nav-people").click()
    await page.get_by_test_id("person-link").nth(5).click()
    await expect(page.get_by_test_id("no-followups")).to_be_visible()
    await page.get_by_test_id("plan-message").click()
    await page.get_by_test_id("field-subject").fill("How is the crown?")
    await page.get_by_test_id("field-body").fill("Hello {{ contact.first_name }}, is everything well?")
    await page.get_by_test_id("field-why").fill("Crown fitted on Monday")
    await page.get_by_test_id("confirm-followup").click()
    planned = page.get_by_test_id("followup")
    await expect(planned).to_contain_text("Planned by Maya Okafor")
    await expect(planned).to_contain_text("10:00")
    await expect(page.get_by_test_id("timeline-item").first).to_contain_text("Crown fitted on Monday")
    await planned.get_by_test_id("cancel-followup").click()
    await page.get_by_test_id("field-note").fill("She came in today")
    await page.get_by_test_id("confirm-cancel-followup").click()
    await expect(planned).to_contain_text("Cancelled")
    await expect(planned).to_contain_text("She came in today")


@pytest.mark.covers("LIF-7", "GOV-2")
async def test_the_kill_switch_is_seen_everywhere_and_released_with_a_fresh_code(signed_in):
    page, elsewhere = await signed_in("approver"), await signed_in("analyst")
    await page.get_by_test_id("nav-settings").click()
    await page.get_by_test_id("kill-switch").click()
    await page.get_by_test_id("field-why").fill("Wrong price in the text")
    await page.get_by_test_id("confirm-kill-switch").click()
    await expect(page.get_by_test_id("kill-switch-banner")).to_contain_text("Wrong price in the text")
    await expect(elsewhere.get_by_test_id("kill-switch-words")).to_contain_text("Alex Lindqvist")
    await page.get_by_test_id("release-kill-switch").click()
    await page.get_by_test_id("field-code").fill(await page.get_by_test_id("demo-code").inner_text())
    await page.get_by_test_id("give-code").click()
    await expect(page.get_by_test_id("kill-switch-banner")).to_be_hidden()
    await expect(elsewhere.get_by_test_id("kill-switch-banner")).to_be_hidden()


@pytest.mark.covers("GOV-4")
async def test_the_administrator_verifies_and_exports_the_audit(signed_in):
    page = await signed_in("administrator")
    await page.get_by_test_id("nav-audit").click()
    await page.get_by_test_id("verify-audit").click()
    await expect(page.get_by_test_id("audit-verdict")).to_contain_text("chain whole")
    await page.get_by_test_id("export-audit").click()
    await page.get_by_test_id("do-export").click()
    await page.get_by_test_id("field-code").fill(await page.get_by_test_id("demo-code").inner_text())
    async with page.expect_download() as download:
        await page.get_by_test_id("give-code").click()
    assert (await download.value).suggested_filename.startswith("audit-")


async def test_signing_out_ends_the_session_and_the_next_person_sees_nothing_old(signed_in, site: Site):
    page = await signed_in("front_desk")
    await page.get_by_test_id("nav-people").click()
    await expect(page.get_by_test_id("person-row").first).to_be_visible()
    await page.get_by_test_id("person-menu").click()
    await page.get_by_test_id("sign-out").click()
    await expect(page).to_have_url(re.compile("/login"))
    await page.goto("/people")
    await expect(page).to_have_url(re.compile("/login"))
    await expect(page.get_by_test_id("person-row")).to_have_count(0)
