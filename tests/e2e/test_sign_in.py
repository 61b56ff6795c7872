"""People sign in by the form of the portal, and only with the right password."""

import pytest
from playwright.async_api import Page, expect

from tests.e2e.conftest import TABLET, Site

pytestmark = pytest.mark.covers("SRF-1", "GOV-1")


async def by_the_form(page: Page, login: str, password: str) -> None:
    await page.goto("/login")
    await page.locator("input[name=login]").fill(login)
    await page.locator("input[name=password]").fill(password)
    await page.get_by_test_id("sign-in").click()


async def test_the_marketer_signs_in(visitor: Page, site: Site):
    maya = site.people["marketer"]
    await by_the_form(visitor, maya["login"], maya["password"])
    await visitor.wait_for_url(lambda url: "/login" not in url)
    await expect(visitor.get_by_text("Maya Okafor").first).to_be_visible()


@pytest.mark.covers("SRF-2")
async def test_the_approver_signs_in_on_a_tablet(contexts, site: Site):
    page, alex = await (await contexts(viewport=TABLET)).new_page(), site.people["approver"]
    await by_the_form(page, alex["login"], alex["password"])
    await page.wait_for_url(lambda url: "/login" not in url)
    await expect(page.get_by_test_id("page-title").first).to_be_visible()


async def test_a_wrong_password_is_refused_in_words(visitor: Page, site: Site, console):
    console.allow("/api/session")
    await by_the_form(visitor, site.people["marketer"]["login"], "not the password")
    await expect(visitor.get_by_test_id("sign-in-problem")).to_contain_text("do not belong together")
