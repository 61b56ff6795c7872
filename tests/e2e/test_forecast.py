"""Forecast and test walk in a real browser, from the builder's header and back."""

import re
from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import Page, expect

from tests.e2e.conftest import NOWHERE

SignedIn = Callable[..., Awaitable[Page]]
TABLET = {"viewport": {"width": 820, "height": 1180}, "has_touch": True}


async def open_campaign(page: Page) -> None:
    """A campaign of the gallery, fresh."""
    await page.goto("/templates")
    await page.get_by_test_id("use-recall_lapsed").click()
    await page.wait_for_url(re.compile(r"/campaigns/"))
    await expect(page.get_by_test_id("journey-canvas")).to_be_visible()


@pytest.mark.covers("BLD-9", "BLD-10")
@pytest.mark.parametrize("look", [{}, TABLET], ids=["desktop", "tablet"])
async def test_a_journey_is_foreseen_and_walked(signed_in: SignedIn, look: dict[str, object]) -> None:
    page = await signed_in("marketer", NOWHERE, **look)
    await open_campaign(page)
    await page.get_by_test_id("open-forecast").click()
    await expect(page.get_by_test_id("forecast")).to_have_attribute("data-state", "ready", timeout=30_000)
    assert await page.get_by_test_id("forecast-step").count() >= 3
    await page.get_by_test_id("field-days").select_option("30")
    await expect(page.get_by_test_id("forecast")).to_have_attribute("data-state", "ready", timeout=30_000)
    await page.get_by_role("link", name="Test walk").click()
    await expect(page.get_by_test_id("walk-position")).to_have_text(re.compile("Step 1 of"))
    await page.keyboard.press("ArrowRight")
    await expect(page.get_by_test_id("walk-position")).to_have_text(re.compile("Step 2 of"))
    await page.get_by_test_id("walk-back").click()
    await expect(page.get_by_test_id("walk-position")).to_have_text(re.compile("Step 1 of"))
