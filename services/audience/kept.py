"""What the platform keeps added up (`canonical.visits`), so that a whole history need not be read.

Each of its rows says how many appointments of a kind somebody has and when the latest was. That
answers “ever”, “since” and “the latest” for everyone whose latest is not after the moment asked
about. For the few others, and for nobody in most practices, the appointments themselves are asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from services.audience.logic import Leaf, exists_in

VISITS = "canonical.visits"


@dataclass(frozen=True, slots=True)
class Kept:
    """Columns of `canonical.visits` about the appointments of one status; those of bookings when None."""

    status: str | None
    count: str
    latest: str

    def until(self, function: str, now: str) -> str:
        status = f"'{self.status}'" if self.status else "NULL"
        return f"cm.{function}(v.practice_id, v.contact_id, {status}, {now})"


ATTENDED = Kept("attended", "v.attended", "v.last_attended")
MISSED = Kept("no_show", "v.missed", "v.last_missed")
CANCELLED = Kept("cancelled", "v.cancelled", "v.last_cancelled")
MADE = Kept(None, "v.made", "v.last_made")
BY_RECORDS = {"attended": ATTENDED, "no_show": MISSED}
BY_BEHAVIOUR = {"attended": ATTENDED, "missed": MISSED, "cancelled": CANCELLED, "booked": MADE}


@dataclass(frozen=True, slots=True)
class Asked:
    """Records that are counted: those of `table` that meet `only`; with `since`, a bound value, those
    whose time `at` is not before it. `kept` is what is kept of them, if anything."""

    table: str
    only: Sequence[str]
    kept: Kept | None = None
    since: str = ""
    at: str = ""

    @property
    def all(self) -> list[str]:
        return [*self.only, *([f"{self.at} >= {self.since}"] if self.since else [])]


def times_ever(of: Kept, now: str, times: str) -> Leaf:
    """The contact has at least so many of them until `now`; both are bound values, `times` is 1 or more."""
    exact = f"{of.until('appointments_until', now)} >= {times}"
    return exists_in(VISITS, f"{of.count} >= {times} AND ({of.latest} <= {now} OR {exact})", "v")


def latest(of: Kept, now: str, since: str = "", before: str = "") -> Leaf:
    """The latest of them until `now` is from `since` to before `before`, which is not after `now`. All are
    bound values; those left out are no bound."""
    utmost = of.until("latest_appointment", now)
    exact = [f"({of.latest} > {now}) IS TRUE", f"{utmost} IS NOT NULL"]
    exact += [f"{utmost} >= {since}"] if since else []
    exact += [f"{utmost} < {before}"] if before else []
    known = f"{of.latest} < {before}" if before else f"{of.latest} <= {now}"
    lies = f"({known} OR {' AND '.join(exact)})"
    return exists_in(VISITS, f"{of.latest} >= {since} AND {lies}" if since else lies, "v")


def ahead(now: str) -> Leaf:
    """The contact has an appointment booked for after `now`."""
    return exists_in(VISITS, f"v.last_booked > {now}", "v")
