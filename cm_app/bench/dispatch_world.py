"""What `cm bench dispatch` works on: a practice where something is on record behind every gate."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import create_engine, text

from services.bootstrap import App
from services.contracts.journey import ChannelContent, Entry, Exit, Journey, Message, Variant, Wait, WaitFor
from services.contracts.segment import Audience, Condition
from services.kit.db import owner
from services.kit.ids import new_id

STEP, AFTER, CHANNELS = "hello", "pause", ("email", "in_app")

PRACTICE = (
    "INSERT INTO canonical.practice (practice_id, name, timezone, postal_address)"
    " VALUES (:practice, 'Bench', 'Europe/London', '1 High Street')",
    "INSERT INTO cm.practice (practice_id, label, timezone, settings, created_at)"
    " VALUES (:practice, 'Bench', 'Europe/London', CAST(:settings AS jsonb), :now)",
    "INSERT INTO cm.campaign (practice_id, campaign_id, name, campaign_type, kind, state, active_version_id, created_by,"
    " created_at, updated_at, activated_at)"
    " VALUES (:practice, :campaign, 'Bench', 'nurture', 'one_off', 'active', :version, :practice, :now, :now, :now)",
    "INSERT INTO cm.campaign_version (practice_id, version_id, campaign_id, number, content_hash, definition, editors,"
    " created_by, created_at) VALUES (:practice, :version, :campaign, 1, '-', :definition, '{}', :practice, :now)",
)
# A quarter live in twos, one person in a hundred shares the address at home.
PEOPLE = """
WITH homes AS MATERIALIZED (SELECT n AS home, uuidv7() AS home_id FROM generate_series(0, :rows / 8) n)
INSERT INTO canonical.contact (practice_id, contact_id, kind, first_name, last_name, email, phone, app_user, household_id, registered_at)
SELECT :practice, uuidv7(), 'patient', 'Person', n::text,
  'person' || CASE WHEN n % 100 = 1 THEN n - 1 ELSE n END || '@example.com', '+4477' || lpad(n::text, 8, '0'), n % 3 = 0,
  CASE WHEN n % 8 < 2 THEN home_id END, :now FROM generate_series(1, :rows) n JOIN homes ON home = n / 8 ORDER BY n
"""
CONSENT = """
INSERT INTO canonical.consent (practice_id, contact_id, channel, purpose, state, method, effective_at)
SELECT practice_id, contact_id, channel, 'marketing', CASE WHEN last_name::int % 100 = 7 THEN 'revoked' ELSE 'granted' END, 'form', :now
FROM canonical.contact CROSS JOIN (VALUES ('email'), ('in_app')) c(channel) WHERE practice_id = :practice
"""
SUPPRESSED = """
INSERT INTO cm.suppression (practice_id, suppression_id, contact_id, reason, scope, channel, applied_by, applied_at)
SELECT practice_id, uuidv7(), contact_id, 'STOP', 'channel', 'sms', 'bench', :now FROM canonical.contact
WHERE practice_id = :practice AND last_name::int % 20 = 0
"""
ENQUIRIES = """
INSERT INTO canonical.opportunity (practice_id, opportunity_id, contact_id, stack, stage, outcome, opened_at)
SELECT practice_id, uuidv7(), contact_id, CASE WHEN last_name::int % 500 = 3 THEN 'emergency' ELSE 'standard' END, 'new', 'open', :now
FROM canonical.contact WHERE practice_id = :practice AND last_name::int % 10 = 3
"""
BLOCKED = """
INSERT INTO cm.blocked_destination (practice_id, kind, hash, reason, added_by, added_at)
SELECT :practice, kind, sha256(convert_to(kind || n, 'UTF8')), 'asked', 'bench', :now
FROM generate_series(1, 1000) n CROSS JOIN (VALUES ('address'), ('domain'), ('identity')) k(kind)
"""
EARLIER = """
WITH e AS (
  INSERT INTO cm.enrolment (practice_id, enrolment_id, campaign_id, version_id, contact_id, pseudonym, state, step_id, move_no,
    enrolled_at, moved_at, ended_at, exit_reason)
  SELECT :practice, uuidv7(), :earlier, :earlier, contact_id, uuidv7(), 'completed', 'hello', 1, :now, :now, :now, 'END_OF_JOURNEY'
  FROM canonical.contact WHERE practice_id = :practice AND last_name::int % 10 = 5 RETURNING enrolment_id, contact_id
)
INSERT INTO cm.dispatch (practice_id, dispatch_id, enrolled_at, enrolment_id, move_no, campaign_id, version_id, step_id, contact_id,
  channels, topic, variant, content_ref, requested_at, status, status_at)
SELECT :practice, uuidv7(), :now, enrolment_id, 0, :earlier, :earlier, 'hello', contact_id, '{email}', 'marketing', 'a', 'r',
  CAST(:now AS timestamptz) - interval '5 days', 'sent', :now
FROM e
"""
ENROLLED = """
WITH s AS (
  INSERT INTO cm.subject (practice_id, contact_id, pseudonym, first_seen_at, lane)
  SELECT practice_id, contact_id, uuidv7(), :now, cm.lane(coalesce(household_id, contact_id))
  FROM canonical.contact WHERE practice_id = :practice RETURNING *
), e AS (
  INSERT INTO cm.enrolment (practice_id, enrolment_id, campaign_id, version_id, contact_id, pseudonym, state, enrolled_at, moved_at)
  SELECT :practice, uuidv7(), :campaign, :version, contact_id, pseudonym, 'live', :now, :now FROM s RETURNING *
)
INSERT INTO cm.work (practice_id, enrolment_id, version_id, step_id, due_at, contact_id, move_no, enrolled_at, pseudonym, lane)
SELECT :practice, e.enrolment_id, :version, 'hello', :now, contact_id, 0, :now, pseudonym, s.lane FROM e JOIN s USING (contact_id, pseudonym)
"""


@dataclass(frozen=True)
class Ground:
    """A practice with `rows` people due at `STEP` of one version."""

    practice: UUID
    campaign: UUID
    version: UUID


def prepare(app: App, database_url: str, rows: int, *, forever: bool) -> Ground:
    """Fill an empty database. `forever`: the step leads to itself and caps are out of reach, so that
    everybody is due again at once; the caps are asked and counted all the same."""
    ground = Ground(new_id(), new_id(), new_id())
    journey = _journey(STEP if forever else AFTER)
    bind: dict[str, Any] = {
        "practice": ground.practice,
        "campaign": ground.campaign,
        "version": ground.version,
        "earlier": new_id(),
        "rows": rows,
        "now": app.clock.now() - timedelta(seconds=1),
        "definition": app.keyring.seal(
            journey.model_dump_json().encode(), place=f"campaign.version:{ground.version}"
        ),
        "settings": orjson.dumps(_settings(forever)).decode(),
    }
    engine = create_engine(owner(database_url))
    with engine.begin() as c:
        for sql in (*PRACTICE, PEOPLE, CONSENT, SUPPRESSED, ENQUIRIES, BLOCKED, EARLIER, ENROLLED):
            c.execute(text(sql), bind)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as c:
        c.exec_driver_sql("VACUUM ANALYZE")
        c.exec_driver_sql("CHECKPOINT")
    engine.dispose()
    return ground


def _settings(forever: bool) -> dict[str, Any]:
    caps: dict[str, Any] = {"max_touches": 3, "per_days": 7, "min_gap_hours": 24, "exclusive": False}
    if forever:
        caps |= {"max_touches": 1000, "min_gap_hours": 0}
    return {"caps": caps, "global_holdout_percent": 0.5}


def _journey(after: str) -> Journey:
    content = {c: ChannelContent(subject="Hello", body="Hello") for c in CHANNELS}
    return Journey(
        audience=Audience(include=[Condition(field="contact.kind", op="is", value="patient")]),
        steps=[
            Entry(id="entry", next=STEP),
            Message(id=STEP, channels=list(CHANNELS), variants=[Variant(content=content)], next=after),
            Wait(id=AFTER, until=WaitFor(minutes=1440), next="end"),
            Exit(id="end"),
        ],
    )
