"""The page of the API says what the served description says, and nothing of anybody."""

import pytest

from cm_app.api.factory import api
from state.api_reading import Description


@pytest.fixture(scope="module")
def read() -> Description:
    return Description(api().openapi(), "http://portal.example")


@pytest.mark.covers("SRF-3")
def test_every_operation_is_in_a_group_and_opens_whole(read: Description):
    rows = [row for group in read.groups() for row in group.operations]
    assert len(rows) == len({row.key for row in rows}) == read.count > 100
    for row in rows:
        detail = read.detail(row.key)
        assert detail is not None
        assert detail.curl.replace("'", "").startswith(f"curl -X {row.method} http://portal.example/")
        assert "{" not in detail.curl.splitlines()[0], f"{row.key} has an address that is not filled"
        assert "cmk_" not in detail.curl, "a key is named, never shown"
        assert not detail.says.startswith("Needs `")
    assert read.detail("nothing_such") is None


@pytest.mark.covers("SRF-3")
def test_a_search_finds_by_address_words_permission_and_group(read: Description):
    def keys(looking: str) -> set[str]:
        return {row.key for group in read.groups(looking) for row in group.operations}

    assert {"drafts_draft", "drafts_save_draft"} <= keys("/draft journeys")
    assert keys("/draft PUT") == {"drafts_save_draft"}
    assert "audit_page" in keys("compliance search")
    assert keys("no such thing anywhere") == set()


@pytest.mark.covers("SRF-3")
def test_a_curl_line_carries_what_the_operation_needs(read: Description):
    def curl(key: str) -> str:
        detail = read.detail(key)
        assert detail is not None
        return detail.curl

    save = curl("drafts_save_draft")
    assert '-H "Authorization: Bearer $CM_API_KEY"' in save
    assert "-H 'If-Match: *'" in save
    assert "-H 'Content-Type: application/json'" in save
    people = read.detail("administration_make_key")
    assert people is not None
    assert people.people_only
    assert '-b "cm_session=$CM_SESSION"' in people.curl
    assert '-H "webhook-signature: $WEBHOOK_SIGNATURE"' in curl("events_ingress")
    assert "-F file=@leads.csv" in curl("imports_upload")
    assert "first=" in curl("metrics_days")
    assert "Authorization" not in curl("health_healthz")


@pytest.mark.covers("SRF-3")
def test_what_keeps_a_draft_from_approval_is_not_mistaken_for_a_refusal(read: Description):
    detail = read.detail("drafts_save_draft")
    assert detail is not None
    assert '"sentence"' in detail.response
    assert "urn:campaign-manager:problem" not in detail.response
