"""Carrying out what was decided for people inside when a change was published (D8).

A batch of one group at a time, each in its own short transaction: a crash loses nothing, because what
is left to do is the people who still stand there. Work is locked first and never waited for, then
enrolments; moves count on, so no request of the old step can be repeated under the same key (ENG-2).
"""

from datetime import timedelta
from typing import Any

from services.audit.append import next_seq, open_batch, record
from services.audit.tags import AuditTag
from services.contracts.journey import Message, Step, Wait, WaitEvent, WaitFor
from services.engine.binding import Binding
from services.engine.claim import BATCH
from services.engine.leaving import leaving
from services.engine.plan import due_sql
from services.engine.plans import plan_of
from services.kit.uow import Unit

NEXT_GROUP = """
SELECT from_version, step_id, campaign_id, choice, to_version, to_step, people FROM cm.version_move
WHERE practice_id = :practice ORDER BY asked_at, from_version, step_id LIMIT 1 FOR UPDATE SKIP LOCKED
"""
LOCK_LIVE = f"""
SELECT w.enrolment_id FROM cm.work w
WHERE w.practice_id = :practice AND w.version_id = :version AND w.step_id = :step
LIMIT {BATCH} FOR UPDATE SKIP LOCKED
"""
LOCK_HELD = f"""
SELECT e.enrolment_id FROM cm.enrolment e
WHERE e.practice_id = :practice AND e.campaign_id = :campaign AND e.state = 'held'
  AND e.version_id = :version AND e.step_id = :step
LIMIT {BATCH} FOR UPDATE SKIP LOCKED
"""
ANYBODY = """
SELECT EXISTS (SELECT 1 FROM cm.work w WHERE w.practice_id = :practice AND w.version_id = :version AND w.step_id = :step)
  OR EXISTS (SELECT 1 FROM cm.enrolment e WHERE e.practice_id = :practice AND e.campaign_id = :campaign
    AND e.state = 'held' AND e.version_id = :version AND e.step_id = :step)
"""
PROGRESS = """
UPDATE cm.version_move SET people = people + :people
WHERE practice_id = :practice AND from_version = :version AND step_id = :step
"""
DONE = """
DELETE FROM cm.version_move WHERE practice_id = :practice AND from_version = :version AND step_id = :step
"""
# `due` and `signal` are of the live and of the held alike.
MOVE = """
WITH m AS (
  SELECT w.enrolment_id, w.contact_id, w.move_no, w.pseudonym, w.due_at AS due, w.signal, false AS held,
    coalesce(c.timezone, 'Europe/London') AS zone
  FROM cm.work w LEFT JOIN canonical.contact c ON c.practice_id = :practice AND c.contact_id = w.contact_id
  WHERE w.practice_id = :practice AND w.enrolment_id = ANY (:live)
  UNION ALL
  SELECT e.enrolment_id, e.contact_id, e.move_no, e.pseudonym, e.held_due_at, e.held_signal, true,
    coalesce(c.timezone, 'Europe/London')
  FROM cm.enrolment e LEFT JOIN canonical.contact c ON c.practice_id = :practice AND c.contact_id = e.contact_id
  WHERE e.practice_id = :practice AND e.enrolment_id = ANY (:held)
),
n AS MATERIALIZED (
  SELECT m.*, {due} AS next_due, {signal} AS next_signal, row_number() OVER () + :first_seq AS seq, uuidv7() AS audit_id FROM m
),
moved AS (
  UPDATE cm.work w SET version_id = :to_version, step_id = :to_step, due_at = n.next_due, move_no = n.move_no + 1,
    signal = n.next_signal
  FROM n WHERE w.practice_id = :practice AND w.enrolment_id = n.enrolment_id AND NOT n.held
),
known AS (
  UPDATE cm.enrolment e SET version_id = :to_version, moved_at = :now,
    step_id = CASE WHEN n.held THEN CAST(:to_step AS text) END,
    move_no = CASE WHEN n.held THEN n.move_no + 1 END,
    held_due_at = CASE WHEN n.held THEN n.next_due ELSE e.held_due_at END,
    held_signal = CASE WHEN n.held THEN n.next_signal END
  FROM n WHERE e.practice_id = :practice AND e.enrolment_id = n.enrolment_id
),
noted AS (
  INSERT INTO cm.transition (practice_id, enrolment_id, move_no, at, step_id, port, detail)
  SELECT :practice, enrolment_id, move_no, :now, :step, 'version', :detail FROM n
),
audited AS (
  INSERT INTO cm.audit (practice_id, at, audit_id, batch_id, seq, tag, actor, campaign_id, enrolment_id, pseudonym, reason, detail, leaf)
  SELECT :practice, :now, audit_id, :batch, seq, 'enrolment.moved', 'engine', :campaign, enrolment_id, pseudonym, 'JOURNEY_CHANGED',
    :detail, cm.audit_leaf((SELECT cm.audit_head(:practice, :now)), audit_id, 'enrolment.moved', 'engine', :campaign, enrolment_id, pseudonym,
      'JOURNEY_CHANGED', :detail)
  FROM n
)
SELECT count(*) FROM n
"""
LET_GO = leaving("JOURNEY_CHANGED", "SELECT t.id FROM unnest(CAST(:people AS uuid[])) AS t(id)")


async def carry(u: Unit) -> tuple[int, bool]:
    """One batch of one group: how many people were moved or let go, and whether there may be more now."""
    group = (await u.execute(NEXT_GROUP, practice=u.practice_id)).one_or_none()
    if group is None:
        return 0, False
    which = {"practice": u.practice_id, "version": group.from_version, "step": group.step_id}
    live = list((await u.execute(LOCK_LIVE, **which)).scalars())
    held = list((await u.execute(LOCK_HELD, **which, campaign=group.campaign_id)).scalars())
    people = len(live) + len(held)
    if people:
        if group.choice == "exit":
            await _let_go(u, live + held)
        else:
            await _move(u, group, live, held)
        await u.execute(PROGRESS, **which, people=people)
        return people, True
    empty = not (await u.execute(ANYBODY, **which, campaign=group.campaign_id)).scalar_one()
    if empty:
        await u.execute(DONE, **which)
        await record(
            u, AuditTag.CHANGE_CARRIED_OUT, campaign_id=group.campaign_id, choice=group.choice,
            from_version=str(group.from_version), step=group.step_id, to_version=str(group.to_version),
            to_step=group.to_step, people=group.people,
        )  # fmt: skip
    return 0, empty


async def _let_go(u: Unit, people: list[Any]) -> None:
    await u.execute(
        LET_GO, practice=u.practice_id, now=u.now, people=people, batch=open_batch(u),
        first_seq=next_seq(u, len(people) + 1),
    )  # fmt: skip


async def _move(u: Unit, group: Any, live: list[Any], held: list[Any]) -> None:
    old = (await plan_of(u, group.from_version)).steps.get(group.step_id)
    new = (await plan_of(u, group.to_version)).steps[group.to_step]
    binding = Binding()
    due, signal = times_sql(old, new, binding)
    detail = (
        f'{{"from_version":"{group.from_version}","from_step":"{group.step_id}","step":"{group.to_step}"}}'
    )
    await u.execute(
        MOVE.format(due=due, signal=signal),
        **binding.values,
        practice=u.practice_id, now=u.now, live=live, held=held, campaign=group.campaign_id, step=group.step_id,
        to_version=group.to_version, to_step=group.to_step, detail=detail, batch=open_batch(u),
        first_seq=next_seq(u, len(live) + len(held) + 1),
    )  # fmt: skip


def times_sql(old: Step | None, new: Step, binding: Binding) -> tuple[str, str]:
    """SQL of when somebody taken from `old` is due at `new`, and of the event that has come for them.

    Who stays at a step keeps their time; a wait that was made longer or shorter is so for them, too,
    counted from when it began. Who comes to another step is due there as if they arrived now.
    """
    nothing = "CAST(NULL AS text)"
    if old is None or old.id != new.id:
        return due_sql(new, binding), nothing
    if isinstance(old, WaitEvent) and isinstance(new, WaitEvent):
        later = timedelta(minutes=new.timeout_minutes - old.timeout_minutes)
        if old.event != new.event:
            return f"(m.due + {binding.add(later)})", nothing
        return f"CASE WHEN m.signal IS NULL THEN m.due + {binding.add(later)} ELSE m.due END", "m.signal"
    if isinstance(old, Wait) and isinstance(new, Wait):
        if old.until == new.until:
            return "m.due", nothing
        if isinstance(old.until, WaitFor) and isinstance(new.until, WaitFor):
            return (
                f"(m.due + {binding.add(timedelta(minutes=new.until.minutes - old.until.minutes))})",
                nothing,
            )
    elif not isinstance(new, Message) or (isinstance(old, Message) and _when(old) == _when(new)):
        return "m.due", nothing
    return due_sql(new, binding), nothing


def _when(step: Message) -> tuple[Any, ...]:
    return step.window, step.pace.spread_minutes
