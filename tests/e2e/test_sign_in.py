"""People sign in by the form of the portal, and only with the right password."""

import pytest
from playwright.async_api import Page, expect

from tests.e2e.conftest import TABLET, Site

pytestmark = pytest.mark.covers("SRF-1", "GOV-1")


async def test_the_marketer_signs_in(signed_in):
    page = await signed_in("marketer")
    await expect(page.get_by_text("Maya Okafor").first).to_be_visible()


@pytest.mark.covers("SRF-2")
async def test_the_approver_signs_in_on_a_tablet(signed_in):
    page = await signed_in("approver", viewport=TABLET)
    await expect(page.get_by_test_id("page-title").first).to_be_visible()


async def test_a_wrong_password_is_refused_in_words(visitor: Page, site: Site, console):
    console.allow("/api/session")
    await visitor.goto("/login")
    await visitor.locator("input[name=login]").fill(site.people["marketer"]["login"])
    await visitor.locator("input[name=password]").fill("not the password")
    await visitor.get_by_test_id("sign-in").click()
    await expect(visitor.get_by_test_id("sign-in-problem")).to_contain_text("do not belong together")
