"""What is on record after the dust has settled: four witnesses that do not know of each other.

The database of Campaign Manager, the Hub's own tables, the journal of what left the building, and
the harness's journal of what it handed in.
"""

import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
from redis.exceptions import ResponseError
from sqlalchemy import Connection, create_engine, text

from cm_app.chaos.injector import RAW
from cm_app.chaos.journal import Asked
from services.audit import service as audit
from services.audit import verifier
from services.bootstrap import App
from services.invariants.service import check
from services.kit.actor import Actor
from services.kit.bus import DEAD, STREAM
from services.kit.db import owner

TAKEN = """
SELECT event_id, count(*) AS n FROM cm.inbound_event
WHERE practice_id = :practice AND source IN ('platform', :raw) GROUP BY 1
"""
CONSUMED = """
SELECT CAST(detail AS jsonb) ->> 'event' AS event_id, count(*) AS n FROM cm.audit
WHERE practice_id = :practice AND tag IN ('event.consumed', 'event.unknown')
  AND CAST(detail AS jsonb) ->> 'source' IN ('platform', :raw) GROUP BY 1
"""
TAGS = "SELECT tag, count(*) AS n FROM cm.audit WHERE practice_id = :practice GROUP BY 1"
STATES = "SELECT state, count(*) AS n FROM cm.enrolment WHERE practice_id = :practice GROUP BY 1"
DISPATCHES = """
SELECT dispatch_id, enrolment_id, move_no, status, contact_id, coalesce(failure, '') AS failure,
  sent_at IS NOT NULL AS sent, delivered_at IS NOT NULL AS delivered
FROM cm.dispatch WHERE practice_id = :practice
"""
MESSAGES = """
SELECT dispatch_id, state, channel, attempts, coalesce(failure, '') AS failure
FROM hub.message WHERE practice_id = :practice AND NOT test
"""
LYING = """
SELECT (SELECT count(*) FROM cm.outbox) AS "our outbox", (SELECT count(*) FROM hub.outbox) AS "Hub outbox",
  (SELECT count(*) FROM platform.outbox) AS "platform outbox",
  (SELECT count(*) FROM hub.message WHERE state = 'sending') AS "Hub, half sent",
  (SELECT count(*) FROM hub.message WHERE state = 'queued' AND due_at <= :now) AS "Hub, due",
  (SELECT count(*) FROM cm.execution x JOIN cm.campaign c USING (practice_id, campaign_id)
    WHERE NOT x.enrolled_all AND x.ended_at IS NULL AND c.state = 'active') AS "people to enrol",
  (SELECT count(*) FROM cm.work WHERE due_at <= :now) AS "due steps"
"""
METRICS = "SELECT name, sum(value)::bigint AS n FROM cm.metric WHERE practice_id = :practice GROUP BY 1"
# A request that the snapshot does not show committed after the closing event was in effect.
LATE = """
SELECT k.contact_id, a.enrolment_id
FROM unnest(CAST(:contacts AS uuid[]), CAST(:snapshots AS text[])) AS k(contact_id, snapshot)
JOIN cm.subject s ON s.practice_id = :practice AND s.contact_id = k.contact_id
JOIN cm.audit a ON a.practice_id = :practice AND a.pseudonym = s.pseudonym AND a.tag = 'step.requested'
WHERE NOT pg_visible_in_snapshot(CAST(CAST(a.xmin AS text) AS xid8), CAST(k.snapshot AS pg_snapshot))
"""


@dataclass
class Evidence:
    """Everything the books are made of; plain values, so that a test can alter one of them."""

    asked: dict[str, Asked] = field(default_factory=dict)
    taken: Counter[str] = field(default_factory=Counter)
    consumed: Counter[str] = field(default_factory=Counter)
    dead: Counter[str] = field(default_factory=Counter)
    tags: Counter[str] = field(default_factory=Counter)
    states: Counter[str] = field(default_factory=Counter)
    dispatches: list[Any] = field(default_factory=list)
    messages: dict[str, Any] = field(default_factory=dict)
    handed: list[tuple[str, str]] = field(default_factory=list)
    lying: dict[str, int] = field(default_factory=dict)
    metrics: Counter[str] = field(default_factory=Counter)
    late: list[tuple[str, str]] = field(default_factory=list)
    violations: dict[str, int] = field(default_factory=dict)
    audit_problems: list[str] = field(default_factory=list)
    audit_rows: int = 0


async def gather(
    app: App, practice_id: UUID, database_url: str, asked: dict[str, Asked], hub_journal: Path
) -> Evidence:
    """Read all witnesses. `hub_journal` is the file of the Hub's journal adapter."""
    found = Evidence(asked=asked, handed=handed_over(hub_journal))
    engine = create_engine(owner(database_url))
    with engine.connect() as connection:
        _read(connection, found, {"practice": practice_id, "raw": RAW, "now": app.clock.now()})
        found.lying |= lying(connection, app)
    engine.dispose()
    found.lying |= await waiting(app)
    found.dead = await _dead(app)
    async with app.uow(_auditor(practice_id)) as u:
        found.violations = {violation.name: violation.count for violation in await check(u)}
    await _audit(app, practice_id, found)
    return found


def lying(connection: Connection, app: App) -> dict[str, int]:
    """Work that is due or under way; all zero when the product is at rest."""
    return dict(connection.execute(text(LYING), {"now": app.clock.now()}).mappings().one())


async def waiting(app: App) -> dict[str, int]:
    """Entries of the bus that some reader has not read or not acknowledged, by stream and group."""
    left = {}
    async for key in app.bus.redis.scan_iter(match=STREAM + "*"):
        stream = key.decode()
        try:
            groups = await app.bus.redis.xinfo_groups(stream)
        except ResponseError:  # no stream of events
            continue
        for group in groups:
            n = int(group["pending"]) + int(group["lag"] or 0)
            left[f"{stream.removeprefix(STREAM)} for {group['name'].decode()}"] = n
    return left


def handed_over(path: Path) -> list[tuple[str, str]]:
    """(dispatch, channel) of every hand-over, in order. A line cut off by a crash was not answered."""
    if not path.exists():
        return []
    lines = path.read_bytes().split(b"\n")
    entries = [orjson.loads(line) for line in lines[:-1]]
    return [(entry["dispatch_id"], entry["channel"]) for entry in entries]


def _read(connection: Connection, found: Evidence, values: dict[str, Any]) -> None:
    def counted(sql: str) -> Counter[str]:
        return Counter({str(key): n for key, n in connection.execute(text(sql), values)})

    found.taken, found.consumed = counted(TAKEN), counted(CONSUMED)
    found.tags, found.states, found.metrics = counted(TAGS), counted(STATES), counted(METRICS)
    found.dispatches = [dict(row) for row in connection.execute(text(DISPATCHES), values).mappings()]
    messages = connection.execute(text(MESSAGES), values).mappings()
    found.messages = {str(row["dispatch_id"]): dict(row) for row in messages}
    closed = [event for event in found.asked.values() if event.snapshot]
    rows = connection.execute(
        text(LATE),
        values | {"contacts": [e.contact_id for e in closed], "snapshots": [e.snapshot for e in closed]},
    )
    found.late = [(str(contact), str(enrolment)) for contact, enrolment in rows]


async def _dead(app: App) -> Counter[str]:
    """Dead letters by the id of their event, with their reason when nobody expects them."""
    letters: Counter[str] = Counter()
    for _, fields in await app.bus.redis.xrange(DEAD):
        letters[str(orjson.loads(fields[b"event"])["id"]) + " " + fields[b"reason"].decode()] += 1
    return letters


async def _audit(app: App, practice_id: UUID, found: Evidence) -> None:
    """Inside the database, and of an export with the verifier that knows no database."""
    async with app.uow(_auditor(practice_id)) as u:
        inside = await audit.verify(u)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "audit.jsonl"
        with path.open("wb") as file:
            async with app.uow(_auditor(practice_id)) as u:
                async for part in audit.export(u):
                    file.write(part)
        outside = verifier.verify_file(path)
    found.audit_rows = outside.rows
    found.audit_problems = [str(r.first_problem) for r in (inside, outside) if not r.ok]


def _auditor(practice_id: UUID) -> Actor:
    return Actor(practice_id, "cli", frozenset({"compliance", "read"}), display_name="Command line")
