"""The two limits that `cm bench dispatch` compares the engine with, measured in the same run.

`HAND` is the same work as one SQL statement, the way somebody who knows PostgreSQL would write it for
this campaign: claim, the same facts looked up person by person, the same verdicts, dispatch, outbox,
refusal, audit with its hashes and the batch's digest, metrics, the move. It knows the campaign's numbers as literals, has one transaction
and one round trip a batch, and none of the engine's second looks: it would lose the race of
docs/decisions/0001, and that of two campaigns for the same person.

`raw` copies the rows that the engine wrote into empty tables of the same shape and indexes.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Any

import orjson
import psycopg
from sqlalchemy import create_engine, text

from cm_app.bench.dispatch_world import AFTER, Ground
from services.bootstrap import App
from services.gates.lists import platform_key, practice_key
from services.kit.actor import system
from services.kit.db import owner, role_url
from services.kit.ids import new_id

BATCH = 5_000
COPIED = ("dispatch", "outbox", "audit")

HAND = """
WITH due AS (
  SELECT w.ctid AS place, w.* FROM cm.work w WHERE w.practice_id = %(practice)s AND w.version_id = %(version)s
    AND w.step_id = 'hello' AND w.due_at <= %(now)s ORDER BY w.lane, w.due_at LIMIT 5000 FOR UPDATE SKIP LOCKED
), facts AS (
  SELECT d.*, c.email, c.app_user, agreed.by_email, agreed.by_app, c.do_not_contact,
    c.contact_id IS NULL OR c.deceased OR c.merged_into IS NOT NULL AS gone,
    s.whole, s.shut, t.touches, t.last_touch,
    o.urgent,
    EXISTS (SELECT 1 FROM cm.blocked_destination b WHERE b.practice_id = %(practice)s
      AND b.hash = sha256(%(key)s || convert_to('identity:' || nullif(c.identity_hash, ''), 'UTF8'))) AS blocked,
    EXISTS (SELECT 1 FROM cm.blocked_destination b WHERE b.practice_id = %(practice)s
      AND b.hash = sha256(%(key)s || convert_to('address:' || lower(btrim(c.email)), 'UTF8')))
    OR EXISTS (SELECT 1 FROM cm.blocked_destination b WHERE b.practice_id = %(practice)s
      AND b.hash = sha256(%(key)s || convert_to('domain:' || split_part(lower(btrim(c.email)), '@', 2), 'UTF8')))
    OR CASE WHEN (SELECT EXISTS (SELECT 1 FROM cm.platform_block)) THEN EXISTS (SELECT 1 FROM cm.platform_block b WHERE b.hash IN (
      sha256(%(platform)s || convert_to('identity:' || nullif(c.identity_hash, ''), 'UTF8')),
      sha256(%(platform)s || convert_to('address:' || lower(btrim(c.email)), 'UTF8')),
      sha256(%(platform)s || convert_to('domain:' || split_part(lower(btrim(c.email)), '@', 2), 'UTF8')))) ELSE false END AS barred,
    cm.bucket(%(salt)s, d.contact_id) < 50 AS held_out,
    c.household_id, c.household_id IS NOT NULL
      AND EXISTS (SELECT 1 FROM canonical.contact m
          JOIN cm.enrolment e ON e.practice_id = %(practice)s AND e.contact_id = m.contact_id AND e.campaign_id = %(campaign)s
          CROSS JOIN LATERAL (SELECT 1 FROM cm.dispatch x WHERE x.practice_id = %(practice)s AND x.enrolled_at = e.enrolled_at
            AND x.enrolment_id = e.enrolment_id AND x.version_id = %(version)s AND x.step_id = 'hello'
            AND x.status NOT IN ('cancelled', 'failed', 'bounced') LIMIT 1) x
        WHERE m.practice_id = %(practice)s AND m.household_id = c.household_id AND m.contact_id <> c.contact_id
          AND (lower(m.email) = lower(c.email) OR m.phone = c.phone)) AS twice
  FROM due d
  LEFT JOIN LATERAL (SELECT r.* FROM canonical.contact r WHERE r.practice_id = %(practice)s AND r.contact_id = d.contact_id OFFSET 0) c ON true
  LEFT JOIN LATERAL (
    SELECT max(k.state) FILTER (WHERE k.channel = 'email') AS by_email, max(k.state) FILTER (WHERE k.channel = 'in_app') AS by_app
    FROM canonical.consent k WHERE k.practice_id = %(practice)s AND k.contact_id = d.contact_id AND k.purpose = 'marketing') agreed ON true
  LEFT JOIN LATERAL (
    SELECT min(s.reason) FILTER (WHERE s.scope = 'all' OR s.scope = 'types' AND 'nurture' = ANY (s.campaign_types)
        OR s.scope = 'campaign' AND s.campaign_id = %(campaign)s OR s.scope = 'goal' AND s.goal = 'booking') AS whole,
      array_agg(coalesce(s.channel, 'topic')) FILTER (WHERE s.scope = 'channel' OR s.scope = 'topic' AND s.topic = 'marketing') AS shut
    FROM cm.suppression s WHERE s.practice_id = %(practice)s AND s.contact_id = d.contact_id AND s.lifted_at IS NULL
      AND (s.expires_at IS NULL OR s.expires_at > %(now)s)) s ON true
  LEFT JOIN LATERAL (
    SELECT count(*) AS touches, max(x.requested_at) AS last_touch
    FROM (SELECT e.enrolled_at, e.enrolment_id FROM cm.enrolment e WHERE e.practice_id = %(practice)s AND e.contact_id = d.contact_id
          AND (e.ended_at IS NULL OR e.ended_at > CAST(%(now)s AS timestamptz) - interval '8 days')
        UNION ALL SELECT y.created_at, y.followup_id FROM cm.followup y WHERE y.practice_id = %(practice)s
          AND y.contact_id = d.contact_id AND y.state = 'sent' AND y.ended_at > CAST(%(now)s AS timestamptz) - interval '8 days') k
    CROSS JOIN LATERAL (SELECT r.* FROM cm.dispatch r WHERE r.practice_id = %(practice)s AND r.enrolled_at = k.enrolled_at
      AND r.enrolment_id = k.enrolment_id AND r.requested_at > CAST(%(now)s AS timestamptz) - interval '7 days' OFFSET 0) x
    WHERE x.status NOT IN ('cancelled', 'failed', 'bounced')) t ON true
  LEFT JOIN LATERAL (
    SELECT count(*) > 0 AS urgent FROM canonical.opportunity o WHERE o.practice_id = %(practice)s AND o.contact_id = d.contact_id
      AND o.outcome = 'open' AND lower(o.stack) IN ('emergency', 'emergency_stack', 'urgent', 'urgent_care', 'trauma', 'out_of_hours')) o ON true
), judged AS MATERIALIZED (
  SELECT f.*, row_number() OVER () AS seq,
    coalesce(f.email, '') <> '' AND f.by_email = 'granted' AND NOT f.barred AND NOT coalesce(f.shut && '{email,topic}', false) AS mail,
    f.app_user AND f.by_app = 'granted' AND NOT coalesce(f.shut && '{in_app,topic}', false) AS app,
    CASE WHEN gone THEN 'CONTACT_GONE' WHEN do_not_contact THEN 'DO_NOT_CONTACT' WHEN blocked THEN 'GLOBAL_LIST'
      WHEN urgent THEN 'EMERGENCY_STACK_EXCLUSION' WHEN whole IS NOT NULL THEN whole WHEN held_out THEN 'GLOBAL_HOLDOUT'
      WHEN twice THEN 'DUPLICATE_DESTINATION' WHEN touches >= %(most)s THEN 'FREQUENCY_CAP'
      WHEN last_touch > CAST(%(now)s AS timestamptz) - interval '24 hours' THEN 'MINIMUM_GAP' END AS person
  FROM facts f
), n AS MATERIALIZED (
  SELECT j.*, cm.nth_id((SELECT uuidv7()), j.seq) AS dispatch_id, cm.nth_id((SELECT uuidv7()), j.seq) AS audit_id,
    coalesce(person, CASE WHEN NOT mail AND NOT app THEN 'NO_CONSENT'
      WHEN household_id IS NOT NULL AND row_number() OVER (PARTITION BY household_id, lower(email), person IS NULL AND (mail OR app)
        ORDER BY contact_id) > 1 THEN 'DUPLICATE_DESTINATION' END) AS reason,
    coalesce(person, '') IN ('CONTACT_GONE', 'DO_NOT_CONTACT', 'GLOBAL_LIST', 'EMERGENCY_STACK_EXCLUSION') OR whole IS NOT NULL AS leaves,
    CASE WHEN mail AND app THEN '{email,in_app}' WHEN mail THEN '{email}' ELSE '{in_app}' END::text[] AS channels,
    '{"step":"hello","consent":{"email":"' || CASE WHEN mail THEN 'ok' ELSE 'NO_CONSENT' END || '","in_app":"'
      || CASE WHEN app THEN 'ok' ELSE 'NO_CONSENT' END || '"}}' AS detail
  FROM judged j
), leaves AS MATERIALIZED (
  SELECT n.*, CASE WHEN reason IS NULL THEN 'step.requested' ELSE 'step.refused' END AS tag,
    cm.audit_leaf((SELECT cm.audit_head(%(practice)s, %(now)s)), audit_id, CASE WHEN reason IS NULL THEN 'step.requested' ELSE 'step.refused' END, 'engine',
      %(campaign)s, enrolment_id, pseudonym, coalesce(reason, ''), detail) AS leaf FROM n
), dispatched AS (
  INSERT INTO cm.dispatch (practice_id, dispatch_id, enrolled_at, enrolment_id, move_no, campaign_id, version_id, step_id, contact_id,
    channels, topic, variant, content_ref, requested_at, status_at)
  SELECT practice_id, dispatch_id, enrolled_at, enrolment_id, move_no, %(campaign)s, version_id, step_id, contact_id, channels, 'marketing',
    'a', %(ref)s, %(now)s, %(now)s FROM n WHERE reason IS NULL
), outgoing AS (
  INSERT INTO cm.outbox (practice_id, outbox_id, type, contact_id, dispatch_id, occurred_at, data)
  SELECT practice_id, dispatch_id, 'campaign.step.requested', contact_id, dispatch_id, %(now)s,
    CAST('{' || %(request)s || ',"dispatch_id":"' || dispatch_id || '","idempotency_key":"' || enrolment_id || '/' || move_no
      || '","enrolment_id":"' || enrolment_id || '","contact_id":"' || contact_id || '","channels":' || array_to_json(channels)
      || ',"variant":"a","content_ref":"' || %(ref)s || '"}' AS json) FROM n WHERE reason IS NULL
), refused AS (
  INSERT INTO cm.refusal (practice_id, refusal_id, at, contact_id, campaign_id, version_id, step_id, enrolment_id, move_no, reason, inputs)
  SELECT practice_id, uuidv7(), %(now)s, contact_id, %(campaign)s, version_id, step_id, enrolment_id, move_no, reason, CAST(detail AS jsonb)
  FROM n WHERE reason IS NOT NULL
), audited AS (
  INSERT INTO cm.audit (practice_id, at, audit_id, batch_id, seq, tag, actor, campaign_id, enrolment_id, pseudonym, reason, detail, leaf)
  SELECT practice_id, %(now)s, audit_id, %(batch)s, seq, tag, 'engine', %(campaign)s, enrolment_id, pseudonym, coalesce(reason, ''), detail, leaf
  FROM leaves
), batch AS (
  INSERT INTO cm.audit_batch (practice_id, batch_id, at, rows, digest)
  SELECT %(practice)s, %(batch)s, %(now)s, count(*), sha256(string_agg(leaf, ''::bytea ORDER BY seq)) FROM leaves HAVING count(*) > 0
), ended AS (
  UPDATE cm.enrolment e SET state = 'exited', exit_reason = n.reason, step_id = n.step_id, move_no = n.move_no + 1, ended_at = %(now)s, moved_at = %(now)s
  FROM n WHERE e.practice_id = %(practice)s AND e.enrolment_id = n.enrolment_id AND n.leaves
), moved AS (
  UPDATE cm.work w SET step_id = %(after)s, due_at = CAST(%(now)s AS timestamptz) + %(wait)s, move_no = n.move_no + 1
  FROM n WHERE w.ctid = n.place AND NOT n.leaves
), gone AS (
  DELETE FROM cm.work w USING n WHERE w.ctid = n.place AND n.leaves
), counted AS (
  INSERT INTO cm.metric (practice_id, campaign_id, version_id, step_id, day, name, value)
  SELECT %(practice)s, %(campaign)s, %(version)s, 'hello', CAST(%(now)s AS date), x.name, x.value
  FROM (SELECT count(*) AS all_of_them, count(*) FILTER (WHERE reason IS NULL) AS requested FROM n) k
  CROSS JOIN LATERAL (VALUES ('entered', all_of_them), ('refused', all_of_them - requested), ('requested', requested)) x(name, value)
  WHERE x.value > 0 ORDER BY x.name
  ON CONFLICT (practice_id, campaign_id, version_id, step_id, variant, channel, day, name) DO UPDATE SET value = cm.metric.value + excluded.value
)
SELECT count(*), count(*) FILTER (WHERE reason IS NULL) FROM n
"""


class HandWritten:
    """Workers that run `HAND`, with their connections open for the whole benchmark."""

    def __init__(self, app: App, ground: Ground, connections: list[psycopg.AsyncConnection[Any]]) -> None:
        self._app, self._ground, self._connections = app, ground, connections
        self.moved = self.requested = 0
        self.seconds = 0.0

    @staticmethod
    @asynccontextmanager
    async def open(app: App, database_url: str, ground: Ground, workers: int) -> AsyncIterator["HandWritten"]:
        url = role_url(database_url, "cm_app", app.keyring).set(drivername="postgresql")
        info = url.render_as_string(hide_password=False)
        async with AsyncExitStack() as stack:
            connections = [
                await stack.enter_async_context(await psycopg.AsyncConnection.connect(info))
                for _ in range(workers)
            ]
            yield HandWritten(app, ground, connections)

    async def until(self, rows: int, advance: Callable[[int], object]) -> None:
        """Move people until `rows` are moved in all, or nobody is due."""
        bind, begun = await self._bind(), time.perf_counter()

        async def work(connection: psycopg.AsyncConnection[Any]) -> None:
            while self.moved < rows:
                moved, requested = await _one(connection, bind, self._app.clock.now())
                if not moved:
                    return
                self.moved += moved
                self.requested += requested
                advance(moved)

        await asyncio.gather(*(work(connection) for connection in self._connections))
        self.seconds += time.perf_counter() - begun

    async def _bind(self) -> dict[str, Any]:
        ground = self._ground
        request, ref = await _constant(self._app, ground)
        async with self._app.uow(system(ground.practice, "bench")) as u:
            key, platform = practice_key(u), platform_key(u)
        return {
            "practice": ground.practice, "campaign": ground.campaign, "version": ground.version,
            "salt": "bench/global/", "key": key, "platform": platform, "most": 3,
            "after": AFTER, "wait": timedelta(days=1), "request": request, "ref": ref,
        }  # fmt: skip


async def _one(connection: psycopg.AsyncConnection[Any], bind: dict[str, Any], now: Any) -> tuple[int, int]:
    async with connection.transaction():
        # Whoever writes it by hand knows his planner, too: without this it reads whole tables.
        await connection.execute(
            "SELECT set_config('cm.practice_id', %s, true), set_config('enable_seqscan', 'off', true),"
            " set_config('enable_memoize', 'off', true)",
            (str(bind["practice"]),),
        )
        found = await connection.execute(HAND, {**bind, "now": now, "batch": new_id()}, prepare=True)
        moved, requested = await found.fetchone() or (0, 0)
        return moved, requested


async def _constant(app: App, ground: Ground) -> tuple[str, str]:
    """What every request has in common, taken from one that the engine wrote, and the content's name."""
    async with app.uow(system(ground.practice, "bench")) as u:
        row = (await u.execute("SELECT data, data ->> 'content_ref' AS ref FROM cm.outbox LIMIT 1")).one()
    own = (
        "dispatch_id",
        "idempotency_key",
        "enrolment_id",
        "contact_id",
        "channels",
        "variant",
        "content_ref",
    )
    same = {key: value for key, value in row.data.items() if key not in own}
    return orjson.dumps(same).decode()[1:-1], row.ref


def raw(database_url: str, rows: int, workers: int) -> tuple[int, float]:
    """(rows, seconds) to copy up to `rows` of what the engine wrote into each of `COPIED`, in its
    batches, by so many connections."""
    engine = create_engine(owner(database_url), isolation_level="AUTOCOMMIT", pool_size=workers)
    with engine.connect() as c:
        columns = {name: _columns(c, name) for name in COPIED}
        for name in COPIED:
            c.exec_driver_sql(f"CREATE TABLE raw_{name} (LIKE cm.{name} INCLUDING ALL)")
            c.exec_driver_sql(
                f"CREATE TABLE src_{name} AS SELECT *, row_number() OVER () AS nth FROM (SELECT * FROM cm.{name} LIMIT {rows}) s"
            )
            c.exec_driver_sql(f"CREATE INDEX ON src_{name} (nth)")
        rows = min(c.exec_driver_sql(f"SELECT count(*) FROM src_{name}").scalar_one() for name in COPIED)
        c.exec_driver_sql("CHECKPOINT")

    def copy(first: int) -> None:
        with engine.connect() as c:
            for low in range(first * BATCH, rows, BATCH * workers):
                for name in COPIED:
                    c.exec_driver_sql(
                        f"INSERT INTO raw_{name} ({columns[name]}) SELECT {columns[name]} FROM src_{name}"
                        f" WHERE nth > {low} AND nth <= {low + BATCH}"
                    )

    begun = time.perf_counter()
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(copy, range(workers)))
    seconds = time.perf_counter() - begun
    engine.dispose()
    return rows, seconds


def _columns(connection: Any, table: str) -> str:
    found = connection.execute(
        text(
            "SELECT string_agg(column_name, ', ' ORDER BY ordinal_position) FROM information_schema.columns"
            " WHERE table_schema = 'cm' AND table_name = :name"
        ),
        {"name": table},
    )
    return str(found.scalar_one())
