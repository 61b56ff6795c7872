"""Publishing a change while people are inside (D8): who stands where, and what becomes of them.

The author chooses when approval is asked for, the approver reads it, and activation writes it down as
rows of `cm.version_move`. The engine carries them out in batches (`services.engine.carrying`); until
then nobody is claimed from a step whose people are to leave it, so an old step is never carried out
for somebody who was moved.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

import orjson

from services.audit.append import record
from services.audit.tags import AuditTag
from services.builder.step_words import title
from services.campaigns import queries
from services.campaigns.contracts import ChosenFate, Impact, PeopleAt, VersionRow
from services.campaigns.impact_rules import way_for
from services.campaigns.rules import content_hash
from services.campaigns.versions import journey_of, open_draft, version_rows
from services.content.service import resolve
from services.contracts.journey import Journey
from services.kit.errors import Conflict, Invalid, NotFound
from services.kit.uow import Unit

PLACES = """
SELECT version_id, step_id, sum(live)::bigint AS live, sum(held)::bigint AS held FROM (
  SELECT w.version_id, w.step_id, count(*) AS live, 0 AS held FROM cm.work w
  WHERE w.practice_id = :practice AND w.version_id = ANY (:versions) GROUP BY 1, 2
  UNION ALL
  SELECT e.version_id, e.step_id, 0, count(*) FROM cm.enrolment e
  WHERE e.practice_id = :practice AND e.campaign_id = :campaign AND e.state = 'held' GROUP BY 1, 2) n
GROUP BY 1, 2
"""
MOVING = "SELECT count(*) FROM cm.version_move WHERE practice_id = :practice AND campaign_id = :campaign"
DECIDE = """
INSERT INTO cm.version_move (practice_id, from_version, step_id, campaign_id, choice, to_version, to_step, asked_at)
SELECT :practice, t.version_id, t.step_id, :campaign, t.choice, :version, t.to_step, :now
FROM jsonb_to_recordset(CAST(:impact AS jsonb)) AS t(version_id uuid, step_id text, choice text, to_step text)
WHERE t.choice IN ('move', 'exit') AND t.version_id <> :version
RETURNING from_version, step_id
"""


async def impact(u: Unit, campaign_id: UUID) -> Impact:
    """Who stands where in the versions that run, and what we propose, if the draft were published.
    Numbers are counted now. Needs `read`; raises NotFound, Invalid for a draft that cannot be read."""
    u.actor.require("read")
    row = (
        (await u.execute(queries.DRAFT, practice=u.practice_id, campaign=campaign_id))
        .mappings()
        .one_or_none()
    )
    if row is None:
        raise NotFound("This campaign does not exist, or was deleted.")
    draft = open_draft(u, campaign_id, row["draft"])
    if not isinstance(draft, Journey):
        raise Invalid("This campaign cannot be read.", [problem.model_dump() for problem in draft])
    return await impact_of(u, campaign_id, await resolve(u, draft))


async def impact_of(u: Unit, campaign_id: UUID, journey: Journey) -> Impact:
    """The same, for a journey that is not stored as the draft."""
    versions = await version_rows(u, campaign_id)
    digest = content_hash(journey)
    known = {v.version_id: v for v in versions}
    journeys = {v.version_id: await journey_of(u, v.version_id) for v in versions}
    rows = await u.execute(PLACES, practice=u.practice_id, campaign=campaign_id, versions=list(known))
    groups = [
        _people_at(row, known[row.version_id], journeys, journey)
        for row in rows
        if row.version_id in known and known[row.version_id].content_hash != digest
    ]
    moving = await u.execute(MOVING, practice=u.practice_id, campaign=campaign_id)
    order = {
        (v, step.id): (-known[v].number, n) for v, j in journeys.items() for n, step in enumerate(j.steps)
    }
    groups.sort(key=lambda g: order.get((g.version_id, g.step_id), (0, 0)))
    return Impact(
        groups=groups, people=sum(g.live + g.held for g in groups), still_moving=moving.scalar_one() > 0
    )


def _people_at(row: Any, version: VersionRow, journeys: dict[UUID, Journey], new: Journey) -> PeopleAt:
    old = journeys[row.version_id]
    way = way_for(row.step_id, old, new, [j for v, j in journeys.items() if v != row.version_id])
    step = next((s for s in old.steps if s.id == row.step_id), None)
    return PeopleAt(
        version_id=row.version_id,
        version_number=version.number,
        step_id=row.step_id,
        title=title(step) if step else row.step_id,
        live=row.live,
        held=row.held,
        proposed=way.choice,
        to_step=way.to_step,
        why=way.why,
        targets=list(way.targets),
    )


async def checked(
    u: Unit, campaign_id: UUID, journey: Journey, chosen: Sequence[ChosenFate]
) -> list[dict[str, Any]]:
    """What an approval keeps: each group with its choice and how many people there are now. Groups that
    nobody chose for finish on their version. Raises Conflict while an earlier change is carried out,
    Invalid for a place that people cannot be moved to."""
    found = await impact_of(u, campaign_id, journey)
    if found.still_moving:
        raise Conflict("People are still being moved after the last change. Try again in a moment.")
    choices = {(c.version_id, c.step_id): c for c in chosen}
    return [_kept(group, choices.get((group.version_id, group.step_id))) for group in found.groups]


def _kept(group: PeopleAt, chosen: ChosenFate | None) -> dict[str, Any]:
    choice = chosen.choice if chosen else "finish"
    target = chosen.to_step if chosen and choice == "move" else None
    titles = {t.step_id: t.title for t in group.targets}
    if choice == "move" and target not in titles:
        raise Invalid(
            f"The people at “{group.title}” (version {group.version_number}) cannot be moved there: "
            "the step does not exist, or they would get a message a second time. Choose another step."
        )
    return {
        "version_id": str(group.version_id),
        "version_number": group.version_number,
        "step_id": group.step_id,
        "title": group.title,
        "live": group.live,
        "held": group.held,
        "choice": choice,
        "to_step": target,
        "to_title": titles.get(target or "", ""),
    }


async def decide(u: Unit, campaign_id: UUID, approval_id: UUID, version_id: UUID) -> None:
    """With the activation of a changed version: write down who is to be moved or let go."""
    kept = (
        await u.execute(
            "SELECT impact FROM cm.approval WHERE practice_id = :practice AND approval_id = :approval",
            practice=u.practice_id,
            approval=approval_id,
        )
    ).scalar_one()
    if not kept:
        return
    await u.execute(
        DECIDE,
        practice=u.practice_id,
        campaign=campaign_id,
        version=version_id,
        now=u.now,
        impact=orjson.dumps(kept).decode(),
    )
    await record(
        u,
        AuditTag.CHANGE_DECIDED,
        campaign_id=campaign_id,
        version=str(version_id),
        approval=str(approval_id),
        people=[{k: g[k] for k in ("version_number", "step_id", "choice", "to_step", "live", "held")} for g in kept],
    )  # fmt: skip
