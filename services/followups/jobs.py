"""The drain: what is due goes to the Hub, or is refused with its reason (003; house rules 6 and 8)."""

import orjson

from services.audit.append import next_seq, open_batch
from services.contracts.events import ContactCaps
from services.contracts.journey import Channel
from services.followups import queries
from services.followups.contracts import Drained
from services.followups.service import policy_for_followups
from services.gates.contracts import Policy
from services.kit.uow import Unit


async def drain(u: Unit) -> Drained:
    """Settle what is due: one statement for each combination of channels. At most one message a
    person and drain, so that the caps see the one before; the next drain takes the next."""
    sent = failed = 0
    if await may_send(u):
        await u.execute(queries.TABLE)
        for way in (await u.execute(queries.DUE_WAYS, practice=u.practice_id, now=u.now)).all():
            done = await _drain_way(u, list(way.channels))
            sent, failed = sent + done.sent, failed + done.failed
    left = await u.execute(queries.DUE_WAYS, practice=u.practice_id, now=u.now)
    return Drained(sent=sent, failed=failed, waiting=sum(row.due for row in left))


async def drain_due(u: Unit) -> int:
    """The scheduler's tick; returns how many were settled."""
    done = await drain(u)
    return done.sent + done.failed


async def may_send(u: Unit) -> bool:
    """No kill switch is on, and none can be turned on before this commits (D11)."""
    return bool((await u.execute(queries.MAY_SEND, practice=u.practice_id)).scalar_one())


async def _drain_way(u: Unit, channels: list[Channel]) -> Drained:
    await u.execute(queries.EMPTY)
    claimed = await u.execute(queries.CLAIM, practice=u.practice_id, now=u.now, channels=channels)
    size = int(claimed.rowcount)
    if not size:
        return Drained(sent=0, failed=0, waiting=0)
    policy = await policy_for_followups(u, channels)
    row = (
        await u.execute(
            queries.drain_sql(channels), **policy.params(), request=f"{{{request_inside(policy)}}}", day=u.now.date(),
            by=u.actor.ref, batch=open_batch(u), first_seq=next_seq(u, size + 1),
        )
    ).one()  # fmt: skip
    return Drained(sent=row.sent, failed=row.failed, waiting=0)


def request_inside(policy: Policy) -> str:
    """What is the same in every follow-up's request, as the inside of a JSON object."""
    caps = ContactCaps(
        **policy.caps.model_dump(exclude={"exclusive"}),
        quiet_start=policy.quiet_start,
        quiet_end=policy.quiet_end,
    )
    body = {
        "practice_id": policy.practice_id, "campaign_id": policy.campaign_id, "version_id": policy.version_id,
        "step_id": policy.step_id, "topic": policy.topic, "purpose": policy.purpose,
        "caps": caps.model_dump(mode="json"),
    }  # fmt: skip
    return orjson.dumps(body).decode()[1:-1]
