"""Writing words: a template in two languages seen on devices; a journey of the gallery tried out by email."""

from collections.abc import Awaitable, Callable

import pytest
from playwright.async_api import Page, expect

from tests.e2e.mailbox import Mailbox

SignedIn = Callable[..., Awaitable[Page]]
TABLET = {"viewport": {"width": 820, "height": 1180}, "has_touch": True}
FOOTER = "\n\n{{ practice.name }}, {{ practice.address }}. [Unsubscribe]({{ unsubscribe_url }})"


@pytest.mark.covers("CNT-1", "CNT-3", "CNT-4", "CNT-7")
async def test_a_template_is_written_in_two_languages_and_seen_on_devices(signed_in: SignedIn) -> None:
    page = await signed_in("marketer", "/templates/messages")
    await page.get_by_test_id("new-template").click()
    await page.get_by_test_id("template-name").fill("Summer hours")
    await page.get_by_test_id("template-subject").fill("Our summer hours")
    await page.get_by_test_id("template-body").fill("Hello there,\n\nDear [NAME], we open at eight." + FOOTER)
    problems = page.get_by_test_id("template-problems")
    await expect(problems).to_contain_text("“[NAME]” is still to be filled in. It is on line 3.")
    await expect(page.get_by_test_id("save-template")).to_be_disabled()
    await page.get_by_test_id("template-body").fill("We open at eight." + FOOTER)
    await expect(problems).to_have_count(0)

    # The cursor stands at the beginning: the field goes there, with what is said when there is no name.
    await page.get_by_test_id("template-body").evaluate("field => field.setSelectionRange(0, 0)")
    await page.get_by_test_id("insert-field").click()
    await page.get_by_test_id("field-contact.first_name").click()
    await expect(page.get_by_test_id("template-body")).to_have_value(
        '{{ contact.first_name | default("there", true) }}We open at eight.' + FOOTER
    )
    mail = page.frame_locator("[data-testid=looks-mail]")
    await expect(mail.locator("body")).to_contain_text("AmeliaWe open at eight.")

    await page.get_by_test_id("add-language").click()
    await page.get_by_test_id("add-cy").click()
    await expect(problems).to_contain_text("In Welsh: Write the message first.")
    await page.get_by_test_id("template-subject").fill("Ein horiau dros yr haf")
    await page.get_by_test_id("template-body").fill("Rydym yn agor am wyth." + FOOTER)
    await expect(page.get_by_test_id("looks-subject")).to_have_text("Ein horiau dros yr haf")
    for device in ("tablet", "inbox"):
        await page.get_by_test_id(f"device-{device}").click()
        await expect(page.get_by_test_id("device")).to_have_class(f"cl-device cl-{device}")
    await page.get_by_test_id("device-dark").click()
    await expect(mail.locator("html")).to_have_css("filter", "invert(1) hue-rotate(180deg)")
    await page.get_by_test_id("looks-language").select_option("")
    await expect(page.get_by_test_id("looks-subject")).to_have_text("Our summer hours")

    await page.get_by_test_id("save-template").click()
    await expect(page.get_by_test_id("template-version")).to_have_count(1)
    await page.goto("/templates/messages")
    await expect(page.get_by_test_id("template-card").filter(has_text="Summer hours")).to_contain_text(
        "Also in Welsh"
    )


@pytest.mark.covers("BLD-11", "CNT-5")
async def test_from_the_gallery_to_a_test_message_in_the_mailbox_on_a_tablet(
    signed_in: SignedIn, mailbox: Mailbox
) -> None:
    page = await signed_in("marketer", "/templates", **TABLET)
    card = page.get_by_test_id("template").filter(has_text="Follow up a stalled proposal")
    await expect(card).to_contain_text("About 3 weeks")
    await page.get_by_test_id("look-stalled_proposal").tap()
    await expect(page.get_by_test_id("looks-subject")).to_have_text(
        "Any questions about your treatment plan?"
    )
    await page.get_by_test_id("gallery-message").filter(has_text="Offer a short call").tap()
    await expect(page.get_by_test_id("looks-text")).to_contain_text("Hi Amelia")
    await page.get_by_test_id("use-open").tap()
    await page.wait_for_url("**/campaigns/*")
    await page.get_by_test_id("step-ask").tap()
    await page.get_by_test_id("open-test").tap()
    await page.get_by_test_id("test-addresses").fill("maya@team.example, fiona@team.example")
    await page.get_by_test_id("send-test").tap()
    rows = page.get_by_test_id("test-row")
    await expect(rows).to_have_count(2)
    (_, mail), _ = mailbox.wait({"maya@team.example", "fiona@team.example"}, 2)
    assert mail["Subject"] == "[Test] Any questions about your treatment plan?"
    await expect(rows.first).to_contain_text("…@team.example")
    await expect(rows.filter(has_text="Delivered")).to_have_count(2)
