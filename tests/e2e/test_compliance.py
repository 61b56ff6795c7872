"""Whoever answers for privacy and the audit: finds, exports with proof, and forgets somebody."""

from pathlib import Path

import pytest
from playwright.async_api import Page, expect

from services.audit.verifier import verify_file


async def with_code(page: Page) -> None:
    await page.get_by_test_id("field-code").fill(await page.get_by_test_id("demo-code").inner_text())
    await page.get_by_test_id("give-code").click()


@pytest.mark.covers("GOV-4", "GOV-5", "GOV-2")
async def test_a_person_is_found_reported_and_forgotten_and_the_book_still_holds(signed_in, tmp_path: Path):
    page = await signed_in("administrator", "/people")
    await page.locator("[data-testid=person-link]:visible").nth(5).click()
    await expect(page.get_by_test_id("privacy")).to_be_visible()
    name = await page.get_by_test_id("page-title").inner_text()
    async with page.expect_download() as report:
        await page.get_by_test_id("report-json").click()
        await with_code(page)
    assert (await report.value).suggested_filename.startswith("access-report-")
    await page.get_by_test_id("audit-of-person").click()
    await expect(page.get_by_test_id("audit-about")).to_contain_text(name)
    await expect(page.locator("[data-tag='privacy.access_report']")).to_have_count(1)

    await page.go_back()
    await page.get_by_test_id("erase").click()
    await page.get_by_test_id("do-erase").click()
    stages = page.get_by_test_id("erasure-stage")
    await expect(stages).to_have_count(3)
    await expect(stages.last).to_contain_text("Told")
    await expect(page.get_by_test_id("page-title")).to_have_text("An erased person")
    await page.get_by_test_id("audit-of-person").click()
    await expect(page.get_by_test_id("audit-about")).to_be_visible()
    await expect(page.get_by_test_id("audit-row")).to_have_count(0)

    await page.get_by_test_id("audit-about").click()
    await page.get_by_test_id("field-tag").select_option("privacy.erased")
    await expect(page.get_by_test_id("audit-row")).not_to_have_count(0)
    await page.get_by_test_id("export-audit").click()
    async with page.expect_download() as download:
        await page.get_by_test_id("do-export").click()
    part = tmp_path / "part.jsonl"
    await (await download.value).save_as(part)
    result = verify_file(part)
    assert result.ok, result.first_problem
    assert "what happened is privacy.erased" in result.covers
    assert name not in part.read_text()
