"""A plain slow forecast: people one by one through a straight journey, as anybody would write it.

Everybody is due at the same moments, so steps follow each other in time. The set-based forecast is
compared with this one over random practices.
"""

import math
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from services.contracts.journey import Caps
from services.kit.chance import id_at, seeded
from tests.conftest import START
from tests.factories.practice import run


@dataclass(frozen=True)
class Someone:
    contact_id: UUID
    kind: str
    consents: frozenset[str]
    addresses: frozenset[str]
    home: str
    """Household and the address shared there; empty: none."""


@dataclass(frozen=True)
class Letter:
    """A message to those of these kinds, so many hours after the one before."""

    step_id: str
    hours: int
    channels: tuple[str, ...]
    once_a_home: bool
    spares_leads: bool


@dataclass
class Course:
    """What became of everybody."""

    sent: Counter[tuple[datetime, str]] = field(default_factory=Counter)
    refused: Counter[tuple[datetime, str, str]] = field(default_factory=Counter)
    goals: int = 0


def simulate(
    people: list[Someone],
    letters: list[Letter],
    caps: Caps,
    start: datetime,
    until: datetime,
    *,
    goal: float,
    half: float,
    whole: float,
    turns: dict[str, dict[UUID, int]],
) -> Course:
    """`goal` is the share of those who get a letter who book, `turns` the order in which they do."""
    course, at = Course(), start
    touched: dict[UUID, list[datetime]] = {p.contact_id: [] for p in people}
    leaves: dict[UUID, datetime] = {}
    for letter in letters:
        at += timedelta(hours=letter.hours)
        if at >= until:
            break
        served: set[str] = set()
        got: list[UUID] = []
        for p in sorted(people, key=lambda p: p.contact_id):
            if leaves.get(p.contact_id, until) <= at or (letter.spares_leads and p.kind == "lead"):
                continue
            reason = _refusal(p, letter, caps, touched[p.contact_id], at)
            if reason is None and letter.once_a_home and p.home:
                reason = "DUPLICATE_DESTINATION" if p.home in served else None
                served.add(p.home)
            if reason is None:
                got.append(p.contact_id)
                course.sent[at, letter.step_id] += 1
            else:
                course.refused[at, letter.step_id, reason] += 1
        for contact in got:
            touched[contact].append(at)
        got.sort(key=lambda contact: (turns[letter.step_id][contact], contact))
        for rank, contact in enumerate(got):
            share = (rank + 0.5) / len(got)
            if share < goal:
                rest = 1 - 2 ** (-whole / half)
                hours = math.ceil(-half / math.log(2) * math.log(1 - share / goal * rest))
                leaves[contact] = min(
                    leaves.get(contact, at + timedelta(hours=hours)), at + timedelta(hours=hours)
                )
    course.goals = sum(at < until for at in leaves.values())
    return course


def _refusal(p: Someone, letter: Letter, caps: Caps, touched: list[datetime], at: datetime) -> str | None:
    recent = [t for t in touched if t > at - timedelta(days=caps.per_days)]
    if len(recent) >= (caps.max_touches or 1_000):
        return "FREQUENCY_CAP"
    if any(t > at - timedelta(hours=caps.min_gap_hours or 0) for t in touched):
        return "MINIMUM_GAP"
    reasons = []
    for channel in letter.channels:
        if channel not in p.addresses:
            reasons.append("NO_ADDRESS")
        elif channel not in p.consents:
            reasons.append("NO_CONSENT")
        else:
            return None
    return reasons[0]


def someone(n: int, kind: str, consents: frozenset[str], addresses: frozenset[str], home: str) -> Someone:
    """The same person for the same number in every run. Who shares an address has one."""
    return Someone(
        id_at(seeded("crowd", n), START.timestamp()),
        kind,
        consents,
        addresses | {"email"} if home else addresses,
        home,
    )


def write_crowd(url: str, practice: UUID, now: datetime, crowd: list[Someone]) -> None:
    """Everybody as the platform has them, with their consents."""
    homes = {home: id_at(seeded("home", home), START.timestamp()) for home in {p.home for p in crowd} if home}
    run(
        url,
        "INSERT INTO canonical.contact (practice_id, contact_id, kind, first_name, last_name, email, phone, household_id, registered_at)"
        " VALUES (:practice, :id, :kind, 'A', 'B', :email, :phone, :home, :now)",
        [
            {
                "practice": practice, "id": p.contact_id, "kind": p.kind, "home": homes.get(p.home), "now": now,
                "email": f"{p.home or p.contact_id.hex}@example.com" if "email" in p.addresses else None,
                "phone": f"+44{p.contact_id.int % 10**10:010}" if "sms" in p.addresses else None,
            }
            for p in crowd
        ],
    )  # fmt: skip
    granted = [
        {"practice": practice, "id": p.contact_id, "channel": channel, "now": now}
        for p in crowd
        for channel in p.consents
    ]
    if granted:
        run(
            url,
            "INSERT INTO canonical.consent (practice_id, contact_id, channel, purpose, state, method, effective_at)"
            " VALUES (:practice, :id, :channel, 'marketing', 'granted', 'form', :now)",
            granted,
        )
