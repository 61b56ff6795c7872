"""Days on which the practice is closed: public holidays of its region, and days of its own (D23).

Windows, waits and the calendar ask `cm.holiday`; this keeps it. Public holidays come by themselves, this
year's and the next two years'; the practice can say that it works on one. Its own days are added by staff.
"""

from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from services.access.regions import public_holidays
from services.audit.append import record
from services.audit.tags import AuditTag
from services.kit.errors import Conflict, Invalid, NotFound
from services.kit.uow import Unit

YEARS = 3
LONGEST = 62
"""Days of one closure: two months."""
LONGEST_LABEL = 120

ZONE = "SELECT timezone FROM cm.practice WHERE practice_id = :practice"
PAGE = """
SELECT day, label, source, working FROM cm.holiday WHERE practice_id = :practice AND day >= :first
ORDER BY day LIMIT :size
"""
ONE = "SELECT day, label, source, working FROM cm.holiday WHERE practice_id = :practice AND day = :day"
NAME = "UPDATE cm.holiday SET label = :label WHERE practice_id = :practice AND day = :day AND source = 'own' AND label <> :label"
ADD = """
INSERT INTO cm.holiday (practice_id, day, label)
SELECT :practice, CAST(:first AS date) + n, :label FROM generate_series(0, :days) n
ON CONFLICT (practice_id, day) DO UPDATE SET working = false WHERE cm.holiday.working
"""
OPEN = """
UPDATE cm.holiday SET working = :working WHERE practice_id = :practice AND day = :day AND source = 'public'
  AND working <> :working
"""
REMOVE = (
    "DELETE FROM cm.holiday WHERE practice_id = :practice AND day = :day AND source = 'own' RETURNING label"
)
# What lies behind stays as it was; a day of the practice's own is never taken over.
FORGET = """
DELETE FROM cm.holiday WHERE practice_id = :practice AND source = 'public' AND day >= :today AND day <> ALL (:days)
"""
FILL = """
INSERT INTO cm.holiday (practice_id, day, label, source)
SELECT :practice, d.day, d.label, 'public' FROM unnest(CAST(:days AS date[]), CAST(:labels AS text[])) AS d(day, label)
WHERE d.day >= :today
ON CONFLICT (practice_id, day) DO UPDATE SET label = excluded.label
  WHERE cm.holiday.source = 'public' AND cm.holiday.label <> excluded.label
"""


@dataclass(frozen=True, slots=True)
class ClosedDay:
    """`working`: a public holiday on which the practice is open."""

    day: date
    label: str
    source: str
    working: bool


async def closed_days(u: Unit, *, size: int = 60) -> list[ClosedDay]:
    """From today on, at most `size`. Needs `read`."""
    u.actor.require("read")
    rows = await u.execute(PAGE, practice=u.practice_id, first=await _today(u), size=size)
    return [ClosedDay(*row) for row in rows]


async def closed_day(u: Unit, day: date) -> ClosedDay:
    """One of them, past ones too. Needs `read`. Raises NotFound."""
    u.actor.require("read")
    row = (await u.execute(ONE, practice=u.practice_id, day=day)).one_or_none()
    if row is None:
        raise NotFound("The practice is not closed on this day.")
    return ClosedDay(*row)


async def keep_day(u: Unit, day: date, *, label: str | None, working: bool) -> ClosedDay:
    """Close a day, call it something else, or say whether the practice is open on a public holiday. Needs
    `manage`. Without a `label` it keeps the one it has. Raises Invalid."""
    u.actor.require("manage")
    known = (await u.execute(ONE, practice=u.practice_id, day=day)).one_or_none()
    if known is not None and known.source == "public":
        if label is not None and label.strip() != known.label:
            raise Invalid(
                "A public holiday keeps its name. Leave the name out to say only whether the practice is open."
            )
        await work_on(u, day, working)
    elif working:
        raise Invalid("Only on a public holiday can the practice be open. To open this day, take it back.")
    elif known is None:
        await close_days(u, first=day, last=day, label=label or "")
    elif label is not None and label.strip():
        words = label.strip()[:LONGEST_LABEL]
        if (await u.execute(NAME, practice=u.practice_id, day=day, label=words)).rowcount:
            await _audit(u, renamed=str(day), label=words)
    return await closed_day(u, day)


async def close_days(u: Unit, *, first: date, last: date, label: str) -> None:
    """Close from `first` to `last`, both included. Needs `manage`. Raises Invalid."""
    u.actor.require("manage")
    days = (last - first).days
    if days < 0:
        raise Invalid("The last closed day is before the first.")
    if days >= LONGEST:
        raise Invalid(f"A closure may have {LONGEST} days at most. Enter a longer one in parts.")
    if first < await _today(u):
        raise Invalid("Days that are over cannot be closed any more.")
    words = label.strip()[:LONGEST_LABEL] or "Closed"
    await u.execute(ADD, practice=u.practice_id, first=first, days=days, label=words)
    await _audit(u, closed=f"{first} to {last}", label=words)


async def reopen_day(u: Unit, day: date) -> str:
    """Take back a closed day of the practice's own; returns what it was called. Needs `manage`.
    Raises NotFound, Conflict for a public holiday."""
    u.actor.require("manage")
    label = (await u.execute(REMOVE, practice=u.practice_id, day=day)).scalar_one_or_none()
    if label is None:
        if (await u.execute(ONE, practice=u.practice_id, day=day)).one_or_none():
            raise Conflict("This is a public holiday. Say instead that the practice is open on it.")
        raise NotFound("This day is not one the practice closed itself.")
    await _audit(u, reopened=str(day))
    return str(label)


async def work_on(u: Unit, day: date, working: bool) -> None:
    """Say whether the practice is open on a public holiday. Needs `manage`."""
    u.actor.require("manage")
    if (await u.execute(OPEN, practice=u.practice_id, day=day, working=working)).rowcount:
        await _audit(u, public_holiday=str(day), open=working)


async def fill_holidays(u: Unit, region: str) -> int:
    """Bring the public holidays ahead up to date with a region; returns how many changed."""
    today = await _today(u)
    wanted = public_holidays(region, range(today.year, today.year + YEARS))
    values = {"practice": u.practice_id, "today": today, "days": list(wanted)}
    gone = (await u.execute(FORGET, **values)).rowcount
    new = (await u.execute(FILL, **values, labels=list(wanted.values()))).rowcount
    if gone or new:
        await _audit(u, public_holidays_of=region, new=new, gone=gone)
    return int(gone + new)


async def _today(u: Unit) -> date:
    zone = (await u.execute(ZONE, practice=u.practice_id)).scalar_one()
    return u.now.astimezone(ZoneInfo(zone)).date()


async def _audit(u: Unit, **what: object) -> None:
    await record(u, AuditTag.SETTINGS_CHANGED, closed_days=what)
