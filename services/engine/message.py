"""The message step: ask the gates, request what is cleared, record what is refused, move on.

One statement for a whole batch: dispatches, outbox, refusals, audit and moves commit together.
The audit's leaf hashes are computed in SQL beside the rows they seal (facts: hashing is cheap,
a round trip a row is not).
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import orjson

from services.audit.append import next_seq, open_batch
from services.contracts.events import ContactCaps
from services.contracts.journey import Message
from services.engine.binding import Binding
from services.engine.claim import DueStep
from services.engine.plan import Plan
from services.gates.contracts import Policy
from services.gates.statement import verdicts
from services.kit.errors import AppError
from services.kit.uow import Unit
from services.suppression.service import segmented


class LostPlace(AppError):
    code = "lost_place"
    status = 500


@dataclass(frozen=True, slots=True)
class Sent:
    """What one batch did: people by outcome."""

    requested: int = 0
    refused: int = 0
    held: int = 0
    exited: int = 0


# The id is set to what it is: an index whose columns an update does not name is taken for one that could do with
# a clean-up, and each page that fills up would be searched for rows nobody sees any more. Beside a long reader
# there are none, and old pages are read for nothing (docs/decisions/0024). Vacuum removes them as well.
MOVED = """step_id = n.next_step, due_at = n.next_due, move_no = n.move_no + 1, signal = NULL,
    enrolment_id = n.enrolment_id"""
STATEMENT = """
WITH cand AS (
  SELECT k.place, k.contact_id, k.enrolment_id, k.move_no, k.enrolled_at, k.pseudonym, k.lane, k.trace FROM pg_temp.claim k
),
{verdicts},
-- One id a person: of the request or refusal and of its line in the audit.
n AS MATERIALIZED (
  SELECT m.*, {next_step} AS next_step, {next_due} AS next_due, cm.nth_id((SELECT uuidv7()), m.seq) AS id
  FROM (SELECT v.place, v.contact_id, v.enrolment_id, v.move_no, v.enrolled_at, v.pseudonym, v.zone, v.channels, v.trace,
      v.channel_verdicts, v.reason, CASE WHEN v.reason IS NULL THEN 'next' ELSE v.effect END AS effect,
      'next' AS port, row_number() OVER () + :first_seq AS seq, {variant} AS variant
    FROM verdict v WHERE v.lane = cm.lane(coalesce(v.household_id, v.contact_id))) m
),
dispatched AS (
  INSERT INTO cm.dispatch (practice_id, dispatch_id, enrolled_at, enrolment_id, move_no, campaign_id, version_id,
    step_id, contact_id, channels, topic, variant, content_ref, requested_at, status_at)
  SELECT :practice, id, enrolled_at, enrolment_id, move_no, :campaign, :version, :step, contact_id,
    channels, :topic, variant, {content_ref}, :now, :now
  FROM n WHERE reason IS NULL
),
outgoing AS (
  INSERT INTO cm.outbox (practice_id, outbox_id, type, contact_id, dispatch_id, occurred_at, traceparent, data)
  SELECT :practice, id, 'campaign.step.requested', contact_id, id, :now, trace,
    CAST(concat('{{', CAST(:request AS text), ',"dispatch_id":"', id, '","idempotency_key":"', enrolment_id, '/', move_no,
      '","enrolment_id":"', enrolment_id, '","contact_id":"', contact_id, '","channels":', array_to_json(channels),
      ',"variant":"', variant, '","content_ref":"', {content_ref}, '"}}') AS json)
  FROM n WHERE reason IS NULL
),
refusals AS (
  INSERT INTO cm.refusal (practice_id, refusal_id, at, contact_id, campaign_id, version_id, step_id, enrolment_id, move_no, reason, inputs)
  SELECT :practice, id, :now, contact_id, :campaign, :version, :step, enrolment_id, move_no, reason,
    jsonb_build_object('channels', CAST(channel_verdicts AS jsonb), 'effect', effect)
  FROM n WHERE reason IS NOT NULL
),
audited AS (
  INSERT INTO cm.audit (practice_id, at, audit_id, batch_id, seq, tag, actor, campaign_id, enrolment_id, pseudonym, reason, detail, leaf)
  SELECT :practice, :now, audit_id, :batch, seq, tag, 'engine', :campaign, enrolment_id, pseudonym, reason, detail,
    cm.audit_leaf((SELECT cm.audit_head(:practice, :now)), audit_id, tag, 'engine', :campaign, enrolment_id, pseudonym, reason, detail)
  FROM (SELECT id AS audit_id, seq, enrolment_id, pseudonym, coalesce(reason, '') AS reason,
          CASE WHEN reason IS NULL THEN 'step.requested' ELSE 'step.refused' END AS tag,
          '{{"step":"' || CAST(:step AS text) || '","consent":' || channel_verdicts || '}}' AS detail
        FROM n) a
),
stopped AS (
  UPDATE cm.enrolment e SET
    state = CASE n.effect WHEN 'hold' THEN 'held' WHEN 'exit' THEN 'exited' ELSE 'completed' END,
    step_id = :step, move_no = n.move_no + 1, moved_at = :now,
    held_reason = CASE WHEN n.effect = 'hold' THEN n.reason END,
    held_due_at = CASE WHEN n.effect = 'hold' THEN CAST(:now AS timestamptz) END,
    ended_at = CASE WHEN n.effect <> 'hold' THEN CAST(:now AS timestamptz) END,
    exit_reason = CASE n.effect WHEN 'hold' THEN NULL WHEN 'exit' THEN n.reason ELSE 'END_OF_JOURNEY' END
  FROM n WHERE e.practice_id = :practice AND e.enrolment_id = n.enrolment_id
    AND (n.effect IN ('hold', 'exit') OR n.next_step IS NULL)
),
kept AS (
  UPDATE cm.work w SET {moved}
  FROM n WHERE w.ctid = n.place AND w.practice_id = :practice AND w.enrolment_id = n.enrolment_id
    AND n.effect IN ('next', 'skip') AND n.next_step IS NOT NULL
  RETURNING 1
),
gone AS (
  DELETE FROM cm.work w USING n
  WHERE w.ctid = n.place AND w.practice_id = :practice AND w.enrolment_id = n.enrolment_id
    AND (n.effect IN ('hold', 'exit') OR n.next_step IS NULL)
  RETURNING 1
){care_plans}
SELECT effect, reason IS NULL AS cleared, variant, count(*) AS people,
  count(*) FILTER (WHERE effect IN ('next', 'skip') AND next_step IS NULL) AS finished,
  (SELECT count(*) FROM kept) + (SELECT count(*) FROM gone) AS moved
FROM n GROUP BY 1, 2, 3 ORDER BY 3, 2, 1
"""

DECIDED = (
    "place", "contact_id", "enrolment_id", "move_no", "enrolled_at", "pseudonym", "zone", "lane", "trace", "household_id",
    "channels", "channel_verdicts",
)  # fmt: skip
LEAVING = "n x WHERE x.effect = 'exit' OR x.effect <> 'hold' AND x.next_step IS NULL"

METRIC = """
INSERT INTO cm.metric (practice_id, campaign_id, version_id, step_id, variant, day, name, value)
SELECT :practice, :campaign, :version, :step, m.variant, :day, m.name, m.value
FROM unnest(CAST(:names AS text[]), CAST(:variants AS text[]), CAST(:values AS bigint[])) AS m(name, variant, value)
ORDER BY m.name, m.variant
ON CONFLICT (practice_id, campaign_id, version_id, step_id, variant, channel, day, name)
DO UPDATE SET value = cm.metric.value + excluded.value
"""


async def send(
    u: Unit, due: DueStep, plan: Plan, step: Message, policy: Policy, refs: dict[str, str], size: int
) -> Sent:
    """Dispatch one claimed batch. `refs` maps variant key to the content it says."""
    binding = Binding()
    next_step, next_due = plan.move(step, binding)
    sql = STATEMENT.format(
        verdicts=verdicts(policy.channels, each=True, only=DECIDED),
        variant=_variant(step, binding),
        content_ref=_content(refs, binding),
        next_step=next_step,
        next_due=next_due,
        moved=MOVED,
        care_plans=segmented(plan.journey.campaign_type, LEAVING, enrolled=False),
    )
    declared = ContactCaps(
        **policy.caps.model_dump(exclude={"exclusive"}),
        quiet_start=policy.quiet_start,
        quiet_end=policy.quiet_end,
    )
    rows = (
        await u.execute(
            sql,
            **policy.params(),
            **binding.values,
            batch=open_batch(u),
            first_seq=next_seq(u, size + 1),
            request=_constant(u, due, policy, declared),
        )
    ).all()
    sent = Sent(
        requested=sum(r.people for r in rows if r.cleared),
        refused=sum(r.people for r in rows if not r.cleared),
        held=sum(r.people for r in rows if r.effect == "hold"),
        exited=sum(r.people for r in rows if r.effect == "exit"),
    )
    all_moved(sent.requested + sent.refused, rows)
    numbers = Counter({("entered", ""): sent.requested + sent.refused})
    for row in rows:
        numbers["requested" if row.cleared else "refused", row.variant] += row.people
        numbers["completed", ""] += row.finished
        if row.effect in ("next", "skip"):
            numbers["port:next", ""] += row.people
    await count(u, due, numbers)
    return sent


async def count(u: Unit, due: DueStep, numbers: Counter[tuple[str, str]]) -> None:
    """Add to a step's numbers of the day (UTC), by (name, variant). The order of the rows is the
    same for everybody who adds, so nobody waits in a circle."""
    counted = [(name, variant, value) for (name, variant), value in numbers.items() if value]
    if counted:
        names, variants, values = zip(*counted, strict=True)
        await u.execute(
            METRIC, practice=u.practice_id, campaign=due.campaign_id, version=due.version_id, step=due.step_id,
            day=u.now.date(), names=list(names), variants=list(variants), values=list(values),
        )  # fmt: skip


def all_moved(people: int, rows: Sequence[Any]) -> None:
    """Raises LostPlace unless everybody decided about was moved: rows are found again by where they
    were locked, and a decision without its move would be repeated."""
    moved = rows[0].moved if rows else 0
    if moved != people:
        raise LostPlace(f"{people} people were decided about, {moved} moved. Nothing was kept.")


def _constant(u: Unit, due: DueStep, policy: Policy, declared: ContactCaps) -> str:
    """What is the same in every request of a batch, as the inside of a JSON object."""
    body = {
        "practice_id": u.practice_id,
        "campaign_id": due.campaign_id,
        "version_id": due.version_id,
        "step_id": due.step_id,
        "topic": policy.topic,
        "purpose": policy.purpose,
        "caps": declared.model_dump(mode="json"),
    }
    return orjson.dumps(body).decode()[1:-1]


def _variant(step: Message, binding: Binding) -> str:
    """Sticky choice of a variant: shares of a keyed bucket of the contact (D24)."""
    if len(step.variants) == 1:
        return f"CAST({binding.add(step.variants[0].key)} AS text)"
    salt = binding.add(f"variant/{step.id}/")
    edge, cases = 0.0, []
    for variant in step.variants[:-1]:
        edge += variant.percent * 100
        cases.append(
            f"WHEN cm.bucket({salt}, v.contact_id) < {binding.add(round(edge))} THEN {binding.add(variant.key)}"
        )
    return f"CASE {' '.join(cases)} ELSE CAST({binding.add(step.variants[-1].key)} AS text) END"


def _content(refs: dict[str, str], binding: Binding) -> str:
    cases = " ".join(f"WHEN {binding.add(key)} THEN {binding.add(ref)}" for key, ref in refs.items())
    return f"CAST(CASE variant {cases} END AS text)"
