"""Counting, previewing and freezing audiences; saved segments are in `services.audience.segments`.

The audience part is here; who of it may not be contacted, and why, is asked of the one list of
gates (house rule 1).
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

from services.audience import queries
from services.audience.checks import rule_problems
from services.audience.compile import audience_where, rule_where
from services.audience.contracts import AudiencePreview, Exclusion, Fragment, SamplePerson, Snapshot
from services.audience.errors import RuleInvalid
from services.audience.fields import FIELDS
from services.audience.forgetting import place
from services.audience.segments import names, page, saved
from services.audience.sentence import read_back
from services.audit import append
from services.audit.tags import AuditTag
from services.contracts.journey import Journey
from services.contracts.segment import Audience, Rule
from services.kit.errors import NotFound
from services.kit.ids import new_id
from services.kit.uow import Unit

SAMPLE_SIZE = 8

Breakdown = Callable[[str, dict[str, Any]], Awaitable[tuple[int, list[tuple[str, str, int]]]]]
"""Asks the gates about a SELECT of contact_id: (people cleared, [(reason, sentence, people)])."""


async def where(u: Unit, audience: Audience, *, prefix: str = "aud_", at: datetime | None = None) -> Fragment:
    """The audience as a condition on `c`, now (or `at` another moment) in the practice's zone, with
    its saved segments. Raises RuleInvalid."""
    return audience_where(audience, at or u.now, zone=await zone(u), segments=await saved(u), prefix=prefix)


async def condition(
    u: Unit, rule: Rule, *, prefix: str = "rule_", at: datetime | None = None, batch: bool = False
) -> Fragment:
    """One rule (a branch path, say) as a condition on `c`, now or `at` another moment; `batch`: asked of
    thousands, not of a whole practice. Raises RuleInvalid."""
    return rule_where(
        rule, at or u.now, zone=await zone(u), segments=await saved(u), prefix=prefix, batch=batch
    )


async def zone(u: Unit) -> str:
    """The practice's time zone: rules speak of its days (D23)."""
    return str((await u.execute(queries.ZONE, practice=u.practice_id)).scalar_one())


@asynccontextmanager
async def over_everyone(u: Unit) -> AsyncIterator[None]:
    """Inside, the planner is told that statements run over a whole practice (AUD-8)."""
    await u.execute(queries.PLANNER)
    yield
    await u.execute(queries.PLANNER_BACK)


async def count(u: Unit, audience: Audience) -> int:
    """How many people are in the audience now (AUD-4, AUD-8). Raises RuleInvalid."""
    fragment = await where(u, audience)
    sql = queries.COUNT.format(where=fragment.sql)
    async with over_everyone(u):
        found = await u.execute(sql, practice=u.practice_id, **fragment.params)
    return int(found.scalar_one())


async def contains(u: Unit, audience: Audience, contact_id: UUID) -> bool:
    """Whether one contact is in the audience now (event triggers, EVT-3)."""
    fragment = await where(u, audience)
    sql = queries.IS_MEMBER.format(where=fragment.sql)
    found = await u.execute(sql, practice=u.practice_id, contact=contact_id, **fragment.params)
    return bool(found.scalar_one())


async def members(u: Unit, audience: Audience, *, prefix: str = "aud_") -> Fragment:
    """A SELECT of `contact_id` of everyone in the audience; it uses `:practice`."""
    fragment = await where(u, audience, prefix=prefix)
    return Fragment(queries.MEMBERS.format(where=fragment.sql), fragment.params)


def problems(audience: Audience) -> list[str]:
    """What is wrong with an audience by itself, one sentence each; saved segments unseen."""
    return [text for rule in [*audience.include, *audience.exclude] for text in rule_problems(rule)]


async def sentence(u: Unit, audience: Audience) -> str:
    """The audience read back in one sentence, with the names of saved segments."""
    return read_back(audience, await names(u))


async def preview(u: Unit, journey: Journey, *, breakdown: Breakdown | None = None) -> AudiencePreview:
    """What the audience panel shows: the count, a few members, who is left out and why.

    `breakdown` asks the gates. Raises RuleInvalid with the sentence to show.
    """
    audience = journey.audience
    total = await count(u, audience)
    excluded: list[Exclusion] = []
    reachable = total
    if breakdown is not None and total:
        source = await members(u, audience)
        async with over_everyone(u):
            reachable, refused = await breakdown(source.sql, source.params)
        excluded = [Exclusion(*row) for row in refused]
    told = await sentence(u, audience)
    return AudiencePreview(total, reachable, await sample(u, audience), excluded, told)


async def sample(u: Unit, audience: Audience, size: int = SAMPLE_SIZE) -> list[SamplePerson]:
    """A few members by first name and initial, for the page that asks for them only."""
    fragment = await where(u, audience)
    sql = queries.SAMPLE.format(where=fragment.sql)
    async with over_everyone(u):
        rows = await u.execute(sql, practice=u.practice_id, size=size, **fragment.params)
    return [
        SamplePerson(row.contact_id, f"{row.first_name} {row.initial}.".strip(), row.kind) for row in rows
    ]


async def choices(u: Unit, field_name: str) -> list[tuple[str, str]]:
    """The values a choice field may take: (value, label). Open ones come from the data."""
    field = FIELDS.get(field_name)
    if field is None or field.type != "choice":
        raise RuleInvalid(f"There is no field called “{field_name}” with choices.")
    if field.choices:
        return list(field.choices)
    relation = f"{field.records.table} r" if field.records else "canonical.contact c"
    found = await u.execute(queries.CHOICES.format(column=field.sql, relation=relation))
    return [(row.choice, row.choice) for row in found]


async def measure(u: Unit, segment_id: UUID | None = None) -> dict[UUID, int]:
    """Count one saved segment, or all of them, and keep the sizes in the history."""
    sizes: dict[UUID, int] = {}
    for row in await page(u):
        if segment_id in (None, row.segment_id):
            sizes[row.segment_id] = size = await count(u, row.audience)
            await u.execute(
                queries.ADD_SIZE, practice=u.practice_id, segment=row.segment_id, now=u.now, size=size
            )
    return sizes


# Snapshots (AUD-5): who was in the audience when an execution ran.


async def snapshot(u: Unit, execution_id: UUID, audience: Audience) -> Snapshot:
    """Freeze the audience of an execution, sealed and compressed: contact references only."""
    execution = (
        await u.execute(queries.EXECUTION, practice=u.practice_id, execution=execution_id)
    ).one_or_none()
    if execution is None:
        raise NotFound("This run of the campaign does not exist.")
    source = await members(u, audience)
    sql = queries.PACKED.format(members=source.sql)
    async with over_everyone(u):
        row = (await u.execute(sql, practice=u.practice_id, **source.params)).one()
    taken = Snapshot(new_id(), execution_id, u.now, row.size)
    packed = bytes(row.members)
    await u.execute(
        queries.INSERT_SNAPSHOT,
        practice=u.practice_id,
        snapshot=taken.snapshot_id,
        execution=execution_id,
        campaign=execution.campaign_id,
        now=u.now,
        size=taken.size,
        members=u.keyring.seal(zlib.compress(packed, 1), place=place(taken.snapshot_id)),
    )
    await append.record(
        u,
        AuditTag.AUDIENCE_SNAPSHOT,
        campaign_id=execution.campaign_id,
        execution_id=str(execution_id),
        size=taken.size,
        sha256=hashlib.sha256(packed).hexdigest(),
    )
    return taken


async def snapshots(u: Unit, campaign_id: UUID) -> list[Snapshot]:
    """The frozen audiences of a campaign, newest first, without their members."""
    u.actor.require("read")
    rows = await u.execute(queries.SNAPSHOTS, practice=u.practice_id, campaign=campaign_id)
    return [Snapshot(*row) for row in rows]
