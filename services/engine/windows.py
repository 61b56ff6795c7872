"""When a message may go: its window of the recipient's local time (ENG-4, D23).

Two questions share one window. On arrival: when is this person due? At dispatch, which may be later
(a hold, a pause, a rate, a restart): is it still inside? Who is outside waits for the next one.
Columns the expressions may use: `m.contact_id` and `m.zone`.
"""

from services.contracts.journey import SendWindow
from services.engine.binding import Binding
from services.gates.records import record_of
from services.kit.uow import Unit

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
LEAST_OPENS = 3
"""Below this a person has no habit to speak of: the start of the window is used."""

# The hour in which this person opens most, where it lies inside the window; else its start.
BEST_HOUR = """coalesce((SELECT CASE WHEN make_time(o.hour, 0, 0) < {end}
      THEN greatest(make_time(o.hour, 0, 0), {start}) END
    FROM (SELECT CAST(extract(hour FROM v.at AT TIME ZONE m.zone) AS integer) AS hour, count(*) AS opens
      FROM cm.message_event v WHERE v.practice_id = :practice AND v.contact_id = m.contact_id
        AND v.what = 'opened' AND v.at > CAST(:now AS timestamptz) - interval '180 days'
      GROUP BY 1 ORDER BY opens DESC, hour LIMIT 1) o
    WHERE o.opens >= {least} AND make_time(o.hour, 59, 59) >= {start}), {start})"""

LATER = """
WITH judged AS (
  SELECT m.enrolment_id, {open} AS at FROM (
    SELECT k.enrolment_id, k.contact_id, coalesce(c.timezone, 'Europe/London') AS zone
    FROM pg_temp.claim k
    {record}) m
),
later AS (
  UPDATE cm.work w SET due_at = j.at FROM judged j
  WHERE j.at > :now AND w.practice_id = :practice AND w.enrolment_id = j.enrolment_id
  RETURNING w.enrolment_id
)
DELETE FROM pg_temp.claim k USING later l WHERE k.enrolment_id = l.enrolment_id
"""


def arrival_sql(window: SendWindow, binding: Binding) -> str:
    """When somebody who arrives now is due: at once inside the window, or aimed at a time in it."""
    start, end = _bounds(window, binding)
    if window.aim == "open":
        return _next(window, start, end, binding)
    at = _aim(window, start, end, binding)
    # A window of one moment: today's if it is still to come, else the next allowed day's.
    return _next(window, at, f"({at} + interval '1 microsecond')", binding)


def open_sql(window: SendWindow, binding: Binding) -> str:
    """Now, for whom it is time; else the moment from which it is."""
    start, end = _bounds(window, binding)
    return _next(window, _aim(window, start, end, binding), end, binding)


async def put_off(u: Unit, window: SendWindow, binding: Binding) -> int:
    """Give claimed people who are outside the window their next moment; returns how many."""
    gone = await u.execute(
        LATER.format(open=open_sql(window, binding), record=record_of("k")),
        **binding.values,
        practice=u.practice_id,
        now=u.now,
    )
    return int(gone.rowcount)


def _bounds(window: SendWindow, binding: Binding) -> tuple[str, str]:
    return f"CAST({binding.add(window.start)} AS time)", f"CAST({binding.add(window.end)} AS time)"


def _aim(window: SendWindow, start: str, end: str, binding: Binding) -> str:
    match window.aim:
        case "open":
            return start
        case "at":
            return f"CAST({binding.add(window.at)} AS time)"
        case "best_hour":
            return BEST_HOUR.format(start=start, end=end, least=LEAST_OPENS)


def _next(window: SendWindow, start: str, end: str, binding: Binding) -> str:
    """A month without one allowed day (all holidays) is looked at again when it is over."""
    days = [WEEKDAYS.index(day) + 1 for day in window.days] or [1, 2, 3, 4, 5, 6, 7]
    return (
        f"coalesce(cm.next_window(:practice, :now, m.zone, {start}, {end}, {binding.add(days)},"
        f" {binding.add(window.skip_holidays)}), CAST(:now AS timestamptz) + interval '31 days')"
    )
