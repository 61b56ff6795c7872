"""Use cases of follow-ups: plan, change, cancel; and what a suppression stops (EVT-8, 003).

Nothing here decides whether a message may go: the gates do, when it is due (house rule 1).
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from services.access.service import practice_settings
from services.audit.append import pseudonym_of, record
from services.audit.tags import AuditTag
from services.content.rules import content_ref
from services.content.service import checked_variables, published, template
from services.contracts.events import FollowupChanged
from services.contracts.journey import Channel, ChannelContent, Variant
from services.engine.plans import holdout_salt
from services.followups import queries
from services.followups.contracts import FollowupChange, FollowupRow, NewFollowup, Planned
from services.followups.errors import TooMany
from services.followups.pages import by_key, one, page
from services.followups.rules import (
    JUDGED_AS,
    PER_PERSON,
    PER_PRACTICE,
    STEP,
    TOPIC,
    bad_moment,
    refusal_of_move,
)
from services.gates.contracts import Policy
from services.gates.lists import platform_key, practice_key
from services.gates.reasons import Reason, sentence
from services.gates.service import why_not
from services.kit.actor import Actor, Permission
from services.kit.errors import Forbidden, Invalid, NotFound, TransitionError
from services.kit.ids import new_id
from services.kit.together import set_based
from services.kit.uow import Unit

__all__ = ["change", "forget", "one", "page", "plan", "policy_for_followups", "stop_pending"]
PLANNERS: tuple[Permission, ...] = ("author", "manage")
STOPPERS: tuple[Permission, ...] = ("author", "manage", "suppress")


async def plan(u: Unit, new: NewFollowup) -> Planned:
    """Plan one message to one person. Needs `author` or `manage`. With an `external_key` that is
    known: that one, unchanged. Raises NotFound, Invalid, TooMany."""
    _require(u.actor, PLANNERS, "plan a message to a person")
    lock = new.external_key or new.contact_id
    await u.execute(queries.ONE_AT_A_TIME, key=f"followup/{u.practice_id}/{lock}")
    if new.external_key and (known := await by_key(u, new.external_key)):
        return Planned(followup=known, fresh=False, against=[])
    due_at = new.due_at or u.now
    if problem := bad_moment(due_at, u.now):
        raise Invalid(problem, [{"field": "due_at", "sentence": problem}])
    if (await u.execute(queries.KNOWN, practice=u.practice_id, contact=new.contact_id)).first() is None:
        raise NotFound("This person is not known to the practice.")
    await _room_for(u, new.contact_id)
    variant = await _words(u, new)
    content = variant.content
    followup_id = new_id()
    await _keep(u, followup_id, new, due_at, variant)
    return Planned(
        followup=await one(u, followup_id),
        fresh=True,
        against=await _against(u, new.contact_id, list(content)),
    )


async def change(u: Unit, followup_id: UUID, wanted: FollowupChange) -> FollowupRow:
    """Move a pending message to another moment (`author` or `manage`), or cancel it (`suppress`
    will do). Raises NotFound, Invalid, TransitionError."""
    current = await one(u, followup_id)
    if wanted.state == "cancelled":
        _require(u.actor, STOPPERS, "cancel a planned message")
        return await _cancel(u, current, wanted.note)
    _require(u.actor, PLANNERS, "plan a message to a person")
    if wanted.due_at is None:
        raise Invalid("Say when it should go, or that it is cancelled.")
    if problem := bad_moment(wanted.due_at, u.now):
        raise Invalid(problem, [{"field": "due_at", "sentence": problem}])
    moved = await u.execute(queries.MOVE, practice=u.practice_id, followup=followup_id, due=wanted.due_at)
    if moved.first() is None:
        raise TransitionError(f"This message is {current.state}, so its time cannot change. Plan a new one.")
    await _note(u, AuditTag.FOLLOWUP_CHANGED, "changed", current, due_at=wanted.due_at)
    return await one(u, followup_id)


async def stop_pending(
    u: Unit,
    contact_id: UUID,
    reason: Reason,
    *,
    scope: str,
    channel: str | None = None,
    topic: str | None = None,
    types: tuple[str, ...] = (),
) -> int:
    """Cancel what is planned for a contact within a suppression's scope. The caller holds the
    contact's lock (house rule 5). Returns how many."""
    within = {
        "contact": contact_id, "reason": reason.value, "scope": scope, "channel": channel, "topic": topic,
        "types": types,
    }  # fmt: skip
    rows = await _stopped(u, within)
    for row in rows:
        await record(
            u, AuditTag.FOLLOWUP_CANCELLED, contact_id=contact_id, reason=reason.value,
            followup=row.followup_id,
        )  # fmt: skip
        _announce(u, "cancelled", row.followup_id, contact_id, "cancelled", row.due_at, reason.value)
    return len(rows)


@set_based(70)
async def _stopped(u: Unit, asked: Sequence[dict[str, Any]]) -> list[list[Any]]:
    rows = await u.execute(
        queries.STOP, practice=u.practice_id, judged_as=JUDGED_AS, own_topic=TOPIC, by=u.actor.ref, now=u.now,
        rows=orjson.dumps(asked).decode(),
    )  # fmt: skip
    stopped = rows.all()
    return [[row for row in stopped if row.contact_id == one["contact"]] for one in asked]


async def forget(u: Unit, contact_id: UUID) -> int:
    """Overwrite the words of every message that was planned for a contact, whatever became of it (D27).
    The caller holds the contact's lock and audits. Returns how many had words."""
    rows = await u.execute(queries.FORGET, practice=u.practice_id, contact=contact_id)
    refs = list(rows.scalars())
    if refs:
        await u.execute(queries.UNPUBLISHED, practice=u.practice_id, contact=contact_id, refs=refs)
    return len(refs)


async def policy_for_followups(u: Unit, channels: list[Channel]) -> Policy:
    """What the gates are asked about a follow-up: the practice's own rules, judged as the type that
    most of them exclude."""
    settings = await practice_settings(u)
    return Policy(
        practice_id=u.practice_id,
        now=u.now,
        campaign_id=queries.NO_CAMPAIGN,
        version_id=queries.NO_CAMPAIGN,
        campaign_type=JUDGED_AS,
        step_id=STEP,
        channels=tuple(channels),
        topic=TOPIC,
        caps=settings.caps,
        global_holdout=settings.global_holdout_percent,
        holdout_salt=holdout_salt(u),
        emergency_stacks=tuple(settings.emergency_stacks),
        long_horizon_types=tuple(settings.long_horizon_types),
        one_per_household=False,
        block_key=practice_key(u),
        platform_key=platform_key(u),
        quiet_start=settings.quiet_start,
        quiet_end=settings.quiet_end,
    )


async def _against(u: Unit, contact_id: UUID, channels: list[Channel]) -> list[str]:
    policy = await policy_for_followups(u, channels)
    reasons, by_channel = await why_not(u, contact_id, policy)
    closed = [f"{c.replace('_', '-')}: {sentence(r)}" for c, r in by_channel.items() if r != "ok"]
    return [sentence(r) for r in reasons] + (closed if len(closed) == len(by_channel) else [])


async def _cancel(u: Unit, current: FollowupRow, note: str) -> FollowupRow:
    if problem := refusal_of_move(current.state, "cancelled"):
        raise TransitionError(problem)
    done = await u.execute(
        queries.CANCEL, practice=u.practice_id, followup=current.followup_id, by=u.actor.ref,
        note=note.strip(), now=u.now,
    )  # fmt: skip
    found = await one(u, current.followup_id)
    if done.first() is None:
        # Somebody was faster: the same wish is a no-op, anything else is refused.
        if problem := refusal_of_move(found.state, "cancelled"):
            raise TransitionError(problem)
        return found
    await _note(u, AuditTag.FOLLOWUP_CANCELLED, "cancelled", found)
    return found


async def _room_for(u: Unit, contact_id: UUID) -> None:
    row = (await u.execute(queries.PENDING, practice=u.practice_id, contact=contact_id)).one()
    if row.person >= PER_PERSON:
        raise TooMany(f"{PER_PERSON} messages are planned for this person already. Cancel one first.")
    if row.practice >= PER_PRACTICE:
        raise TooMany(
            f"{PER_PRACTICE} single messages are planned already. To write to many people, make a campaign."
        )


async def _words(u: Unit, new: NewFollowup) -> Variant:
    """What is said on each channel, in the order of the channels, checked as every text is; a template's
    in all its languages."""
    if (new.template_id is None) is (not new.content):
        raise Invalid("Choose a template, or write the message yourself.")
    words = new.content
    translations: dict[str, dict[Channel, ChannelContent]] = {}
    if new.template_id is not None:
        chosen = await template(u, new.template_id)
        if not chosen.active:
            raise Invalid("This template is no longer in use. Choose another one.")
        words = {chosen.channel: chosen.content}
        translations = {locale: {chosen.channel: text} for locale, text in chosen.translations.items()}
    missing = [channel for channel in new.channels if channel not in words]
    if missing:
        raise Invalid(f"There are no words for {missing[0].replace('_', '-')}. Write them, or leave it out.")
    ordered = {channel: words[channel] for channel in dict.fromkeys(new.channels)}
    for channel, text in ordered.items():
        checked_variables(channel, text)
    return Variant(content=ordered, translations=translations)


async def _keep(u: Unit, followup_id: UUID, new: NewFollowup, due_at: datetime, variant: Variant) -> None:
    """The row, its words to the Hub, the audit and the event: together (house rule 3)."""
    await pseudonym_of(u, new.contact_id)  # the row whose lock suppression and the drain share
    content = variant.content
    words = {channel: text.model_dump() for channel, text in content.items()}
    ref = content_ref(content, variant.translations)
    sealed = u.keyring.seal(orjson.dumps(words), place=f"followup:{followup_id}")
    await u.execute(
        queries.INSERT, practice=u.practice_id, followup=followup_id, contact=new.contact_id, due=due_at,
        channels=list(content), ref=ref, content=sealed, template=new.template_id, why=new.why.strip(),
        key=new.external_key, by=_author(u.actor), now=u.now,
    )  # fmt: skip
    u.emit("campaign.content.published", published(u.practice_id, ref, variant))
    await record(
        u, AuditTag.FOLLOWUP_PLANNED, contact_id=new.contact_id, followup=followup_id, due_at=due_at,
        channels=list(content), content_ref=ref, template=new.template_id,
    )  # fmt: skip
    _announce(u, "planned", followup_id, new.contact_id, "pending", due_at)


async def _note(
    u: Unit, tag: AuditTag, what: str, row: FollowupRow, *, due_at: datetime | None = None
) -> None:
    at = due_at or row.due_at
    await record(u, tag, contact_id=row.contact_id, followup=row.followup_id, due_at=at)
    _announce(u, what, row.followup_id, row.contact_id, row.state, at)


def _announce(
    u: Unit, what: str, followup_id: UUID, contact_id: UUID, state: str, due_at: datetime, reason: str = ""
) -> None:
    event = FollowupChanged.model_validate(
        {
            "followup_id": followup_id, "contact_id": contact_id, "practice_id": u.practice_id,
            "state": state, "due_at": due_at, "reason": reason,
        }
    )  # fmt: skip
    u.emit(f"campaign.followup.{what}", event, contact_id=contact_id)


def _require(actor: Actor, any_of: tuple[Permission, ...], deed: str) -> None:
    if not any(actor.may(permission) for permission in any_of):
        raise Forbidden(f"Your role does not let you {deed}. Ask whoever manages your team's accounts.")


def _author(actor: Actor) -> UUID:
    """The person, or the API key, that planned it."""
    if actor.person_id is not None:
        return actor.person_id
    _, _, ref = actor.ref.partition(":")
    return UUID(ref) if ref else queries.NO_CAMPAIGN
