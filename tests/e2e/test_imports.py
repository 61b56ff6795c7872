"""Leads come in through the wizard: file, columns, consent, result; never the same file twice."""

from pathlib import Path

import pytest
from playwright.async_api import Page, expect

pytestmark = pytest.mark.covers("AUD-7", "SRF-1")

LEADS = """First Name,Last Name,Email,Phone,Source,Shoe size
Wilhelmina,Quist,wilhelmina.quist@example.org,07700900961,Web form,38
Barnaby,Overcross,not-an-address,07700900962,Web form,44
,,,,Web form,
Ottoline,Varga,ottoline.varga@example.org,12,Referral,39
"""


async def drop(page: Page, file: Path) -> None:
    await page.get_by_test_id("drop-file").locator("input[type=file]").set_input_files(file)


async def test_a_file_is_imported_with_its_consent_and_its_problems_and_only_once(signed_in, tmp_path: Path):
    file = tmp_path / "leads.csv"
    file.write_text(LEADS)
    page = await signed_in("marketer")
    await page.get_by_test_id("nav-imports").click()
    await drop(page, file)

    columns = page.get_by_test_id("column-row")
    await expect(columns).to_have_count(6)
    await expect(page.get_by_label("Meaning of Email")).to_have_value("email")
    await expect(page.get_by_label("Meaning of Shoe size")).to_have_value("")

    await page.get_by_text("I state that everyone in this file agreed to marketing").click()
    await page.get_by_test_id("confirm-import").click()
    await expect(page.get_by_text("A declaration of consent needs at least one channel")).to_be_visible()
    await page.get_by_test_id("field-consent-email").click()
    await page.get_by_label("How it was given").fill("Web form")
    await page.get_by_label("When").fill("2026-01-15")
    await page.get_by_label("Where the proof is kept").fill("Form archive, folder 3")
    await page.get_by_test_id("confirm-import").click()

    await expect(page.get_by_test_id("imported")).to_contain_text("2")
    await expect(page.get_by_text("Consent declared for Email: Web form, 15 Jan 2026.")).to_be_visible()
    problems = page.get_by_test_id("import-problem")
    await expect(problems.filter(has_text="not-an-address")).to_have_count(1)
    await expect(problems.filter(has_text="12")).not_to_have_count(0)

    await page.get_by_test_id("nav-people").click()
    await page.get_by_test_id("search").fill("Quist")
    await expect(page.get_by_test_id("person-row")).to_have_count(1)
    await expect(page.get_by_test_id("person-row")).to_contain_text("Lead")

    await page.get_by_test_id("nav-imports").click()
    await expect(page.get_by_test_id("batch-row").filter(has_text="leads.csv")).to_contain_text("Imported")
    await drop(page, file)
    await expect(page.get_by_text("This very file was already imported")).to_be_visible()
    await expect(page.get_by_test_id("drop-file").locator(".rt-Spinner")).to_have_count(0)
    await expect(columns).to_have_count(0)
