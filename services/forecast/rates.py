"""How people behave: from the practice's own history where there is enough, else assumed (BLD-9).

What somebody types always wins. A share is a share of messages that were asked for.
"""

from datetime import timedelta
from typing import Any

from services.contracts.journey import Entry, Journey, WaitEvent
from services.forecast.contracts import BEHAVIOURS, Behaviour, Given, Rate, Rates
from services.kit.uow import Unit

ENOUGH = 200
"""Messages before a share of the practice's own is trusted more than the assumption."""
BACK = timedelta(days=180)
ENOUGH_DAYS = 14
EVENT_DAYS = 28
"""Raw events are kept for thirty days (D26)."""

ASSUMED: dict[Behaviour, tuple[float, float, float]] = {
    "goal": (0.03, 48, 168),
    "opened": (0.40, 6, 168),
    "clicked": (0.04, 6, 168),
    "replied": (0.02, 12, 168),
    "other_event": (0.10, 72, 720),
    "left": (0.003, 2, 48),
}
"""(share, hours by which half of them have, hours by which all have). Round figures of ours for a
practice without history: the page shows them as assumptions and asks for better ones."""
A_DAY = 1.0

MESSAGES = """
SELECT coalesce(sum(value) FILTER (WHERE name = 'requested'), 0) AS requested,
  coalesce(sum(value) FILTER (WHERE name = 'opened'), 0) AS opened,
  coalesce(sum(value) FILTER (WHERE name = 'clicked'), 0) AS clicked,
  coalesce(sum(value) FILTER (WHERE name = 'replied'), 0) AS replied,
  coalesce(sum(value) FILTER (WHERE name IN ('unsubscribed', 'stop', 'complained')), 0) AS "left"
FROM cm.metric WHERE practice_id = :practice AND day >= :first AND day <= :last
"""
BOOKINGS = """
SELECT count(*) AS goal,
  extract(epoch FROM percentile_cont(0.5) WITHIN GROUP (ORDER BY v.at - v.last_touch_at)) / 3600.0 AS half_hours
FROM cm.conversion v WHERE v.practice_id = :practice AND v.what = 'booking' AND v.dispatch_id IS NOT NULL
  AND v.last_touch_at >= :first AND v.last_touch_at <= :last
"""
EVENTS = """
SELECT count(*) AS events, count(DISTINCT CAST(received_at AS date)) AS days,
  min(received_at) AS first FROM cm.inbound_event
WHERE practice_id = :practice AND type = :type AND received_at >= :since
"""


async def rates_of(u: Unit, journey: Journey, given: Given | None = None) -> Rates:
    """Every rate this journey needs, with where it is from."""
    u.actor.require("read")
    given = given or Given()
    history = await _history(u)
    found: dict[str, Rate] = {name: _rate(name, getattr(given, name), history) for name in _needed(journey)}
    entry = next((step for step in journey.steps if isinstance(step, Entry)), None)
    if entry is not None and entry.how in ("event", "manual"):
        found["a_day"] = await _a_day(u, entry, given.a_day)
    return Rates(found)


def _needed(journey: Journey) -> list[Behaviour]:
    """Behaviours that can change this journey's course: no page asks for more."""
    kinds = {wait_rate(step, journey) for step in journey.steps if isinstance(step, WaitEvent)}
    if any(step.kind == "message" for step in journey.steps):
        kinds |= {"goal", "left"}
    return [name for name in BEHAVIOURS if name in kinds]


def wait_rate(step: WaitEvent, journey: Journey) -> Behaviour:
    """Which rate says how many of those who wait for this event get it."""
    if step.event.type == journey.goal.event.type:
        return "goal"
    by_event: dict[str, Behaviour] = {
        "hub.message.opened": "opened",
        "hub.message.clicked": "clicked",
        "hub.message.replied": "replied",
    }
    return by_event.get(step.event.type, "other_event")


async def _history(u: Unit) -> dict[str, Any]:
    # The last week is left out: not everybody who will has opened or booked yet.
    span = {"first": u.now - BACK, "last": u.now - timedelta(days=7)}
    days = {name: at.date() for name, at in span.items()}
    messages = (await u.execute(MESSAGES, practice=u.practice_id, **days)).mappings().one()
    bookings = (await u.execute(BOOKINGS, practice=u.practice_id, **span)).mappings().one()
    return {**messages, **bookings}


def _rate(name: Behaviour, given: float | None, history: dict[str, Any]) -> Rate:
    share, half, whole = ASSUMED[name]
    seen = int(history["requested"])
    known = seen >= ENOUGH and name in history
    if name == "goal" and known and history["half_hours"] and history["goal"] >= 20:
        half = min(max(float(history["half_hours"]), 0.5), whole / 2)
    if given is not None:
        return Rate(name, given / 100, "given", seen, half, whole)
    if known:
        return Rate(name, min(int(history[name]) / seen, 1.0), "history", seen, half, whole)
    return Rate(name, share, "assumed", seen, half, whole)


async def _a_day(u: Unit, entry: Entry, given: float | None) -> Rate:
    """How many people a day start the journey."""
    days, events = 0, 0
    if entry.event is not None and entry.how == "event":
        found = await u.execute(
            EVENTS, practice=u.practice_id, type=entry.event.type, since=u.now - timedelta(days=EVENT_DAYS)
        )
        row = found.one()
        events, days = row.events, (u.now - row.first).days + 1 if row.first else 0
    if given is not None:
        return Rate("a_day", given, "given", days)
    if days >= ENOUGH_DAYS:
        return Rate("a_day", events / days, "history", days)
    return Rate("a_day", A_DAY, "assumed", days)
