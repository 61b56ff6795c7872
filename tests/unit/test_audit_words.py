"""Every act of the audit has words of its own that people read, and a colour that fits it."""

import pytest

from services.audit.tags import AuditTag
from state.audit_words import act, tone

pytestmark = pytest.mark.covers("GOV-4")


def test_no_two_acts_are_called_the_same_and_none_speaks_of_the_machine():
    said = {tag: act(tag) for tag in AuditTag}
    assert len(set(said.values())) == len(said)
    for words in said.values():
        for jargon in ("nrolment", "xecution", "onsumed", "nvariant", "napshot", "_", "."):
            assert jargon not in words, words


def test_who_was_not_let_in_is_not_shown_as_a_success():
    assert tone(AuditTag.ENROLLED) == "ok"
    assert tone(AuditTag.ENROLMENT_REFUSED) == "warn"
    assert tone(AuditTag.STEP_REFUSED) == "danger"
