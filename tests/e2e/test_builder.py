"""The builder in a real browser: mouse, finger and keyboard, and nothing lost on the way."""

import re
from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import CDPSession, Page, expect

from tests.e2e.conftest import NOWHERE

SignedIn = Callable[..., Awaitable[Page]]
TABLET = {"viewport": {"width": 820, "height": 1180}, "has_touch": True}


async def empty_campaign(page: Page) -> None:
    """A new campaign with a start and nothing else."""
    await page.goto("/templates")
    await page.get_by_test_id("start-empty").click()
    await page.wait_for_url(re.compile(r"/campaigns/"))
    await expect(page.get_by_test_id("journey-canvas")).to_be_visible()
    await page.get_by_test_id("palette-entry").click()
    await expect(page.get_by_test_id("step-entry-1")).to_be_focused()


async def middle(page: Page, test_id: str) -> tuple[float, float]:
    """The centre of something, once it has stopped moving."""
    element = page.get_by_test_id(test_id)
    await element.hover(trial=True)
    box = await element.bounding_box()
    assert box
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


async def drag(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    await page.mouse.move(*start)
    await page.mouse.down()
    await page.mouse.move(*end, steps=8)
    await page.mouse.up()


async def drag_by_finger(page: Page, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Touch points as the browser's own input pipeline makes them, so pointer events are real."""
    session: CDPSession = await page.context.new_cdp_session(page)

    async def touch(kind: str, *points: tuple[float, float]) -> None:
        await session.send(
            "Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y} for x, y in points]}
        )

    await touch("touchStart", start)
    for part in range(1, 9):
        share = part / 8
        await touch(
            "touchMove", (start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share)
        )
    await touch("touchEnd")


async def saved(page: Page) -> None:
    await expect(page.get_by_test_id("saved-state")).to_have_attribute("data-state", "saved")


def edge(page: Page, source: str, port: str) -> object:
    return page.locator(f'.react-flow__edge[data-id="{source}:{port}"]')


@pytest.mark.covers("BLD-1", "BLD-5")
async def test_steps_are_dragged_linked_undone_and_survive_a_reload(signed_in: SignedIn) -> None:
    page = await signed_in("marketer", NOWHERE)
    await empty_campaign(page)

    await drag(page, await middle(page, "palette-message"), await middle(page, "plus-entry-1-next"))
    await expect(page.get_by_test_id("step-message-1")).to_be_visible()
    await expect(edge(page, "entry-1", "next")).to_be_attached()

    await drag(page, await middle(page, "palette-wait"), await middle(page, "plus-entry-1-next"))
    await expect(edge(page, "wait-1", "next")).to_be_attached()

    start = await middle(page, "step-wait-1")
    await drag(page, await middle(page, "palette-exit"), (start[0], 150))
    await expect(page.get_by_test_id("step-exit-1")).to_be_visible()
    handle = page.locator('[data-testid="step-message-1"] .react-flow__handle.source')
    box = await handle.bounding_box()
    assert box
    await drag(page, (box["x"] + 5, box["y"] + 5), await middle(page, "step-exit-1"))
    await expect(edge(page, "message-1", "next")).to_be_attached()

    await page.get_by_test_id("undo").click()
    await expect(edge(page, "message-1", "next")).to_have_count(0)
    await page.get_by_test_id("redo").click()
    await expect(edge(page, "message-1", "next")).to_be_attached()

    await saved(page)
    await page.reload()
    for step in ("entry-1", "wait-1", "message-1", "exit-1"):
        await expect(page.get_by_test_id(f"step-{step}")).to_be_visible()
    await expect(edge(page, "message-1", "next")).to_be_attached()


@pytest.mark.covers("BLD-1", "SRF-5")
async def test_everything_on_the_canvas_works_from_the_keyboard(signed_in: SignedIn) -> None:
    page = await signed_in("marketer", NOWHERE)
    await empty_campaign(page)

    # The new start opens its panel and is saved; only then is the page at rest.
    await expect(page.get_by_test_id("panel")).to_be_visible()
    await saved(page)
    await page.get_by_test_id("plus-entry-1-next").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("add-message")).to_be_focused()
    await page.keyboard.press("ArrowDown")
    await expect(page.get_by_test_id("add-wait")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("step-wait-1")).to_be_focused()

    await page.keyboard.press("ArrowUp")
    await expect(page.get_by_test_id("step-entry-1")).to_be_focused()
    await page.keyboard.press("ArrowDown")
    await page.keyboard.press("Delete")
    await expect(page.get_by_test_id("step-wait-1")).to_have_count(0)
    await page.keyboard.press("Control+z")
    await expect(page.get_by_test_id("step-wait-1")).to_be_visible()
    await page.keyboard.press("Control+y")
    await expect(page.get_by_test_id("step-wait-1")).to_have_count(0)


@pytest.mark.covers("BLD-1", "SRF-2")
async def test_a_finger_drags_steps_from_the_palette(signed_in: SignedIn) -> None:
    page = await signed_in("marketer", NOWHERE, **TABLET)
    await empty_campaign(page)
    close = page.get_by_test_id("panel").get_by_role("button", name="Close the panel")
    await close.click()
    await expect(page.get_by_test_id("panel")).to_have_count(0)

    await drag_by_finger(page, await middle(page, "palette-message"), await middle(page, "plus-entry-1-next"))
    await expect(page.get_by_test_id("step-message-1")).to_be_visible()
    await expect(edge(page, "entry-1", "next")).to_be_attached()


@pytest.mark.covers("BLD-2", "BLD-4")
async def test_a_problem_is_a_sentence_that_leads_to_its_step_and_goes_when_it_is_put_right(
    signed_in: SignedIn,
) -> None:
    page = await signed_in("marketer", NOWHERE)
    await empty_campaign(page)
    await drag(page, await middle(page, "palette-message"), await middle(page, "plus-entry-1-next"))
    await expect(page.get_by_test_id("step-message-1")).to_be_visible()

    await page.get_by_test_id("open-problems").click()
    missing = page.get_by_test_id("problem").filter(has_text="no words for the text message")
    await missing.click()
    await expect(page.get_by_test_id("step-title")).to_be_visible()
    await page.get_by_test_id("words-sms").click()
    await page.get_by_test_id("words-body").fill("Hello {{ contact.first_name }}, reply STOP to opt out.")
    await expect(page.get_by_test_id("preview")).to_contain_text("Hello Amelia")
    await page.get_by_test_id("step-title").fill("Say hello")
    await expect(page.get_by_test_id("step-message-1")).to_contain_text("Say hello")

    await page.get_by_test_id("open-problems").click()
    await expect(page.get_by_test_id("problem").first).to_be_visible()
    await expect(missing).to_have_count(0)


@pytest.mark.covers("AUD-4")
async def test_the_audience_is_counted_and_says_who_is_left_out_and_why(signed_in: SignedIn) -> None:
    page = await signed_in("marketer", "/templates")
    await page.get_by_role("button", name="Use Recall lapsed patients").click()
    await page.wait_for_url(re.compile(r"/campaigns/"))
    await page.get_by_test_id("open-audience").click()

    count = page.get_by_test_id("audience-count")
    await expect(count).to_have_text(re.compile(r"^[1-9][\d,]*$"))
    await expect(page.get_by_test_id("audience-sentence")).to_contain_text("last visit")
    await expect(page.get_by_test_id("audience-excluded").locator("li").first).to_be_visible()

    before = await count.inner_text()
    await page.get_by_test_id("include-value").first.fill("700")
    await expect(count).not_to_have_text(before)


@pytest.mark.covers("BLD-5")
async def test_two_people_never_overwrite_each_other_silently(signed_in: SignedIn) -> None:
    page = await signed_in("marketer", NOWHERE)
    await empty_campaign(page)
    await saved(page)
    other = await page.context.new_page()
    await other.goto(page.url)
    await expect(other.get_by_test_id("step-entry-1")).to_be_visible()

    await page.get_by_test_id("palette-wait").click()
    await expect(page.get_by_test_id("step-wait-1")).to_be_visible()
    await saved(page)
    await other.get_by_test_id("palette-message").click()
    await expect(other.get_by_test_id("conflict")).to_be_visible()
    await other.get_by_test_id("take-theirs").click()
    await expect(other.get_by_test_id("step-wait-1")).to_be_visible()
    await expect(other.get_by_test_id("step-message-1")).to_have_count(0)
