"""Asking the gates: for a preview, and for one person (“why not now?”)."""

from typing import Any
from uuid import UUID

from services.gates.contracts import Policy
from services.gates.reasons import sentence
from services.gates.statement import all_reasons_sql, breakdown_sql
from services.kit.uow import Unit


async def breakdown(
    u: Unit, source: str, params: dict[str, Any], policy: Policy
) -> tuple[int, list[tuple[str, str, int]]]:
    """(people who would be sent to, [(reason, sentence, people)]) over `source`, a SELECT of
    `contact_id` with its own bound `params`."""
    rows = (await u.execute(breakdown_sql(source, policy.channels), **policy.params(), **params)).all()
    cleared = sum(row.people for row in rows if row.reason is None)
    refused = [(row.reason, sentence(row.reason), row.people) for row in rows if row.reason]
    return cleared, refused


async def why_not(u: Unit, contact_id: UUID, policy: Policy) -> tuple[list[str], dict[str, str]]:
    """(every reason that refuses this person now, {channel: reason or 'ok'})."""
    source = "SELECT CAST(:contact AS uuid) AS contact_id"
    row = (
        await u.execute(all_reasons_sql(source, policy.channels), **policy.params(), contact=contact_id)
    ).one()
    return list(row.reasons), dict(row.channel_verdicts or {})
