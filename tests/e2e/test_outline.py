"""The outline in a real browser: a journey built, changed and read with the keyboard alone."""

import re
from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import Page, expect

from tests.e2e.test_access_for_all import check

SignedIn = Callable[..., Awaitable[Page]]


def line(page: Page, key: str) -> object:
    return page.get_by_test_id(f"line-{key}")


async def press(page: Page, *keys: str) -> None:
    for key in keys:
        await page.keyboard.press(key)


async def said(page: Page, words: str) -> None:
    await expect(page.get_by_test_id("outline-said")).to_have_text(re.compile(words))


@pytest.mark.covers("BLD-7", "SRF-5")
async def test_a_journey_is_built_and_changed_in_the_outline_by_keyboard_alone(signed_in: SignedIn) -> None:
    page = await signed_in("marketer", "/templates")
    await page.get_by_test_id("start-empty").click()
    await page.wait_for_url(re.compile(r"/campaigns/"))
    await page.get_by_test_id("view-outline").focus()
    await press(page, "Enter")
    await page.get_by_test_id("outline-begin").focus()
    await press(page, "Enter")
    await expect(line(page, "step:entry-1")).to_be_focused()

    async def add(kind: str, new: str) -> None:
        """Add a step after the focused line; the focus goes to it, and what happened is said."""
        await press(page, "Insert")
        await expect(page.get_by_test_id("add-message")).to_be_focused()
        await page.get_by_test_id(f"add-{kind}").focus()
        await press(page, "Enter")
        await expect(line(page, f"step:{new}")).to_be_focused()
        await said(page, "Added .*: step")

    await add("message", "message-1")
    await add("wait_event", "wait_event-1")
    await press(page, "ArrowRight")
    await expect(line(page, "way:wait_event-1:on_event")).to_be_focused()
    await add("message", "message-2")
    await said(page, "step 4, in ‘It happened’")

    # Into the other path and back; the focus stays with the step.
    await press(page, "Alt+ArrowDown")
    await said(page, "Moved ‘Message 2’: step 4, in ‘Time ran out’")
    await expect(line(page, "step:message-2")).to_be_focused()
    await press(page, "Control+z")
    await said(page, "Undone: move a step")
    await press(page, "Control+y")
    await said(page, "Done again: move a step")

    # A way is led to an existing step, which the line then names and leads to; and cut again.
    await line(page, "open:wait_event-1:on_event").focus()
    await press(page, "Alt+l")
    await expect(page.get_by_test_id("outline-chooser").get_by_role("combobox")).to_be_focused()
    await page.keyboard.type("4")
    await press(page, "Enter")
    join = line(page, "join:wait_event-1:on_event")
    await expect(join).to_be_focused()
    await expect(join).to_have_attribute("aria-label", "Goes on at step 4, ‘Message 2’")
    await press(page, "Enter")
    await expect(line(page, "step:message-2")).to_be_focused()
    found = await check(page, "outline")
    await join.focus()
    await press(page, "Delete")
    await said(page, "Link removed")

    # Copied, opened, closed, deleted; then the tree's own keys.
    await line(page, "step:message-2").focus()
    await press(page, "Control+d")
    await expect(line(page, "step:message-3")).to_be_focused()
    await press(page, "Enter")
    await expect(page.locator("#step-title")).to_be_focused()
    await press(page, "Escape")
    await expect(line(page, "step:message-3")).to_be_focused()
    await press(page, "Delete")
    await expect(line(page, "step:message-3")).to_have_count(0)
    await said(page, "Removed ‘Message 3’")
    await press(page, "Home")
    await expect(line(page, "step:entry-1")).to_be_focused()
    await press(page, "w")
    waiting = line(page, "step:wait_event-1")
    await expect(waiting).to_be_focused()
    await press(page, "ArrowLeft")
    await expect(waiting).to_have_attribute("aria-expanded", "false")
    await expect(line(page, "way:wait_event-1:on_event")).to_have_count(0)

    # What was chosen stays chosen, and what was built is on the canvas too.
    await expect(page.get_by_test_id("saved-state")).to_have_attribute("data-state", "saved")
    await page.reload()
    await expect(line(page, "step:message-2")).to_be_visible()
    await page.get_by_test_id("view-canvas").click()
    await expect(page.get_by_test_id("step-message-2")).to_be_visible()
    assert found == []
