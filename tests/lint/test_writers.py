"""Whoever changes something writes it down (000 §8): no function that writes state escapes the audit."""

import re

import pytest

from services.audit.tags import AuditTag
from tests.lint.writers import ROOT, Source

BOOKKEEPING = frozenset(
    {
        "outbox", "session", "metric", "metric_told", "tick", "leak_scan", "turn", "hub_asked", "paced", "paced_until",
        "notice", "event_rate", "segment_size", "webhook_delivery", "subject",
    }
)  # fmt: skip
"""Tables that count, remember or queue what is audited where it happened."""
EXCEPTIONS = {
    "services.access.api_keys:actor_of_key": "only notes when a key was used last",
    "services.suppression.blocks:block_everywhere": "of the whole platform, in no practice's book; the log has it",
}
ACTS: dict[str, tuple[str, ...]] = {
    "Campaign and Journey creation, edits, and deletion": (
        "campaign.created", "campaign.edited", "campaign.deleted", "campaign.cloned", "campaign.version_published",
    ),
    "Builder Engine configuration changes": (
        "campaign.edited", "campaign.content_published", "template.changed", "segment.changed", "settings.changed",
    ),
    "All Campaign state transitions": (
        "campaign.state_changed", "approval.requested", "approval.granted", "approval.sent_back", "approval.revoked",
        "approval.single_operator_exemption", "kill_switch.on", "kill_switch.off",
    ),
    "Audience snapshots at campaign execution time": ("execution.audience_snapshot", "execution.started", "execution.ended"),
    "Enrolment, exit, and suppression events": (
        "enrolment.entered", "enrolment.exited", "enrolment.held", "enrolment.released", "enrolment.completed",
        "suppression.applied", "suppression.lifted",
    ),
    "Consent enforcement outcomes per Campaign Step": ("step.requested", "step.refused", "enrolment.refused"),
    "AI suggestion provenance": ("aiden.suggested", "aiden.decided"),
    "All cross-module events emitted or consumed": (
        "event.consumed", "event.unknown", "event.rejected", "step.requested", "step.cancelled",
    ),
}  # fmt: skip
"""000 §8, line by line, and the tags that answer it."""
NOT_WRITTEN = {"aiden.suggested", "aiden.decided"}
"""Reserved: what would write them does not exist."""


@pytest.mark.covers("GOV-4")
def test_nothing_changes_without_the_audit():
    found = Source().unaudited(BOOKKEEPING)
    assert {where: tables for where, tables in found.items() if where not in EXCEPTIONS} == {}
    assert set(EXCEPTIONS) <= set(found), "an exception that is none any more"


@pytest.mark.parametrize(
    "planted",
    [
        'async def end(u):\n    await u.execute("UPDATE cm.campaign SET state = 1")\n',
        'END = "DELETE FROM cm.segment"\nasync def end(u):\n    await u.execute(END)\nasync def go(u):\n    await end(u)\n',
        "from services.followups import queries\nasync def end(u):\n    await u.execute(queries.FORGET)\n",
    ],
    ids=["words", "constant", "another module's"],
)
def test_the_reader_of_sources_sees_who_forgets(planted: str):
    source = Source({"services/campaigns/planted.py": planted})
    assert "services.campaigns.planted:end" in source.unaudited(BOOKKEEPING)


@pytest.mark.covers("GOV-4")
def test_every_line_of_the_specification_has_tags_that_are_written():
    known = {tag.value: tag.name for tag in AuditTag}
    assert {tag for tags in ACTS.values() for tag in tags} <= set(known)
    text = "\n".join(
        path.read_text()
        for room in ("services", "cm_app")
        for path in (ROOT / room).rglob("*.py")
        if path.name not in ("tags.py", "outbound.py", "counting.py")
    )
    families = set(re.findall(r"'(\w+\.)' \|\|", text))  # made of a state, in SQL
    unwritten = {
        tag
        for tag, name in known.items()
        if not re.search(rf"AuditTag\.{name}\b|'{re.escape(tag)}'", text)
        and tag.partition(".")[0] + "." not in families
    }
    assert unwritten == NOT_WRITTEN
