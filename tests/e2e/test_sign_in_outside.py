"""Somebody signs in with their organisation's provider, as what its groups say, and out of both again."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from services.kit.clock import SystemClock
from tests.e2e.conftest import Site
from tests.factories.provider import sign_in_provider

pytestmark = pytest.mark.covers("GOV-1", "SRF-1")


@pytest.fixture
def provider(site: Site, tmp_path: Path) -> Iterator[str]:
    ahead = round((site.now() - SystemClock().now()).total_seconds())
    with sign_in_provider(tmp_path, site.portal, site.provider_port, ahead=ahead) as running:
        yield running.issuer


async def through(page: Page, issuer: str, login: str) -> None:
    """By the button of the sign-in page to the provider, which asks who it is and whether that is all right."""
    await page.goto("/login")
    button = page.get_by_test_id("sign-in-outside")
    await expect(button).to_have_text("Sign in with Harbour ID")
    await button.click()
    await page.wait_for_url(f"{issuer}/**")
    await page.locator("input[name=login]").fill(login)
    await page.locator("input[name=password]").fill("any")
    await page.get_by_role("button", name="Sign-in").click()
    await page.get_by_role("button", name="Continue").click()


async def test_the_providers_groups_say_who_somebody_is_here(
    signed_in, contexts, site: Site, provider: str, console
):
    for noise in (provider, "family=Roboto"):  # the provider's own pages want a font that is out of reach
        console.allow(noise)
    admin = await signed_in("administrator", "/settings/team")
    await admin.locator("#domains").fill("harbour.example")
    await admin.locator("#groups").fill("desk = Front desk")
    await admin.get_by_test_id("keep-outside").click()
    await expect(admin.get_by_text("Saved. It counts from the next sign-in.")).to_be_visible()

    desk = await (await contexts()).new_page()
    await through(desk, provider, "otto.desk")
    await desk.wait_for_url(f"{site.portal}/")
    await expect(desk.get_by_text("From Outside otto.desk").first).to_be_visible()
    await expect(desk.get_by_text("Front desk").first).to_be_visible()
    await expect(desk.get_by_test_id("nav-people")).to_be_visible()
    await expect(desk.get_by_test_id("nav-settings")).to_have_count(0)

    await desk.get_by_test_id("person-menu").click()
    await desk.get_by_test_id("sign-out").click()
    await desk.wait_for_url(f"{provider}/session/end**")
    await desk.get_by_role("button", name="Yes, sign me out").click()
    await desk.wait_for_url(f"{site.portal}/login**")
    await desk.goto("/people")
    await expect(desk.get_by_test_id("page-login")).to_be_visible()

    nobody = await (await contexts()).new_page()
    await through(nobody, provider, "lone")
    await expect(nobody.get_by_test_id("no-role")).to_contain_text("You have no role here yet")
    await nobody.get_by_role("link", name="My account").click()
    await nobody.wait_for_url("**/account")
    await expect(nobody.get_by_test_id("sign-out-elsewhere")).to_be_visible()  # so the first page has loaded
    await expect(nobody.locator("[data-sonner-toast]")).to_have_count(0)

    stranger = await (await contexts()).new_page()
    await through(stranger, provider, "unproved")
    await expect(stranger.get_by_test_id("sign-in-problem")).to_be_visible()
