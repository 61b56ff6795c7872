"""Three years of appointments: check-ups about every six months, seasons, no-shows, future bookings."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from services.kit.chance import Chance, hex_id
from services.neighbours.platform.generator import words
from services.neighbours.platform.generator.people import DAY, Person, stamp

Row = tuple[str | None, ...]
YEARS_BACK = 3
QUIET_MONTHS = (8, 12)  # holidays: fewer come, they come a month later
LONDON = ZoneInfo("Europe/London")

PROFILES = (("regular", 0.5), ("irregular", 0.76), ("lapsed", 0.93), ("new", 1.0))
INTERVAL_DAYS = {"regular": (165, 215), "irregular": (270, 520), "lapsed": (180, 300), "new": (170, 220)}
PAST_STATUS = (("attended", "cancelled", "no_show"), (90, 96, 100))


class Visits:
    """Makes the appointments of patients relative to one instant `now` (Unix seconds)."""

    def __init__(self, now: int) -> None:
        self.now = now
        self.start = now - YEARS_BACK * 365 * DAY
        self._days: dict[int, tuple[int, int, int]] = {}

    def of(self, chance: Chance, person: Person) -> list[Row]:
        """One patient's appointments in order, past and booked."""
        profile = self._profile(chance.random())
        first = max(self.start + chance.randint(0, 180) * DAY, person.registered + DAY)
        end = self.now - chance.randint(430, 900) * DAY if profile == "lapsed" else self.now
        if person.deceased:
            end = min(end, self.now - 60 * DAY)
        rows: list[Row] = []
        at = first
        while at < end:
            self._check_up(chance, person, at, rows)
            at += chance.randint(*INTERVAL_DAYS[profile]) * DAY
        future = profile in ("regular", "new") and end == self.now
        if future and chance.random() < 0.62 and at < self.now + 200 * DAY:
            rows.append(self._visit(chance, person, "check_up", "", 60, max(at, self.now + 2 * DAY)))
        if not person.deceased and chance.random() < 0.05:
            when = chance.randint(min(self.now, max(self.start, person.registered + DAY)), self.now)
            rows.append(self._visit(chance, person, "emergency", "Toothache", 110, when))
        return rows

    @staticmethod
    def _profile(share: float) -> str:
        return next(name for name, upto in PROFILES if share <= upto)

    def _check_up(self, chance: Chance, person: Person, at: int, rows: list[Row]) -> None:
        rows.append(self._visit(chance, person, "check_up", "", 60, at))
        attended = rows[-1][4] == "attended"
        if attended and person.adult and chance.random() < 0.38:
            rows.append(self._visit(chance, person, "hygiene", "", 75, at + chance.choice((0, 7, 14)) * DAY))
        if attended and chance.random() < 0.13:
            name, price = chance.choice(words.TREATMENTS)
            rows.append(
                self._visit(chance, person, "treatment", name, price, at + chance.randint(10, 35) * DAY)
            )

    def _visit(
        self, chance: Chance, person: Person, kind: str, treatment: str, value: int, about: int
    ) -> Row:
        starts = self._slot(chance, about, urgent=kind == "emergency")
        if starts > self.now:
            status = "booked"
        else:
            (status,) = chance.choices(PAST_STATUS[0], cum_weights=PAST_STATUS[1])
        lead = chance.randint(0, 1) if kind == "emergency" else chance.randint(5, 120)
        booked = max(person.registered, min(starts - 3_600, self.now - 60) - lead * DAY)
        return (
            hex_id(chance, booked), person.contact_id, kind, treatment, status,
            stamp(booked), stamp(starts), str(value),
        )  # fmt: skip

    def _slot(self, chance: Chance, about: int, *, urgent: bool) -> int:
        """A free half hour near `about` on a working day, in Bristol's time; quiet months move on."""
        day = about // DAY
        month, weekday, midnight = self._day(day)
        if not urgent and month in QUIET_MONTHS and chance.random() < 0.4:
            day += chance.randint(24, 38)
            month, weekday, midnight = self._day(day)
        if weekday > 4:
            _, _, midnight = self._day(day + 7 - weekday)
        return midnight + 8 * 3_600 + chance.randint(0, 18) * 1_800

    def _day(self, day: int) -> tuple[int, int, int]:
        """Month, weekday (0 Monday) and London midnight of a day since 1970, remembered."""
        if day not in self._days:
            utc = datetime.fromtimestamp(day * DAY, UTC)
            local = datetime(utc.year, utc.month, utc.day, tzinfo=LONDON)
            self._days[day] = (local.month, local.weekday(), int(local.timestamp()))
        return self._days[day]
