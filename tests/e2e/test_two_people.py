"""Versions told and restored; two people in one journey; the journey on paper."""

import re
from collections.abc import Awaitable, Callable
from io import BytesIO

import pytest
from playwright.async_api import Page, expect
from pypdf import PdfReader

from tests.e2e.conftest import NOWHERE
from tests.e2e.test_access_for_all import check

SignedIn = Callable[..., Awaitable[Page]]


async def from_template(page: Page, key: str = "whitening_promotion") -> str:
    """A new campaign from the gallery; its address."""
    await page.goto("/templates")
    await page.get_by_test_id(f"use-{key}").click()
    await page.wait_for_url(re.compile(r"/campaigns/."))
    await expect(page.get_by_test_id("undo")).to_be_visible()
    return page.url.rstrip("/")


async def ask(page: Page, note: str) -> None:
    await page.get_by_test_id("ask-approval").click()
    await page.locator("#approval-note").fill(note)
    await page.get_by_test_id("send-request").click()
    await expect(page.get_by_test_id("withdraw")).to_be_visible()


async def saved(page: Page) -> None:
    await expect(page.get_by_test_id("saved-state")).to_have_attribute("data-state", "saved")


@pytest.mark.covers("BLD-5", "LIF-5")
async def test_what_changed_between_versions_is_shown_and_an_old_one_restored(signed_in: SignedIn) -> None:
    page = await signed_in("marketer", NOWHERE)
    address = await from_template(page)
    await ask(page, "The first try")
    await page.locator(".react-flow__node[data-kind=message]").first.click()
    title = page.locator("#step-title")
    await expect(title).to_be_visible()
    before = await title.input_value()
    await title.fill("A brighter smile")
    await expect(page.locator(".react-flow__node").filter(has_text="A brighter smile")).to_be_visible()
    await saved(page)

    await page.get_by_test_id("open-more").click()
    await page.get_by_test_id("open-versions").click()
    await page.wait_for_url(re.compile("/versions"))
    await expect(page.get_by_test_id("counts")).to_have_text("1 step changed")
    drawn = page.get_by_test_id("drawn-comparison").locator(".react-flow__node")
    marked = drawn.filter(has=page.locator("[data-mark=changed]"))
    await expect(marked).to_contain_text(re.compile("Changed.*A brighter smile"))
    await expect(marked).to_have_accessible_name(
        re.compile(f"^Changed.*Name: {re.escape(before)} → A brighter smile")
    )
    await marked.focus()
    await expect(page.get_by_test_id("told")).to_contain_text(f"Name: {before} → A brighter smile")
    await page.keyboard.press("ArrowUp")
    await expect(marked).not_to_be_focused()
    await expect(page.get_by_test_id("told")).to_have_count(0)
    await page.get_by_test_id("show-step").click()
    await expect(page.get_by_test_id("told")).to_be_visible()
    found = await check(page, "versions, drawn")
    await page.get_by_test_id("look-list").click()
    change = page.get_by_test_id("step-change")
    await expect(change).to_contain_text("A brighter smile")
    await expect(change.locator("del").first).to_have_text(before)
    await expect(page.get_by_test_id("version")).to_contain_text("The first try")
    found += await check(page, "versions")

    await page.get_by_test_id("restore").click()
    await expect(page.get_by_test_id("same")).to_be_visible()
    await page.get_by_role("button", name="Undo").click()
    await expect(page.get_by_test_id("counts")).to_have_text("1 step changed")
    await page.get_by_test_id("restore").click()
    await expect(page.get_by_test_id("same")).to_be_visible()
    await page.goto(address)
    await expect(page.locator(".react-flow__node").filter(has_text=before).first).to_be_visible()
    await expect(page.locator(".react-flow__node").filter(has_text="A brighter smile")).to_have_count(0)
    assert found == []


@pytest.mark.covers("BLD-5", "BLD-12")
async def test_two_people_see_each_other_are_asked_whose_edit_stays_and_print(signed_in: SignedIn) -> None:
    maya, ada = await signed_in("marketer", NOWHERE), await signed_in("administrator", NOWHERE)
    address = await from_template(maya)
    await ada.goto(address)
    there, here = maya.get_by_test_id("other-person"), ada.get_by_test_id("other-person")
    await expect(there).to_have_attribute("aria-label", re.compile("^Ada .*, looking at the journey"))
    await maya.locator(".react-flow__node[data-kind=wait]").first.click()
    await expect(here).to_have_attribute("aria-label", re.compile("^Maya .*, at ‘"))

    # A second author saves first (she herself, at another desk): she is told who did and what differs.
    desk = await signed_in("marketer", address)
    await desk.locator(".react-flow__node[data-kind=message]").first.click()
    await desk.locator("#step-title").fill("Said at the desk")
    await expect(desk.locator(".react-flow__node").filter(has_text="Said at the desk")).to_be_visible()
    await expect(desk.get_by_test_id("saved-state")).to_have_text(re.compile("Saved"))
    await maya.locator("#step-title").fill("Said at home")
    await expect(maya.get_by_test_id("conflict")).to_contain_text(re.compile("Maya .* saved this campaign"))
    await expect(maya.get_by_test_id("differences")).to_contain_text("Said at the desk")
    found = await check(maya, "conflict")
    await maya.get_by_test_id("take-theirs").click()
    await expect(maya.locator(".react-flow__node").filter(has_text="Said at the desk")).to_be_visible()

    await ada.close()
    await expect(there).to_have_count(0, timeout=30_000)

    await maya.goto(f"{address}/print")
    await expect(maya.get_by_test_id("paper")).to_contain_text("Said at the desk")
    await expect(maya.get_by_test_id("decision")).to_have_text("Not sent for approval yet.")
    found += await check(maya, "print")
    await maya.emulate_media(media="print")
    await expect(maya.get_by_test_id("nav-campaigns")).to_be_hidden()
    await expect(maya.get_by_test_id("flow")).to_be_visible()
    assert found == []

    # The first sheet is the drawing: one page, with every step's name and number.
    steps = await maya.get_by_test_id("flow").locator("li[data-what=step]").all()
    names = [_close(await step.locator("b").inner_text()) for step in steps]
    printed = PdfReader(BytesIO(await maya.pdf(prefer_css_page_size=True)))
    first, second = (_close(printed.pages[n].extract_text()) for n in (0, 1))
    assert len(names) > 4
    assert [name for name in names if name not in first] == []
    assert "Stepbystep" in second
    assert "Stepbystep" not in first


def _close(words: str) -> str:
    """Without the spaces and line breaks that a drawing puts into names."""
    return re.sub(r"\s+", "", words)
