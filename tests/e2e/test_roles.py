"""An administrator makes a role, and somebody works with it."""

import pytest
from playwright.async_api import expect

from tests.e2e.conftest import Site

pytestmark = pytest.mark.covers("GOV-1")


async def test_an_administrator_makes_a_role_and_its_person_sees_what_it_allows(
    signed_in, contexts, site: Site
):
    admin = await signed_in("administrator", "/settings/team")
    await expect(admin.get_by_test_id("permission").first).to_be_visible()
    await admin.get_by_test_id("new-role").click()
    await admin.locator("#label").fill("Night desk")
    await admin.locator("#may-suppress").click()
    await admin.get_by_test_id("keep-role").click()
    await expect(admin.get_by_test_id("role").filter(has_text="Night desk")).to_be_visible()

    await admin.get_by_test_id("new-person").click()
    await admin.locator("#name").fill("Noor Haddad")
    await admin.locator("#login").fill("noor")
    await admin.locator("#password").fill("seven quiet lighthouses")
    dialog = admin.get_by_role("dialog")
    await dialog.get_by_text("Night desk", exact=True).click()
    await admin.get_by_test_id("keep-person").click()
    await expect(admin.get_by_test_id("member").filter(has_text="Noor Haddad")).to_contain_text("Night desk")

    noor = await (await contexts()).new_page()
    await noor.goto("/login")
    await noor.locator("input[name=login]").fill("noor")
    await noor.locator("input[name=password]").fill("seven quiet lighthouses")
    await noor.get_by_test_id("sign-in").click()
    await expect(noor.get_by_text("Night desk").first).to_be_visible()
    await expect(noor.get_by_test_id("nav-settings")).to_have_count(0)
    await noor.goto("/settings/team")
    await expect(noor.get_by_test_id("not-for-you")).to_be_visible()
