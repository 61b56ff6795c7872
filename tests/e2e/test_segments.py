"""Segments in a real browser: rules in groups by keyboard, finger and mouse, and a count that never lies."""

import json
import re
from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import Page, expect

SignedIn = Callable[..., Awaitable[Page]]
TABLET = {"viewport": {"width": 820, "height": 1180}, "has_touch": True}


async def shape(page: Page) -> list[str]:
    """`rule 0 contact.age`, as the page shows them from top to bottom."""
    found: list[str] = await page.eval_on_selector_all(
        "[data-rule-row]:not([data-kind=end])",
        "rows => rows.map(r => [r.dataset.kind, r.dataset.path, r.querySelector('select')?.value].join(' '))",
    )
    return found


async def becomes(page: Page, wanted: list[str]) -> None:
    await page.wait_for_function(
        "wanted => JSON.stringify([...document.querySelectorAll('[data-rule-row]:not([data-kind=end])')]"
        ".map(r => [r.dataset.kind, r.dataset.path, r.querySelector('select')?.value].join(' '))) === wanted",
        arg=json.dumps(wanted, separators=(",", ":")),
    )


async def add(page: Page, words: str, where: str = "include-add") -> None:
    before = len(await shape(page))
    await page.get_by_test_id(where).first.click()
    await page.get_by_role("option", name=words, exact=True).click()
    await expect(page.locator("[data-rule-row]:not([data-kind=end])")).to_have_count(before + 1)


@pytest.mark.covers("AUD-1", "AUD-2", "AUD-4")
async def test_a_segment_is_written_counted_saved_and_found_again(signed_in: SignedIn) -> None:
    page = await signed_in("marketer")
    await page.get_by_test_id("nav-segments").click()
    await expect(page.get_by_test_id("page-title")).to_have_text("Segments")
    await page.get_by_test_id("new-segment").click()
    await page.get_by_test_id("segment-name").fill("Seen before, not a VIP")

    await add(page, "Last visit")
    await expect(page.get_by_test_id("audience-waiting")).to_have_text(re.compile("^Waiting"))
    await expect(page.get_by_test_id("save-segment")).to_be_disabled()
    await page.get_by_test_id("include-op").select_option("more_than_days_ago")
    await page.get_by_test_id("include-value").fill("30")
    count = page.get_by_test_id("audience-count")
    await expect(count).to_have_text(re.compile(r"^[1-9]"))
    whole = await count.inner_text()

    await add(page, "Opened a message")
    await expect(page.get_by_test_id("audience-waiting")).to_have_text("Counted without 1 unfinished rule.")
    await expect(count).to_have_text(whole)
    await page.get_by_test_id("include-op").nth(1).select_option("never")
    await page.get_by_test_id("include-days").fill("0")
    await expect(page.get_by_test_id("audience-waiting")).to_have_count(0)
    await expect(page.get_by_test_id("audience-sentence")).to_contain_text("have not opened a message")
    await expect(page.get_by_test_id("audience-excluded").locator("li").first).to_be_visible()
    await expect(page.get_by_test_id("audience-sample").locator("li").first).to_be_visible()

    await page.get_by_test_id("save-segment").click()
    await page.wait_for_url(re.compile(r"/segments/[0-9a-f-]{36}"))
    await expect(page.get_by_test_id("segment-name")).to_have_value("Seen before, not a VIP")
    await expect(page.get_by_test_id("include-rule")).to_have_count(2)
    await page.goto("/segments")
    card = page.get_by_test_id("segment-card").filter(has_text="Seen before, not a VIP")
    await expect(card.get_by_test_id("segment-size")).to_have_text(re.compile(r"^\d"))
    await page.goto("/segments/00000000-0000-7000-8000-000000000000")
    await expect(page.get_by_test_id("segment-missing")).to_be_visible()


@pytest.mark.covers("AUD-1")
async def test_rules_go_into_groups_and_out_with_keys_and_by_dragging(signed_in: SignedIn) -> None:
    page = await signed_in("marketer", "/segments/new", **TABLET)
    for words in ("Age", "Postcode"):
        await add(page, words)
    await page.get_by_test_id("include-add-group").click()
    await becomes(page, ["rule 0 contact.age", "rule 1 contact.postcode", "group 2 any"])
    await expect(page.locator("[data-rule-row][data-kind=group] :focus")).to_be_visible()  # it follows

    await page.get_by_test_id("rule-grip").nth(1).focus()
    await page.keyboard.press("ArrowRight")
    await becomes(page, ["rule 0 contact.age", "group 1 any", "rule 1.0 contact.postcode"])
    await expect(page.locator("[data-grip='1.0']")).to_be_focused()
    await expect(page.locator(".rt-said").first).to_have_text("Place 1 of 1 in a group, any of these.")
    await page.get_by_test_id("include-group-mode").select_option("none")
    await becomes(page, ["rule 0 contact.age", "group 1 none", "rule 1.0 contact.postcode"])

    grip, end = page.locator("[data-grip='0']"), page.locator("[data-kind=end]")
    start, stop = await grip.bounding_box(), await end.bounding_box()
    assert start
    assert stop
    finger = await page.context.new_cdp_session(page)
    for kind, at in (("touchStart", start), ("touchMove", start), ("touchMove", stop), ("touchMove", stop)):
        point = {"x": at["x"] + 8, "y": at["y"] + 4 + (kind == "touchMove") * 2}
        await finger.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [point]})
    await finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    await becomes(page, ["group 0 none", "rule 0.0 contact.postcode", "rule 0.1 contact.age"])

    await page.get_by_test_id("undo").click()
    await becomes(page, ["rule 0 contact.age", "group 1 none", "rule 1.0 contact.postcode"])
    await page.locator("[data-grip='1.0']").focus()
    await page.keyboard.press("ArrowLeft")
    await becomes(page, ["rule 0 contact.age", "rule 1 contact.postcode"])
