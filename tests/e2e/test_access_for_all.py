"""Everybody can use the portal: WCAG's rules hold on every page in light and dark, and a keyboard is enough."""

import re
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Locator, Page, expect

from tests.e2e.conftest import NOWHERE, Site

pytestmark = pytest.mark.covers("SRF-5")

TEMPLATE = "use-whitening_promotion"

# Colours that are still on their way from dark to light are nobody's colours: a frame, then the
# end of every transition that has one.
AT_REST = """async () => {
  const frame = () => new Promise(requestAnimationFrame);
  const moving = () => document.getAnimations().filter(a => Number.isFinite(a.effect.getComputedTiming().endTime)
    && a.playState !== "finished");
  for (let still = 0; still < 3; ) {
    await frame();
    const now = moving();
    await Promise.allSettled(now.map(a => a.finished));
    still = now.length ? 0 : still + 1;
  }
}"""

VIOLATIONS = "() => axe.run({resultTypes: ['violations']}).then(told => told.violations)"


async def check(page: Page, where: str) -> list[str]:
    """What axe finds serious or critical in light and in dark, a line each; empty when all is well."""
    found: list[str] = []
    for mode in ("light", "dark"):
        await page.emulate_media(color_scheme=mode, reduced_motion="reduce")
        await expect(page.locator("html")).to_have_class(re.compile(rf"\b{mode}\b"))
        await page.evaluate(AT_REST)
        if not await page.evaluate("() => 'axe' in window"):
            await page.evaluate(Axe().axe_script)  # half a megabyte: once a page
        for rule in await page.evaluate(VIOLATIONS):
            if rule["impact"] in ("serious", "critical"):
                found += [_line(where, mode, rule["id"], node) for node in rule["nodes"]]
    return found


def _line(where: str, mode: str, rule: str, node: dict[str, Any]) -> str:
    said = [one["message"] for key in ("any", "all", "none") for one in node[key]]
    return f"{where} ({mode}) {rule}: {node['html'][:140]} | {said[0] if said else ''}"


async def _opened(page: Page, path: str, sign: str) -> Page:
    await page.goto(path)
    await expect(page.get_by_test_id(sign).first).to_be_visible()
    return page


async def test_the_sign_in_page(visitor: Page):
    await _opened(visitor, "/login?problem=wrong", "demo-maya")
    assert await check(visitor, "sign-in") == []


async def test_the_marketers_pages_and_every_panel_of_the_builder(signed_in):
    page = await signed_in("marketer", NOWHERE)
    await _opened(page, "/templates", TEMPLATE)
    found = await check(page, "templates")
    await page.get_by_test_id(TEMPLATE).click()
    await page.wait_for_url(re.compile("/campaigns/"))
    await expect(page.locator(".react-flow__node").first).to_be_visible()
    found += await check(page, "builder")
    for step in ("entry", "message", "wait", "wait_event", "exit"):
        await page.locator(f".react-flow__node[data-kind={step}]").first.click()
        await expect(page.get_by_test_id("panel")).to_have_attribute("data-panel", "step")
        found += await check(page, f"builder, {step}")
    await page.locator(".react-flow__node[data-kind=message]").first.focus()  # wherever it is now
    await page.keyboard.press("Enter")
    for dialog in ("open-looks", "open-test"):
        await page.get_by_test_id(dialog).click()
        await expect(page.get_by_role("dialog")).to_be_visible()
        found += await check(page, f"builder, {dialog}")
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("dialog")).to_have_count(0)
    for panel in ("audience", "problems", "settings"):
        await page.get_by_test_id(f"open-{panel}").click()
        await expect(page.get_by_test_id("panel")).to_have_attribute("data-panel", panel)
        found += await check(page, f"builder, {panel}")
    await page.get_by_test_id("ask-approval").click()
    await expect(page.get_by_role("dialog")).to_be_visible()
    found += await check(page, "builder, asking for approval")
    pages = {
        "/": "campaign-row", "/calendar": "calendar-day", "/people": "person-row", "/imports": "drop-file", "/templates/messages": "tab-messages",
        "/templates/messages/new": "looks",
    }  # fmt: skip
    for path, sign in pages.items():
        found += await check(await _opened(page, path, sign), path)
    await _opened(page, "/demo", "pick-person")
    await page.get_by_test_id("pick-person").first.click()
    found += await check(page, "/demo")
    assert found == []


async def test_the_pages_of_reception_and_of_the_administrator(signed_in):
    desk, admin = await signed_in("front_desk", NOWHERE), await signed_in("administrator", NOWHERE)
    await _opened(desk, "/people", "person-link")
    await desk.get_by_test_id("person-link").first.click()
    await expect(desk.get_by_test_id("stop-marketing")).to_be_visible()
    found = await check(desk, "person")
    await desk.get_by_test_id("stop-marketing").click()
    await expect(desk.get_by_role("dialog")).to_be_visible()
    found += await check(desk, "person, stopping marketing")
    found += await check(await _opened(desk, "/audit", "not-for-you"), "not for you")
    found += await check(await _opened(admin, "/settings", "kill-switch"), "settings")
    found += await check(await _opened(admin, "/settings/team", "permission"), "people and roles")
    await admin.get_by_test_id("new-role").click()
    await expect(admin.get_by_test_id("keep-role")).to_be_visible()
    found += await check(admin, "a new role")
    found += await check(await _opened(admin, "/account", "own-session"), "my account")
    await _opened(admin, "/audit", "audit-row")
    await admin.get_by_test_id("verify-audit").click()
    await expect(admin.get_by_test_id("audit-verdict")).to_be_visible()
    found += await check(admin, "audit")
    await admin.get_by_test_id("export-audit").click()
    await expect(admin.get_by_role("dialog")).to_be_visible()
    found += await check(admin, "audit, exporting")
    await _opened(admin, "/status", "status-line")
    found += await check(admin, "status")
    assert found == []


async def test_the_api_to_read_is_searched_and_opened_by_keyboard(signed_in):
    page = await signed_in("analyst", NOWHERE)
    await _opened(page, "/integrations/api", "api-group")
    await page.get_by_test_id("api-search").fill("draft if-match")
    await expect(page.get_by_test_id("api-count")).to_have_text("1 operation")
    await page.locator("[data-operation=drafts_save_draft]").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("api-detail")).to_contain_text("$CM_API_KEY")
    assert await check(page, "/integrations/api") == []


async def test_approving_by_keyboard_alone(signed_in, site: Site):
    maker = await signed_in("marketer", NOWHERE)
    await _opened(maker, "/templates", TEMPLATE)
    await maker.get_by_test_id(TEMPLATE).click()
    await maker.wait_for_url(re.compile("/campaigns/"))
    await maker.get_by_test_id("ask-approval").click()
    await maker.get_by_test_id("send-request").click()
    await expect(maker.get_by_test_id("withdraw")).to_be_visible()

    page = await signed_in("approver", NOWHERE)
    found = await check(await _opened(page, "/approvals", "approval-row"), "approvals")
    await page.get_by_test_id("nav-approvals").focus()
    link = page.get_by_test_id("approval-row").first
    await _tab_to(page, link)
    await page.keyboard.press("Enter")
    await page.wait_for_url(re.compile("/approvals/."))
    await expect(page.get_by_test_id("approve")).to_be_visible()
    found += await check(page, "approval")
    assert found == []
    await _tab_to(page, page.get_by_test_id("approve"))
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("approve")).to_be_hidden()


async def test_signing_in_by_keyboard_returns_to_the_page_that_was_asked_for(visitor: Page, site: Site):
    person = site.people["front_desk"]
    await visitor.goto("/people")
    await visitor.wait_for_url(re.compile(r"/login/?\?next=%2Fpeople"))
    await expect(visitor.get_by_test_id("demo-fiona")).to_be_visible()
    await expect(visitor.locator("input[name=login]")).to_be_focused()
    await visitor.keyboard.type(person["login"])
    await visitor.keyboard.press("Tab")
    await expect(visitor.locator("input[name=password]")).to_be_focused()
    await visitor.keyboard.type(person["password"])
    await visitor.keyboard.press("Tab")
    await expect(visitor.get_by_test_id("sign-in")).to_be_focused()
    await visitor.keyboard.press("Enter")
    await visitor.wait_for_url(re.compile("/people"))
    await expect(visitor.get_by_test_id("person-row").first).to_be_visible()


async def test_the_first_key_skips_the_navigation_and_the_order_is_the_reading_order(signed_in):
    page = await signed_in("marketer", NOWHERE)
    await _opened(page, "/", "page-title")
    await page.keyboard.press("Tab")
    skip = page.get_by_role("link", name="Skip to the content")
    await expect(skip).to_be_focused()
    await expect(skip).to_be_in_viewport()
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("link", name="Campaign Manager, to the campaigns")).to_be_focused()
    await page.keyboard.press("Tab")
    await expect(page.get_by_test_id("nav-campaigns")).to_be_focused()
    await skip.focus()
    await page.keyboard.press("Enter")
    await expect(page.locator("#content")).to_be_focused()
    await page.keyboard.press("Tab")
    inside = "document.querySelector('#content').contains(document.activeElement)"
    assert await page.evaluate(inside)


async def _tab_to(page: Page, wanted: Locator, most: int = 40) -> None:
    """Press Tab until `wanted` has the focus. Fails when it is not reached."""
    for _ in range(most):
        await page.keyboard.press("Tab")
        if await wanted.evaluate("element => element === document.activeElement"):
            return
    pytest.fail(f"Tab does not reach {wanted}")
