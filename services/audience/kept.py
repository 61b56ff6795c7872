"""What the platform keeps of each person (`canonical.standing`), so that whole histories need not be read.

A row a person: how many appointments of each status and the latest start, the latest five messages,
openings, clicks and replies, and what they said to marketing by channel. That answers “ever”, “since”,
“the latest” and “so many times” for everyone whose latest is not after the moment asked about. For
those few others, and for more than five openings, the records themselves are asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from services.audience.logic import STANDING, Leaf, exists_in

MOST = 5
"""So many of the latest messages, openings, clicks and replies are kept, newest first."""
_EVER = "'-infinity'"


@dataclass(frozen=True, slots=True)
class Kept:
    """A kind of event in `canonical.standing`, `s`. `what` is its name to `cm.times_until`, `latest` its
    latest; `count` is how many there are, or without it `latest` is the first of an array."""

    what: str
    latest: str
    count: str = ""


def _five(what: str) -> Kept:
    return Kept(what, f"s.{what}[1]")


BY_BEHAVIOUR = {
    "booked": Kept("made", "s.last_made", "s.made"),
    "attended": Kept("attended", "s.last_attended", "s.attended"),
    "missed": Kept("no_show", "s.last_missed", "s.missed"),
    "cancelled": Kept("cancelled", "s.last_cancelled", "s.cancelled"),
    **{what: _five(what) for what in ("messaged", "opened", "clicked", "replied")},
}
BY_RECORDS = {**BY_BEHAVIOUR, "no_show": BY_BEHAVIOUR["missed"]}
del BY_RECORDS["booked"]  # of records those still ahead, of behaviours that a booking was made


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


def so_often(of: Kept, now: str, times: int, wanted: str, since: str = "") -> Leaf | None:
    """The contact has at least so many of them (1 or more) until `now`, from `since` on; None if too little
    is kept to say. `now`, `since` and `wanted`, which is `times` again, are bound values."""
    if times == 1:
        return latest(of, now, since)
    if of.count and not since:
        kept = f"{of.count} >= {wanted}"
    elif not of.count and times <= MOST:
        nth = of.latest.replace("[1]", f"[{wanted}]")
        kept = f"{nth} >= {since}" if since else f"{nth} IS NOT NULL"
    else:
        return None
    whose = f"s.practice_id, s.contact_id, '{of.what}'"
    exact = f"cm.times_until({whose}, {since or _EVER}, {now}) >= {wanted}"
    return exists_in(STANDING, f"{kept} AND ({of.latest} <= {now} OR {exact})")


def latest(of: Kept, now: str, since: str = "", before: str = "") -> Leaf:
    """The latest of them until `now` is from `since` to before `before`, which is not after `now`. All are
    bound values; those left out are no bound."""
    utmost = f"cm.latest_until(s.practice_id, s.contact_id, '{of.what}', {now})"
    exact = [f"({of.latest} > {now}) IS TRUE", f"{utmost} IS NOT NULL"]
    exact += [f"{utmost} >= {since}"] if since else []
    exact += [f"{utmost} < {before}"] if before else []
    known = f"{of.latest} < {before}" if before else f"{of.latest} <= {now}"
    lies = f"({known} OR {' AND '.join(exact)})"
    return exists_in(STANDING, f"{of.latest} >= {since} AND {lies}" if since else lies)


def ahead(now: str) -> Leaf:
    """The contact has an appointment booked for after `now`."""
    return exists_in(STANDING, f"s.last_booked > {now}")


def answered(channel: str, states: Sequence[str]) -> Leaf:
    """What the contact said to marketing by a channel is one of `states`: granted, revoked."""
    said: dict[tuple[str, ...], str] = {("granted",): f"s.{channel}", ("revoked",): f"NOT s.{channel}"}
    return exists_in(STANDING, said.get(tuple(states), f"s.{channel} IS NOT NULL"))
