"""Treatment Pipeline Manager, acted out: records that open, move and close, and proposals."""

from datetime import timedelta
from typing import Any

from services.contracts.platform_api import Happening, Simulate
from services.kit.errors import Conflict
from services.kit.ids import new_id
from services.kit.uow import Unit
from services.neighbours.platform.records import insert

# outcome kept in canonical, stage, event, and the event's own fields are made in `_end`
ENDINGS: dict[Happening, tuple[str, str, str]] = {
    "opportunity_converted": ("won", "won", "pipeline.opportunity.converted"),
    "opportunity_closed": ("won", "won", "pipeline.opportunity.closed"),
    "opportunity_withdrawn": ("withdrawn", "disqualified", "pipeline.opportunity.withdrawn"),
    "opportunity_lost": ("lost", "lost", "pipeline.opportunity.lost"),
    "opportunity_deferred": ("deferred", "on_hold", "pipeline.opportunity.deferred"),
    "opportunity_won_future_potential": (
        "won_future_potential", "won", "pipeline.opportunity.won_future_potential",
    ),
}  # fmt: skip


async def opened(u: Unit, asked: Simulate) -> None:
    record = await _open(u, asked, asked.stack or "standard")
    _say(u, asked, "pipeline.lead.opened", record["stack"], opportunity_id=str(record["opportunity_id"]))


async def emergency(u: Unit, asked: Simulate) -> None:
    record = await _open(u, asked, asked.stack or "emergency")
    _say(u, asked, "pipeline.lead.opened", record["stack"], opportunity_id=str(record["opportunity_id"]))


async def cold(u: Unit, asked: Simulate) -> None:
    record = await _live(u, asked)
    since = (u.now - timedelta(days=30)).isoformat()
    _say(
        u, asked, "pipeline.lead.cold", record["stack"],
        cold_since_timestamp=since, eligible_campaign_types=asked.campaign_types,
    )  # fmt: skip


async def nurture(u: Unit, asked: Simulate) -> None:
    record = await _live(u, asked)
    _say(
        u, asked, "pipeline.lead.nurture_eligible", record["stack"],
        nurture_reason="asked_for_information", eligible_campaign_types=asked.campaign_types,
    )  # fmt: skip


async def end(u: Unit, asked: Simulate) -> None:
    """Close the person's newest open record; a deferred one stays open until its date."""
    outcome, stage, event = ENDINGS[asked.what]
    record = await _live(u, asked)
    deferred = (u.now + timedelta(days=max(1, asked.days))).date() if outcome == "deferred" else None
    await u.execute(
        "UPDATE canonical.opportunity SET outcome = :outcome, stage = :stage, deferred_until = :until,"
        " closed_at = :closed WHERE practice_id = :practice AND opportunity_id = :id",
        outcome=outcome, stage=stage, until=deferred, closed=None if deferred else u.now,
        practice=u.practice_id, id=record["opportunity_id"],
    )  # fmt: skip
    await u.execute(
        "UPDATE canonical.contact SET lead_status = :stage"
        " WHERE practice_id = :practice AND contact_id = :contact AND kind = 'lead'",
        stage=stage, practice=u.practice_id, contact=asked.contact_id,
    )  # fmt: skip
    at = u.now.isoformat()
    own: dict[Happening, dict[str, Any]] = {
        "opportunity_lost": {"lost_reason": "chose_another_practice", "lost_at_timestamp": at},
        "opportunity_deferred": {
            "deferred_until_date": str(deferred), "eligible_campaign_types": asked.campaign_types,
        },
        "opportunity_won_future_potential": {
            "won_at_timestamp": at, "future_potential_context": "hygiene_plan",
        },
    }  # fmt: skip
    more = own.get(asked.what, {"closed_at": at, "value": float(record["value"])})
    _say(u, asked, event, record["stack"], opportunity_id=str(record["opportunity_id"]), **more)


async def propose(u: Unit, asked: Simulate) -> None:
    await _proposal(u, asked, "created")


async def accept(u: Unit, asked: Simulate) -> None:
    await _proposal(u, asked, "accepted")


async def stall(u: Unit, asked: Simulate) -> None:
    await _proposal(u, asked, "stalled")


PLAYS: dict[Happening, Any] = {
    "lead_opened": opened, "emergency_lead": emergency, "lead_cold": cold, "nurture_eligible": nurture,
    **dict.fromkeys(ENDINGS, end),
    "proposal_created": propose, "proposal_accepted": accept, "proposal_stalled": stall,
}  # fmt: skip


async def _open(u: Unit, asked: Simulate, stack: str) -> dict[str, Any]:
    row = {
        "opportunity_id": new_id(), "contact_id": asked.contact_id, "stack": stack, "stage": "new",
        "outcome": "open", "treatment": "", "value": asked.value or 0.0, "opened_at": u.now,
    }  # fmt: skip
    await insert(u, "canonical.opportunity", [row])
    return row


async def _live(u: Unit, asked: Simulate) -> dict[str, Any]:
    """The newest open record (of `stack` when given); opened first when there is none."""
    found = await u.execute(
        "SELECT opportunity_id, stack, value FROM canonical.opportunity WHERE practice_id = :practice"
        " AND contact_id = :contact AND outcome IN ('open', 'deferred') AND (:stack = '' OR stack = :stack)"
        " ORDER BY opened_at DESC, opportunity_id DESC LIMIT 1 FOR UPDATE",
        practice=u.practice_id, contact=asked.contact_id, stack=asked.stack,
    )  # fmt: skip
    row = found.one_or_none()
    return dict(row._mapping) if row else await _open(u, asked, asked.stack or "standard")


async def _proposal(u: Unit, asked: Simulate, status: str) -> None:
    """Make or move the person's newest undecided proposal and say so."""
    found = await u.execute(
        "SELECT proposal_id, treatment, value FROM canonical.proposal WHERE practice_id = :practice"
        " AND contact_id = :contact AND status IN ('created', 'stalled')"
        " ORDER BY created_at DESC, proposal_id DESC LIMIT 1 FOR UPDATE",
        practice=u.practice_id, contact=asked.contact_id,
    )  # fmt: skip
    held = found.one_or_none()
    if held is None and status == "accepted":
        raise Conflict("This person has no open proposal to accept. Send them one first.")
    if held is None or status == "created":
        proposal: dict[str, Any] = {
            "proposal_id": new_id(), "contact_id": asked.contact_id, "status": status,
            "treatment": "Clear aligners", "value": asked.value or 3200.0,
            "created_at": u.now - timedelta(days=30 if status == "stalled" else 0), "status_at": u.now,
        }  # fmt: skip
        await insert(u, "canonical.proposal", [proposal])
    else:
        proposal = dict(held._mapping)
        await u.execute(
            "UPDATE canonical.proposal SET status = :status, status_at = :now"
            " WHERE practice_id = :practice AND proposal_id = :id",
            status=status, now=u.now, practice=u.practice_id, id=proposal["proposal_id"],
        )  # fmt: skip
    data = {
        "proposal_id": str(proposal["proposal_id"]), "patient_id": str(asked.contact_id),
        "practice_id": str(u.practice_id), "treatment": proposal["treatment"],
        "value": float(proposal["value"]),
    }  # fmt: skip
    u.emit(f"proposal.{status}", data, contact_id=asked.contact_id)


def _say(u: Unit, asked: Simulate, event: str, stack: str, **more: Any) -> None:
    data = {
        "lead_id": str(asked.contact_id), "practice_id": str(u.practice_id), "source_channel": stack, **more,
    }  # fmt: skip
    u.emit(event, data, contact_id=asked.contact_id)
