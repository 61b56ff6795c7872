"""Several steps at once, across campaigns, by mouse, finger and keyboard."""

import re
from collections.abc import Awaitable, Callable

import orjson
import pytest
from playwright.async_api import Browser, Page, expect

from cm_app.bench import canvas as bench
from tests.e2e.conftest import NOWHERE, Site
from tests.e2e.test_builder import TABLET, drag, edge, empty_campaign, middle, saved

SignedIn = Callable[..., Awaitable[Page]]
REACH = 20
"""Pixels from the middle of a plus that a finger may be off: 44 px targets, with room for rounding."""
OWNER = "([x, y]) => document.elementFromPoint(x, y)?.closest('[data-testid^=plus-]')?.dataset.testid ?? 'nothing'"


def steps(page: Page) -> object:
    return page.locator(".react-flow__node-step")


async def add_after(page: Page, port: str, kind: str) -> None:
    await page.get_by_test_id(f"plus-{port}").click()
    await page.get_by_test_id(f"add-{kind}").click()
    await expect(page.get_by_test_id(f"step-{kind}-1")).to_be_focused()


async def close_panel(page: Page) -> None:
    await page.get_by_test_id("panel").get_by_role("button", name="Close the panel").click()
    await expect(page.get_by_test_id("panel")).to_have_count(0)


@pytest.mark.covers("BLD-1", "BLD-6")
async def test_steps_are_copied_by_mouse_into_another_campaign_and_taken_back_in_one_go(
    signed_in: SignedIn,
) -> None:
    page = await signed_in("marketer", NOWHERE)
    await page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await empty_campaign(page)
    await add_after(page, "entry-1-next", "message")
    await add_after(page, "message-1-next", "wait")
    await page.get_by_test_id("step-title").fill("Let it rest")
    await expect(page.get_by_test_id("step-wait-1")).to_contain_text("Let it rest")

    # A step let go on another line goes there, and the gap closes.
    await drag(page, await middle(page, "step-wait-1"), await middle(page, "plus-entry-1-next"))
    await expect(edge(page, "wait-1", "next")).to_be_attached()
    await expect(edge(page, "message-1", "next")).to_have_count(0)

    await page.get_by_test_id("step-wait-1").click()
    await page.get_by_test_id("step-message-1").click(modifiers=["Shift"])
    await expect(page.get_by_test_id("chosen-bar")).to_contain_text("2 chosen")
    await expect(page.get_by_test_id("panel")).to_have_count(0)
    await page.keyboard.press("Control+c")
    await expect(page.get_by_text("2 steps copied")).to_be_visible()
    await saved(page)

    await empty_campaign(page)
    await page.keyboard.press("Control+v")
    await expect(steps(page)).to_have_count(3)
    await expect(page.get_by_test_id("step-wait-1")).to_contain_text("Let it rest")
    await expect(edge(page, "wait-1", "next")).to_be_attached()
    await expect(page.get_by_test_id("chosen-bar")).to_contain_text("2 chosen")
    await page.keyboard.press("Control+z")
    await expect(steps(page)).to_have_count(1)

    await page.evaluate("navigator.clipboard.writeText('Dear Ms Fox, your appointment')")
    await page.keyboard.press("Control+v")
    await expect(page.get_by_text("not a part of a journey")).to_be_visible()
    await expect(steps(page)).to_have_count(1)


@pytest.mark.covers("BLD-1", "BLD-6", "SRF-2")
async def test_a_finger_reaches_every_plus_chooses_several_and_writes_a_note(signed_in: SignedIn) -> None:
    page = await signed_in("marketer", NOWHERE, **TABLET)
    await empty_campaign(page)
    await add_after(page, "entry-1-next", "message")
    await add_after(page, "message-1-next", "wait")
    await close_panel(page)
    await page.get_by_role("button", name="Show everything").tap()
    for plus in ("plus-entry-1-next", "plus-message-1-next", "plus-wait-1-next"):
        x, y = await middle(page, plus)
        for spot in ([x - REACH, y], [x + REACH, y], [x, y - REACH + 3], [x, y + REACH]):
            assert await page.evaluate(OWNER, spot) == plus

    finger = await page.context.new_cdp_session(page)
    x, y = await middle(page, "step-message-1")
    await finger.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    await expect(page.get_by_test_id("chosen-bar")).to_contain_text("1 chosen")
    await finger.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    await page.get_by_test_id("step-wait-1").tap()
    await expect(page.get_by_test_id("chosen-bar")).to_contain_text("2 chosen")
    await page.get_by_test_id("bar-duplicate").tap()
    await expect(steps(page)).to_have_count(5)
    await page.get_by_test_id("bar-remove").tap()
    await expect(steps(page)).to_have_count(3)

    await page.get_by_test_id("add-note").tap()
    await page.get_by_test_id("note-text-note-1").fill("Ask the dentist first")
    await page.get_by_role("button", name="Zoom in").tap()
    await expect(page.get_by_test_id("note-note-1")).to_contain_text("Ask the dentist first")
    await saved(page)
    await page.reload()
    await expect(page.get_by_test_id("note-note-1")).to_contain_text("Ask the dentist first")


@pytest.mark.covers("BLD-1", "BLD-3", "BLD-6", "SRF-5")
async def test_choosing_moving_joining_and_finding_need_no_mouse(signed_in: SignedIn) -> None:
    page = await signed_in("marketer", NOWHERE)
    await empty_campaign(page)
    await expect(page.get_by_test_id("panel")).to_be_visible()
    await page.get_by_test_id("plus-entry-1-next").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("add-message")).to_be_focused()
    await page.keyboard.type("split")
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("step-split-1")).to_be_focused()
    await page.keyboard.press("+")
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("step-message-1")).to_be_focused()

    # Both arms lead to one step, then the step goes before the split.
    await page.keyboard.press("ArrowUp")
    await expect(page.get_by_test_id("step-split-1")).to_be_focused()
    await page.keyboard.press("l")
    await expect(page.get_by_test_id("link-message-1")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(edge(page, "split-1", "arm-1")).to_be_attached()
    await expect(page.locator('[data-testid="step-message-1"] [data-joins]')).to_have_text("2")
    await page.get_by_test_id("step-message-1").focus()
    await page.keyboard.press("m")
    await page.keyboard.type("start")
    await page.keyboard.press("Enter")
    await expect(page.get_by_label("Add a step between Message 1 and Split 1")).to_be_attached()
    await page.keyboard.press("Control+z")
    await expect(edge(page, "split-1", "arm-1")).to_be_attached()

    # An arm made the control gets nothing by design: that this one leads to a message is said at once.
    await page.get_by_test_id("step-split-1").focus()
    await page.keyboard.press("Enter")
    control, wrong = page.get_by_test_id("arm-control").nth(1), page.get_by_test_id("step-problems")
    await control.focus()
    await page.keyboard.press("Space")
    await expect(control).to_have_attribute("aria-pressed", "true")
    await expect(wrong).to_contain_text(
        "The control arm of Split 1 leads to a message, so it is not a control."
    )
    await page.keyboard.press("Space")
    await expect(control).to_have_attribute("aria-pressed", "false")
    await expect(wrong.filter(has_text="control arm")).to_have_count(0)
    await page.get_by_test_id("step-split-1").focus()

    await page.keyboard.press("Control+f")
    await page.keyboard.type("email")
    await expect(page.get_by_test_id("canvas-search-count")).to_have_text("1 of 1")
    await page.keyboard.press("Escape")
    await expect(page.get_by_test_id("step-message-1")).to_be_focused()

    await page.keyboard.press("Control+a")
    await expect(page.get_by_test_id("chosen-bar")).to_contain_text("3 chosen")
    await page.keyboard.press("Delete")
    await expect(steps(page)).to_have_count(0)
    await page.keyboard.press("Control+z")
    await expect(steps(page)).to_have_count(3)
    await expect(page).to_have_url(re.compile(r"/campaigns/"))


@pytest.mark.covers("BLD-6")
async def test_the_bench_moves_both_canvases_and_says_how_evenly(
    browser: Browser, site: Site, capsys
) -> None:
    figures = await bench.measure(browser, site.portal, site.people["marketer"], steps=20, moves=5)
    assert figures.steps == 20
    assert all(motion.frames > 0 for motion in (*figures.large.values(), *figures.empty.values()))
    assert figures.p95_empty_ms > 0
    assert figures.ratio == pytest.approx(figures.p95_ms / figures.p95_empty_ms)
    bench._show(figures)
    assert orjson.loads(capsys.readouterr().out.splitlines()[-1])["bench"] == "canvas"


@pytest.mark.covers("BLD-4", "SRF-5")
async def test_a_problem_leads_to_its_note_and_keys_lead_into_a_steps_panel_and_back(
    signed_in: SignedIn,
) -> None:
    page = await signed_in("marketer", NOWHERE)
    await empty_campaign(page)
    await page.get_by_test_id("add-note").click()
    await expect(page.get_by_test_id("note-text-note-1")).to_be_focused()
    await page.keyboard.type("TODO ask Ada")
    await page.keyboard.press("Control+Enter")
    await page.get_by_test_id("open-audience").click()
    await page.get_by_test_id("open-problems").focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_test_id("panel")).to_be_focused()
    await page.get_by_test_id("problem").filter(has_text="A note on the canvas").click()
    panel = page.get_by_test_id("panel")
    await expect(page.locator('[data-id="note:note-1"] .jc-note')).to_have_attribute("data-selected", "true")
    await expect(panel).to_have_attribute("data-panel", "problems")

    step = page.get_by_test_id("step-entry-1")
    await step.focus()
    await page.keyboard.press("Enter")
    await expect(panel).to_have_attribute("data-panel", "step")
    await page.keyboard.press("Enter")
    await expect(panel).to_be_focused()
    await page.keyboard.press("Tab")
    await expect(page.get_by_role("tooltip")).to_have_text("Close the panel")
    await page.keyboard.press("Escape")
    await expect(step).to_be_focused()  # the tooltip does not keep the first Escape to itself
    await page.keyboard.press("Enter")
    await expect(panel).to_be_focused()
    await page.keyboard.press("Tab")
    await page.keyboard.press("Tab")
    await expect(page.get_by_test_id("step-title")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(step).to_be_focused()
