"""How a campaign's state changes (D6): one function writes it, everything else asks that one."""

from datetime import datetime
from uuid import UUID

from services.audit.append import record
from services.audit.tags import AuditTag
from services.campaigns import queries
from services.campaigns.contracts import CampaignState
from services.campaigns.rules import EVENT_OF, entry_of, refusal_of_move
from services.campaigns.versions import journey_of
from services.content.rules import content_ref
from services.content.service import published
from services.contracts.events import CampaignLifecycle
from services.contracts.journey import Journey, Message
from services.kit.errors import Invalid, NotFound, StaleWrite, TransitionError
from services.kit.ids import new_id
from services.kit.stops import stop_practice
from services.kit.uow import Unit


async def lock(u: Unit, campaign_id: UUID) -> CampaignState:
    """Take the campaign's row; the dispatcher holds it FOR SHARE, so this waits for its batch."""
    found = await u.execute(
        "SELECT state FROM cm.campaign WHERE practice_id = :practice AND campaign_id = :campaign FOR UPDATE",
        practice=u.practice_id,
        campaign=campaign_id,
    )
    state: CampaignState | None = found.scalar_one_or_none()
    if state is None:
        raise NotFound("This campaign does not exist, or was deleted.")
    return state


async def move(
    u: Unit,
    campaign_id: UUID,
    to: CampaignState,
    *,
    reason: str = "",
    version_id: UUID | None = None,
    scheduled_at: datetime | None = None,
) -> bool:
    """The only writer of `cm.campaign.state`: compare-and-set, audited and emitted (D6).

    Returns False when the campaign is in that state already. Raises TransitionError naming both
    states. Callers check who may; a first activation is theirs to back with an approval.
    """
    current = await lock(u, campaign_id)
    refusal = refusal_of_move(current, to)
    if refusal is not None:
        raise TransitionError(refusal, current=current, requested=to)
    if current == to:
        return False
    moved = await u.execute(
        queries.MOVE,
        practice=u.practice_id,
        campaign=campaign_id,
        **{"from": current},
        to=to,
        now=u.now,
        version=version_id,
        scheduled_at=scheduled_at,
    )
    if moved.first() is None:
        raise StaleWrite("Somebody else changed this campaign at the same moment. Look again.")
    starts = scheduled_at.isoformat() if scheduled_at else None
    version = str(version_id) if version_id else None
    await record(
        u,
        AuditTag.STATE_CHANGED,
        campaign_id=campaign_id,
        reason=reason,
        before=current,
        after=to,
        scheduled_at=starts,
        version=version,
    )
    announce(
        u, campaign_id, EVENT_OF[current, to], state=to, reason=reason, scheduled_at=starts, version=version
    )
    if to in ("completed", "cancelled"):
        await _end_executions(u, campaign_id, to)
    if to in ("active", "completed", "cancelled"):
        # An open request would ask about something that is decided.
        states = ("requested",) if to == "active" else ("requested", "approved")
        await revoke_outdated(u, campaign_id, "", note=f"The campaign became {to}.", states=states)
    return True


def announce(u: Unit, campaign_id: UUID, event: str, **details: object) -> None:
    """Emit one `campaign.*` lifecycle event (000 §11.2)."""
    u.emit(
        event,
        CampaignLifecycle(
            campaign_id=campaign_id, practice_id=u.practice_id, actor=u.actor.ref, details=details
        ),
    )


async def revoke_outdated(
    u: Unit,
    campaign_id: UUID,
    digest: str,
    *,
    note: str = "The campaign was edited.",
    states: tuple[str, ...] = ("requested", "approved"),
) -> None:
    """Revoke every request or unused approval whose content is not `digest` (D9)."""
    revoked = await u.execute(
        queries.REVOKE_OTHERS,
        practice=u.practice_id,
        campaign=campaign_id,
        hash=digest,
        now=u.now,
        note=note,
        states=list(states),
    )
    for approval_id in revoked.scalars():
        await record(
            u, AuditTag.APPROVAL_REVOKED, campaign_id=campaign_id, reason=note, approval=str(approval_id)
        )


async def activate(u: Unit, campaign_id: UUID, version_id: UUID, *, reason: str) -> None:
    """Make an approved version the live one: words to the Hub, an execution for the engine."""
    journey = await journey_of(u, version_id)
    previous = (
        await u.execute(
            "SELECT active_version_id FROM cm.campaign WHERE practice_id = :practice AND campaign_id = :campaign",
            practice=u.practice_id,
            campaign=campaign_id,
        )
    ).scalar_one_or_none()
    if not await move(u, campaign_id, "active", reason=reason, version_id=version_id):
        return
    await publish_content(u, campaign_id, journey)
    if previous != version_id:
        await _start_execution(u, campaign_id, version_id, journey)


async def publish_content(u: Unit, campaign_id: UUID, journey: Journey) -> list[str]:
    """Send every variant's words to the Hub, each reference once; returns the references."""
    refs: dict[str, None] = {}
    for step in journey.steps:
        if not isinstance(step, Message):
            continue
        for variant in step.variants:
            if not variant.content:
                continue
            ref = content_ref(variant.content, variant.translations)
            if ref in refs:
                continue
            refs[ref] = None
            u.emit("campaign.content.published", published(u.practice_id, ref, variant))
    if refs:
        await record(u, AuditTag.CONTENT_PUBLISHED, campaign_id=campaign_id, content_refs=list(refs))
    return list(refs)


async def _start_execution(u: Unit, campaign_id: UUID, version_id: UUID, journey: Journey) -> None:
    """A run over the audience, which the engine enrols from. Event and manual entries enrol one
    person at a time; a schedule's runs are opened by the scheduler when their time comes."""
    entry = entry_of(journey)
    await u.execute(queries.STOP_ENROLLING, practice=u.practice_id, campaign=campaign_id)
    if entry is None or entry.how not in ("segment", "dynamic"):
        return
    execution_id = new_id()
    number = await u.execute(
        queries.START_EXECUTION,
        practice=u.practice_id,
        execution=execution_id,
        campaign=campaign_id,
        version=version_id,
        now=u.now,
    )
    nth: int = number.scalar_one()
    await record(
        u, AuditTag.EXECUTION_STARTED, campaign_id=campaign_id, execution=str(execution_id), number=nth
    )
    announce(u, campaign_id, "campaign.started", execution_id=str(execution_id), number=nth)


async def _end_executions(u: Unit, campaign_id: UUID, why: str) -> None:
    ended = await u.execute(queries.END_EXECUTIONS, practice=u.practice_id, campaign=campaign_id, now=u.now)
    for execution_id in ended.scalars():
        await record(
            u,
            AuditTag.EXECUTION_ENDED,
            campaign_id=campaign_id,
            reason=why,
            execution=str(execution_id),
            outcome="stopped",
        )


async def pause(u: Unit, campaign_id: UUID, *, reason: str) -> None:
    """Stop sending now, the current batch included (LIF-7). Needs the manage permission."""
    u.actor.require("manage")
    await stop_practice(u)
    await move(u, campaign_id, "paused", reason=reason)


async def resume(u: Unit, campaign_id: UUID, *, reason: str = "") -> None:
    """Go on with the unchanged version. A changed draft needs an approval first (D9)."""
    u.actor.require("manage")
    state = await lock(u, campaign_id)
    if state in ("draft", "scheduled"):
        raise TransitionError(
            f"A campaign that is {state} cannot become active without an approval. Ask for one.",
            current=state,
            requested="active",
        )
    row = (await u.execute(queries.ONE, practice=u.practice_id, campaign=campaign_id)).mappings().one()
    if state == "paused" and row["changed"]:
        raise Invalid(
            "This campaign was changed while it was paused. Ask for approval of the changes, or undo them."
        )
    ended = (
        await u.execute(queries.RAN_OUT_OF, practice=u.practice_id, campaign=campaign_id, now=u.now)
    ).first()
    if state == "paused" and ended is not None:
        raise Invalid("This campaign was approved for a time, which is over. Ask for a new approval.")
    await move(u, campaign_id, "active", reason=reason)


async def cancel(u: Unit, campaign_id: UUID, *, reason: str) -> None:
    """End it for good; what is waiting will not be sent."""
    u.actor.require("manage")
    await stop_practice(u)
    await move(u, campaign_id, "cancelled", reason=reason)


async def complete(u: Unit, campaign_id: UUID, *, reason: str = "") -> None:
    """Close a campaign that has done its work."""
    u.actor.require("manage")
    await stop_practice(u)
    await move(u, campaign_id, "completed", reason=reason)


async def finish_campaign(u: Unit, campaign_id: UUID) -> None:
    """The engine's way to Completed, when a campaign that runs once has nobody left in it."""
    await move(u, campaign_id, "completed", reason="Everybody has finished the journey.")


async def pause_by_system(u: Unit, campaign_id: UUID, *, reason: str) -> None:
    """The engine's way to Paused, when a guard trips (D12). It never resumes: people do."""
    await stop_practice(u)
    await move(u, campaign_id, "paused", reason=reason)


async def kill_switch(u: Unit, on: bool, reason: str) -> None:
    """Stop, or release, every campaign of the practice before the next dispatch commits (D11).

    Releasing also needs a fresh one-time code, which the caller checks (D10).
    """
    u.actor.require("manage")
    if on and not reason.strip():
        raise Invalid("Say why everything is stopped: the team will read it.")
    await stop_practice(u)
    changed = await u.execute(
        "UPDATE cm.practice SET kill_switch_at = :at, kill_switch_by = :by, kill_switch_reason = :reason"
        " WHERE practice_id = :practice AND (kill_switch_at IS NULL) = :on RETURNING practice_id",
        at=u.now if on else None,
        by=u.actor.person_id if on else None,
        reason=reason if on else None,
        practice=u.practice_id,
        on=on,
    )
    if changed.first() is not None:
        await record(u, AuditTag.KILL_SWITCH_ON if on else AuditTag.KILL_SWITCH_OFF, reason=reason)
