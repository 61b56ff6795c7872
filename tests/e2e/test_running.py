"""A running journey is changed with people inside, and an approver on a tablet lets it go on (D8, LIF-6)."""

import re

import pytest
from playwright.async_api import expect

from tests.e2e.conftest import NOWHERE, TABLET
from tests.e2e.test_access_for_all import check

BODY = (
    "<p>Hello {{ contact.first_name }}</p><p>{{ practice.name }}, {{ practice.address }}."
    ' <a href="{{ unsubscribe_url }}">Unsubscribe</a></p>'
)
JOURNEY = {
    "campaign_type": "promotion",
    "audience": {
        "kinds": ["patient"],
        "include": [{"node": "field", "field": "contact.kind", "op": "is", "value": "patient"}],
    },
    "steps": [
        {"id": "start", "kind": "entry", "how": "segment", "next": "calm"},
        {
            "id": "calm",
            "kind": "wait",
            "title": "A calm day",
            "until": {"how": "duration", "minutes": 2880},
            "next": "later",
        },
        {
            "id": "later",
            "kind": "wait",
            "title": "Another day",
            "until": {"how": "duration", "minutes": 1440},
            "next": "offer",
        },
        {
            "id": "offer",
            "kind": "message",
            "title": "The offer",
            "channels": ["email"],
            "variants": [{"content": {"email": {"subject": "A brighter smile", "body": BODY}}}],
            "next": "done",
        },
        {"id": "done", "kind": "exit"},
    ],
}


@pytest.mark.covers("LIF-5", "LIF-6", "BLD-8", "LIF-10")
async def test_a_running_journey_is_changed_with_people_inside_and_approved_on_a_tablet(signed_in):
    maker, approver = (
        await signed_in("marketer", NOWHERE),
        await signed_in("approver", NOWHERE, viewport=TABLET, has_touch=True),
    )
    made = await maker.request.post(
        "/api/v1/campaigns", data={"name": "A change while it runs", "journey": JOURNEY}
    )
    campaign = (await made.json())["campaign_id"]
    assert (await maker.request.post(f"/api/v1/campaigns/{campaign}/approvals", data={})).ok

    await approver.goto("/approvals")
    row = approver.get_by_test_id("approval-row").filter(has_text="A change while it runs")
    await row.click()
    await approver.get_by_test_id("approve").click()
    await approver.wait_for_url(re.compile("/approvals$"))

    # The count on the canvas opens who stands there, and when each goes on.
    await maker.goto(f"/campaigns/{campaign}")
    await maker.get_by_test_id("count-calm-waiting").click()
    await expect(maker.get_by_test_id("person-here").first).to_contain_text("Goes on")

    # Paused, a step is taken out; asking for approval says who stands there and proposes the next step.
    await maker.get_by_test_id("pause").click()
    await expect(maker.get_by_test_id("campaign-state")).to_contain_text("Paused")
    draft = await maker.request.get(f"/api/v1/campaigns/{campaign}/draft")
    changed = await draft.json()
    changed["steps"] = [step for step in changed["steps"] if step["id"] != "calm"]
    changed["steps"][0]["next"] = "later"
    offer = next(step for step in changed["steps"] if step["id"] == "offer")
    german = {"subject": "Ein helleres Lächeln", "body": BODY.replace("Hello", "Guten Tag")}
    offer["variants"][0]["translations"] = {"de": {"email": german}}
    saved = await maker.request.put(
        f"/api/v1/campaigns/{campaign}/draft", data=changed, headers={"If-Match": draft.headers["etag"]}
    )
    assert saved.ok
    await maker.reload()
    await maker.get_by_test_id("ask-approval").click()
    group = maker.get_by_test_id("fate-group")
    await expect(group).to_contain_text("A calm day")
    await expect(group).to_contain_text("taken out")
    await expect(group.get_by_test_id("fate")).to_have_value("move:later")
    await maker.get_by_test_id("send-request").click()
    await expect(maker.get_by_test_id("withdraw")).to_be_visible()

    await row.click()
    await expect(approver.get_by_test_id("inside")).to_contain_text(
        "move to “Another day” in the new version"
    )
    # What changed since the last approval is drawn, and told; new words come with their language.
    ghost = approver.get_by_test_id("step-calm")
    await expect(ghost).to_have_accessible_name(re.compile("^Removed. A calm day"))
    await expect(ghost.locator("[data-mark=removed]").first).to_be_visible()
    await approver.get_by_test_id("show-step").filter(has_text="The offer").tap()
    await expect(approver.get_by_test_id("told")).to_contain_text("Email in German: subject")
    await expect(approver.get_by_test_id("before-now")).to_contain_text("The offer, Email, German")
    await expect(approver.get_by_test_id("before-now")).to_contain_text("Guten Tag")
    assert await check(approver, "approval, what changed") == []
    await approver.get_by_test_id("field-remark").fill("Good: one day is enough.")
    await approver.get_by_test_id("add-remark").click()
    await expect(approver.get_by_test_id("remark")).to_contain_text("one day is enough")
    await approver.get_by_test_id("approve").click()
    await approver.wait_for_url(re.compile("/approvals$"))

    # Everybody is in the new version now, at the step that was chosen.
    await expect(maker.get_by_test_id("campaign-state")).to_contain_text("Active")
    await maker.get_by_test_id("count-later-waiting").click()
    await expect(maker.get_by_test_id("person-here").first).to_contain_text("Version 2")

    # Cancelled with others from the list; it is told by name what became of each.
    await maker.goto("/")
    listed = maker.get_by_test_id("campaign-row").filter(has_text="A change while it runs")
    await listed.get_by_test_id("mark-campaign").click()
    await maker.get_by_test_id("bulk-cancel").click()
    await maker.get_by_test_id("confirm-bulk-cancel").click()
    await expect(listed).to_have_attribute("data-state", "cancelled")
