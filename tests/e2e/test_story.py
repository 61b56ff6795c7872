"""One practice, one afternoon: build, approve, send, watch, book, inspect. All of it in the browser."""

import re
from pathlib import Path

import httpx
import pytest
from playwright.async_api import Page, expect

from services.audit.verifier import verify_file
from tests.e2e.conftest import TABLET, Site

NAME = "Spring whitening"
DELIVERED = (
    "SELECT d.dispatch_id, d.contact_id, c.first_name, c.last_name, lower(c.email) AS email, g.campaign_id FROM cm.dispatch d"
    " JOIN cm.campaign g USING (practice_id, campaign_id)"
    " JOIN canonical.contact c ON c.practice_id = d.practice_id AND c.contact_id = d.contact_id"
    " JOIN cm.enrolment e ON e.practice_id = d.practice_id AND e.enrolment_id = d.enrolment_id AND e.state = 'live'"
    " WHERE d.practice_id = :practice AND g.name = :name AND d.delivered_at IS NOT NULL ORDER BY c.last_name"
)
COUNT = '[data-testid="{step}"] .jc-count[data-key="{key}"] .jc-number'


def number(page: Page, step: str, key: str):
    return page.locator(COUNT.format(step=step, key=key))


@pytest.mark.covers("SRF-1", "LIF-6", "BLD-8", "BLD-11", "AUD-4", "INS-1", "SUP-1", "SUP-8", "GOV-2", "GOV-4")
async def test_from_a_template_to_a_journey_that_stops_when_the_patient_books(
    signed_in, site: Site, mailbox, cm, tmp_path: Path
):
    site.move_to_working_hours(after_days=10)  # caps and gaps of what earlier tests sent are over
    # 1–2: the marketer starts from a template, looks at the audience, and asks for approval.
    maya = await signed_in("marketer")
    await expect(maya.get_by_test_id("page-title")).to_have_text("Campaigns")
    await maya.get_by_test_id("new-campaign").click()
    await maya.get_by_test_id("use-whitening_promotion").click()
    await maya.wait_for_url(re.compile("/campaigns/"))
    await expect(maya.get_by_test_id("journey-canvas")).to_be_visible()
    await maya.get_by_test_id("campaign-name").fill(NAME)
    await maya.keyboard.press("Enter")
    await maya.get_by_test_id("open-audience").click()
    await expect(maya.get_by_test_id("audience-reach")).to_contain_text(re.compile(r"\d"))
    await expect(maya.get_by_test_id("audience-excluded")).to_contain_text("not agreed to marketing")
    await maya.get_by_test_id("ask-approval").click()
    await maya.get_by_test_id("send-request").click()

    # 3: the marketer cannot approve it; the approver, on a tablet, can.
    await maya.goto("/approvals")
    await maya.get_by_test_id("approval-row").filter(has_text=NAME).click()
    await expect(maya.get_by_test_id("why-not")).to_be_visible()
    await expect(maya.get_by_test_id("approve")).to_have_count(0)
    alex = await signed_in("approver", "/approvals", viewport=TABLET, has_touch=True)
    await alex.get_by_test_id("approval-row").filter(has_text=NAME).click()
    await expect(alex.get_by_test_id("summary")).to_be_visible()
    await alex.get_by_test_id("approve").click()
    await expect(alex.get_by_test_id("page-title")).to_have_text("Approvals")
    await expect(alex.get_by_test_id("approval-row").filter(has_text=NAME)).to_have_count(0)

    # 4: it runs; numbers arrive without a reload.
    rows = await site.until(lambda found: len(found) >= 3, DELIVERED, name=NAME, seconds=120)
    await maya.goto(f"/campaigns/{rows[0].campaign_id}")
    step = "step-offer"
    delivered = number(maya, step, "delivered")
    await expect(delivered).not_to_have_text("0")
    opened = number(maya, step, "opened")
    before = int((await opened.inner_text()).replace(",", ""))
    reader, mail = next(
        (row, mail)
        for row in rows
        for _, mail in mailbox.to({row.email})
        if mail["Message-ID"].startswith(f"<{row.dispatch_id}@")
    )
    pixel = re.search(r'src="(http[^"]+/o/[^"]+)"', mail.get_body(("html",)).get_content())
    assert pixel
    httpx.get(pixel.group(1)).raise_for_status()
    await expect(opened).to_have_text(str(before + 1))

    # 5: somebody books in the simulator; their journey ends, and their page says why.
    booker = next(r for r in rows if r.contact_id != reader.contact_id)
    desk = await signed_in("front_desk", "/demo", viewport=TABLET)
    await desk.get_by_role("searchbox").fill(whole := f"{booker.first_name} {booker.last_name}")
    await desk.get_by_test_id("pick-person").filter(has_text=whole).first.click()
    await desk.get_by_test_id("happen-book").click()
    await expect(desk.get_by_test_id("happened").first).to_be_visible()
    await desk.goto(f"/people/{booker.contact_id}")
    timeline = desk.get_by_test_id("timeline-item")
    await expect(
        timeline.filter(has_text="Left the journey: They booked an appointment.").first
    ).to_be_visible()

    # 6: the audit holds it all, the chain is whole, and the stand-alone verifier agrees.
    ada = await signed_in("administrator", "/audit")
    await ada.get_by_test_id("verify-audit").click()
    await expect(ada.get_by_test_id("audit-verdict")).to_contain_text("whole")
    export = tmp_path / "audit.jsonl"
    said = cm("export", "audit", str(export), home=site.home)
    assert said.returncode == 0, said.stdout + said.stderr
    checked = verify_file(export)
    assert checked.ok, checked.first_problem
    said = cm("verify-audit", str(export), home=site.home)
    assert said.returncode == 0, said.stdout
    written = export.read_text()
    for tag in (
        "approval.requested",
        "approval.granted",
        "enrolment.entered",
        "step.requested",
        "enrolment.exited",
    ):
        assert tag in written
