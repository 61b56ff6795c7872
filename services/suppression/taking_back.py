"""Taking back what was requested: out of the outbox where the relay has not been, and by
telling the Hub, which answers with what became of it (000 §4.2: no silent continuation)."""

from collections.abc import Sequence
from uuid import UUID

from services.audit.append import record
from services.audit.tags import AuditTag
from services.contracts.events import StepCancelled
from services.followups.service import stop_pending
from services.gates.reasons import Reason
from services.kit.uow import Unit
from services.suppression import sets
from services.suppression.contracts import Suppress


async def take_back(u: Unit, within: Suppress, ids: Sequence[UUID]) -> None:
    """Take back what was requested for these enrolments and within a scope. The contact is locked."""
    # What is only planned first: the requests are looked for after waiting for whoever sends it.
    await stop_pending(
        u, within.contact_id, within.reason, scope=within.scope, channel=within.channel,
        topic=within.topic, types=within.types,
    )  # fmt: skip
    pending = await sets.requested(u, sets.Recall(within, tuple(ids)))
    await call_back(u, within.contact_id, pending, within.reason)


async def call_back(u: Unit, contact_id: UUID, pending: Sequence[sets.Pending], reason: Reason) -> int:
    """Take back these requests of a contact; returns how many were still to be stopped."""
    if not pending:
        return 0
    rows = await sets.cancel(u, sets.Cancel(contact_id, tuple(pending), reason))
    for row in rows:
        await record(
            u, AuditTag.STEP_CANCELLED, campaign_id=row.campaign_id, enrolment_id=row.enrolment_id,
            contact_id=contact_id, reason=reason.value, dispatch=row.dispatch_id,
        )  # fmt: skip
        # Told even when it was still in the outbox: a relay that died between the bus and its commit
        # has published what is there to be published again.
        u.emit(
            "campaign.step.cancelled",
            StepCancelled(
                dispatch_id=row.dispatch_id,
                contact_id=contact_id,
                practice_id=u.practice_id,
                reason=reason.value,
            ),
            contact_id=contact_id,
            dispatch_id=row.dispatch_id,
        )
    return len(rows)
