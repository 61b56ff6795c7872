"""Runs as people see them (LIF-8): every execution, and each campaign whose people come in one by
one, with who began it, what became of it and, of one run, the reasons behind the numbers.

A campaign on an event, or entered by staff and other systems, opens no execution: its whole life is
shown as one run under the campaign's own id. Numbers of a run that ended are those of the last
count; of one that goes on they are counted when somebody looks, for the shown page only.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal, get_args
from uuid import UUID

from services.contracts.hub_api import ASKED
from services.kit.errors import NotFound
from services.kit.uow import Unit

Began = Literal["person", "api", "schedule", "event", "one_by_one"]
"""Who or what opened it: a person, another system, a schedule or planned time; people who come in on
an event; people brought in one at a time."""
Ended = Literal["running", "delivered", "partial", "failed", "empty", "stopped", "completed"]
BEGAN: tuple[Began, ...] = get_args(Began)
ENDED: tuple[Ended, ...] = get_args(Ended)

# The act that opened an execution was written to the audit in the same transaction, at the same time.
ALL = """
SELECT x.execution_id AS run_id, x.campaign_id, x.version_id, x.number, x.started_at, x.planned_at, x.missed, x.ended_at,
  coalesce(x.outcome, 'running') AS outcome, x.audience_size, x.enrolled, x.refused, x.requested, x.delivered, x.failed,
  CASE WHEN x.planned_at IS NOT NULL THEN 'schedule' WHEN a.actor LIKE 'person:%' THEN 'person'
       WHEN a.actor LIKE 'api:%' THEN 'api' ELSE 'schedule' END AS began, a.actor
FROM cm.execution x
LEFT JOIN LATERAL (
  SELECT a.actor FROM cm.audit a WHERE a.practice_id = :practice AND a.at = x.started_at
    AND a.campaign_id = x.campaign_id AND a.tag = 'execution.started' LIMIT 1) a ON true
WHERE x.practice_id = :practice
UNION ALL
SELECT c.campaign_id, c.campaign_id, c.active_version_id, NULL, c.activated_at, NULL, 0, c.completed_at,
  CASE c.state WHEN 'cancelled' THEN 'stopped' WHEN 'completed' THEN 'completed' ELSE 'running' END,
  NULL, 0, 0, 0, 0, 0, CASE c.kind WHEN 'event' THEN 'event' ELSE 'one_by_one' END, NULL
FROM cm.campaign c
WHERE c.practice_id = :practice AND c.kind IN ('event', 'transactional') AND c.activated_at IS NOT NULL
"""
PAGE = f"""
SELECT r.*, c.name AS campaign_name, c.state AS campaign_state, v.number AS version,
  coalesce(p.display_name, k.label) AS by
FROM (SELECT * FROM ({ALL}) every WHERE {{filters}} ORDER BY started_at DESC, run_id DESC LIMIT :most) r
JOIN cm.campaign c ON c.practice_id = :practice AND c.campaign_id = r.campaign_id
LEFT JOIN cm.campaign_version v ON v.practice_id = :practice AND v.version_id = r.version_id
LEFT JOIN cm.person p ON p.practice_id = :practice AND 'person:' || p.person_id = r.actor
LEFT JOIN cm.api_key k ON k.practice_id = :practice AND 'api:' || k.api_key_id = r.actor
ORDER BY r.started_at DESC, r.run_id DESC
"""
FILTERS = {
    "run": "run_id = :run",
    "campaign": "campaign_id = :campaign",
    "outcome": "outcome = :outcome",
    "began": "began = :began",
    "since": "started_at >= :since",
    "until": "started_at < :until",
    "before": "(started_at, run_id) < (:before_at, :before_id)",
}
# Everybody of one run: of an execution its own, of a campaign entered one by one all without any.
PEOPLE = """
SELECT e.enrolment_id, e.enrolled_at, e.state, e.exit_reason FROM cm.enrolment e
WHERE e.practice_id = :practice AND e.campaign_id = :campaign AND e.execution_id IS NOT DISTINCT FROM CAST(:execution AS uuid)
"""
MESSAGES = f"""
SELECT d.status, d.failure, d.requested_at, d.dispatch_id, d.contact_id FROM ({PEOPLE}) e
JOIN cm.dispatch d ON d.practice_id = :practice AND d.enrolled_at = e.enrolled_at AND d.enrolment_id = e.enrolment_id
"""
COUNT_PEOPLE = f"""
SELECT count(*) AS entered, count(*) FILTER (WHERE state = 'live') AS live, count(*) FILTER (WHERE state = 'held') AS held,
  count(*) FILTER (WHERE state = 'completed') AS completed, count(*) FILTER (WHERE state = 'exited') AS exited
FROM ({PEOPLE}) e
"""
COUNT_MESSAGES = f"""
SELECT count(*) AS requested, count(*) FILTER (WHERE status = 'delivered') AS delivered,
  count(*) FILTER (WHERE status IN ('failed', 'bounced')) AS failed
FROM ({MESSAGES}) d
"""
# Who was not let in has no enrolment: the times of this run and of the next one tell whose it was.
REFUSED = f"""
SELECT reason, sum(people)::bigint AS people, at_entry FROM (
  SELECT r.reason, count(*) AS people, true AS at_entry FROM cm.refusal r
  WHERE r.practice_id = :practice AND r.campaign_id = :campaign AND r.enrolment_id IS NULL AND r.at >= :started
    AND r.at < coalesce((SELECT min(x.started_at) FROM cm.execution x WHERE x.practice_id = :practice
      AND x.campaign_id = :campaign AND x.started_at > :started), 'infinity')
  GROUP BY 1
  UNION ALL
  SELECT r.reason, count(*), false FROM cm.refusal r
  WHERE r.practice_id = :practice AND r.campaign_id = :campaign AND r.enrolment_id IN (SELECT enrolment_id FROM ({PEOPLE}) e)
  GROUP BY 1) n
GROUP BY 1, 3 ORDER BY 2 DESC, 1 LIMIT 30
"""
LEFT = f"""
SELECT exit_reason AS reason, count(*) AS people FROM ({PEOPLE}) e WHERE state = 'exited' GROUP BY 1 ORDER BY 2 DESC, 1
"""
FAILED = f"""
SELECT coalesce(nullif(failure, ''), status) AS reason, count(*) AS messages FROM ({MESSAGES}) d
WHERE status IN ('failed', 'bounced', 'cancelled', 'cancel_requested') GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 20
"""
SILENT = f"""
SELECT count(*) AS waiting, count(*) FILTER (WHERE requested_at <= :past) AS unanswered, max(requested_at) AS newest,
  (SELECT count(DISTINCT d.dispatch_id) FROM ({MESSAGES}) d JOIN cm.message_event v ON v.practice_id = :practice
     AND v.contact_id = d.contact_id AND v.dispatch_id = d.dispatch_id AND v.detail = :asked) AS by_asking
FROM ({MESSAGES}) d WHERE status IN ('requested', 'accepted', 'sent')
"""
ASKED_FOR = timedelta(minutes=30)
"""How long the Hub is asked about a message it says nothing of (002)."""


@dataclass(frozen=True, slots=True)
class RunFilter:
    """What to show; times are UTC and `until` is not included. `most`: rows a page, at most 200."""

    campaign_id: UUID | None = None
    outcome: Ended | None = None
    began: Began | None = None
    since: datetime | None = None
    until: datetime | None = None
    before: tuple[datetime, UUID] | None = None
    most: int = 40


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run. `number` counts a campaign's executions; None where people come in one by one."""

    run_id: UUID
    campaign_id: UUID
    campaign_name: str
    campaign_state: str
    version: int | None
    number: int | None
    began: Began
    by: str | None
    started_at: datetime
    planned_at: datetime | None
    missed: int
    ended_at: datetime | None
    outcome: Ended
    audience_size: int | None
    enrolled: int
    refused: int
    requested: int
    delivered: int
    failed: int


@dataclass(frozen=True, slots=True)
class Because:
    """A stored reason code, or the Hub's own words, and how many it concerns."""

    reason: str
    count: int
    at_entry: bool = False


@dataclass(frozen=True, slots=True)
class Silence:
    """Messages nobody has reported the end of. `unanswered`: asked for half an hour, in vain.
    `by_asking`: what is known only because the Hub was asked. `asks_until`: the last time it is."""

    waiting: int
    unanswered: int
    by_asking: int
    asks_until: datetime | None


@dataclass(frozen=True, slots=True)
class RunDetail:
    row: RunRow
    live: int
    held: int
    completed: int
    exited: int
    refused: Sequence[Because] = field(default_factory=tuple)
    left: Sequence[Because] = field(default_factory=tuple)
    failed: Sequence[Because] = field(default_factory=tuple)
    silence: Silence = Silence(0, 0, 0, None)


async def page(u: Unit, wanted: RunFilter, *, more: bool = False) -> list[RunRow]:
    """Runs that fit, the newest first; with `more` one beyond the page, to know that there is another.
    Needs `read`."""
    u.actor.require("read")
    asked: dict[str, Any] = {
        "campaign": wanted.campaign_id, "outcome": wanted.outcome, "began": wanted.began,
        "since": wanted.since, "until": wanted.until,
    }  # fmt: skip
    params = {name: value for name, value in asked.items() if value is not None}
    clauses = [FILTERS[name] for name in params]
    if wanted.before:
        clauses.append(FILTERS["before"])
        params["before_at"], params["before_id"] = wanted.before
    return await _rows(u, clauses, params, min(max(wanted.most, 1), 200) + more)


async def detail(u: Unit, run_id: UUID) -> RunDetail:
    """One run with its reasons. Needs `read`; raises NotFound."""
    u.actor.require("read")
    found = await _rows(u, [FILTERS["run"]], {"run": run_id}, 1)
    if not found:
        raise NotFound("This run does not exist, or its campaign was deleted.")
    row = found[0]
    which = {
        "practice": u.practice_id,
        "campaign": row.campaign_id,
        "execution": row.run_id if row.number is not None else None,
    }
    people = (await u.execute(COUNT_PEOPLE, **which)).one()
    refused = await u.execute(REFUSED, **which, started=row.started_at)
    left = await u.execute(LEFT, **which)
    failed = await u.execute(FAILED, **which)
    silent = (await u.execute(SILENT, **which, past=u.now - ASKED_FOR, asked=ASKED)).one()
    return RunDetail(
        row, people.live, people.held, people.completed, people.exited,
        [Because(r.reason, r.people, r.at_entry) for r in refused],
        [Because(r.reason or "", r.people) for r in left],
        [Because(r.reason, r.messages) for r in failed],
        Silence(silent.waiting, silent.unanswered, silent.by_asking,
                silent.newest + ASKED_FOR if silent.waiting > silent.unanswered else None),
    )  # fmt: skip


async def _rows(u: Unit, clauses: list[str], params: dict[str, Any], most: int) -> list[RunRow]:
    sql = PAGE.format(filters=" AND ".join(clauses) or "true")
    rows = (await u.execute(sql, practice=u.practice_id, most=most, **params)).mappings().all()
    return [await _counted(u, dict(row)) for row in rows]


async def _counted(u: Unit, row: dict[str, Any]) -> RunRow:
    """A run that goes on, or that never had numbers of its own, is counted now."""
    shown: dict[str, Any] = {name: row[name] for name in RunRow.__slots__}
    if row["number"] is None or row["outcome"] == "running":
        which = {
            "practice": u.practice_id,
            "campaign": row["campaign_id"],
            "execution": row["run_id"] if row["number"] is not None else None,
        }
        shown |= dict((await u.execute(COUNT_MESSAGES, **which)).mappings().one())
        if row["number"] is None:
            shown["enrolled"] = (await u.execute(COUNT_PEOPLE, **which)).one().entered
            shown["refused"] = (
                await u.execute(
                    "SELECT count(*) FROM cm.refusal WHERE practice_id = :practice AND campaign_id = :campaign"
                    " AND enrolment_id IS NULL",
                    practice=u.practice_id,
                    campaign=row["campaign_id"],
                )
            ).scalar_one()
    return RunRow(**shown)
