"""What a forecast knows without a database: whose clock, in which order, how two differ. Pure.

Everybody in a forecast has a clock of their own, the column `their_now`. The production texts ask
for one clock, `:now`, and two moments reckoned from it. Here the text stays and the clock changes:
one statement then answers for people of a whole season (house rules 1, 6 and 7).
"""

import re
from collections.abc import Iterable
from datetime import date, timedelta

from services.contracts.journey import Entry, Journey, Step, ports
from services.forecast.contracts import Day, Difference, Forecast

CLOCK = re.compile(r":(now|touches_since|gap_since)\b")
THEIRS = {
    "now": "their_now",
    "touches_since": "(their_now - CAST(:touches_for AS interval))",
    "gap_since": "(their_now - CAST(:gap_for AS interval))",
}
CLOCKED = frozenset(THEIRS)
"""Bound values of the gates that move with the clock; a test holds the gates to it."""


def their_clock(sql: str) -> str:
    """A production text with each person's own clock for the one it asks for."""
    return CLOCK.sub(lambda found: THEIRS[found[1]], sql)


def in_order(journey: Journey) -> list[Step]:
    """Steps so that whoever leads to a step comes before it; in a circle, as they are listed from
    where people come into it. Steps that nobody reaches are left out."""
    steps = {step.id: step for step in journey.steps}
    entry = next((step for step in journey.steps if isinstance(step, Entry)), None)
    done: list[Step] = []
    if entry is None:
        return done
    seen = {entry.id}
    trail: list[tuple[Step, list[str]]] = [(entry, _targets(entry, steps))]
    while trail:
        step, ahead = trail[-1]
        following = next((t for t in ahead if t not in seen), None)
        if following is None:
            done.append(step)
            trail.pop()
        else:
            seen.add(following)
            trail.append((steps[following], _targets(steps[following], steps)))
    return done[::-1]


def _targets(step: Step, steps: dict[str, Step]) -> list[str]:
    return [target for _, _, target in reversed(ports(step)) if target in steps]


def days_of(first: date, number: int) -> list[Day]:
    """One row a day, empty ones too: a chart has no gaps."""
    return [Day(first + timedelta(days=n)) for n in range(number)]


def differences(one: Forecast, other: Forecast) -> list[Difference]:
    """What two forecasts say differently, the whole first, then step by step."""
    found = [
        Difference("People who come in", one.entered, other.entered),
        Difference("Messages that go out", one.requested, other.requested),
        Difference("Messages held back", one.refused.total(), other.refused.total()),
        Difference("People who reach the goal", one.goals, other.goals),
        Difference("People who drop out", one.left, other.left),
    ]
    mine = {step.step_id: step for step in one.steps}
    theirs = {step.step_id: step for step in other.steps}
    for step_id in dict.fromkeys(_ids(one) + _ids(other)):
        a, b = mine.get(step_id), theirs.get(step_id)
        step = a or b
        if step is None or step.kind in ("entry", "exit"):
            continue
        if step.kind == "message":
            counts = a.sent if a else 0, b.sent if b else 0
            found.append(Difference(f"“{step.title}” goes out", *counts))
        else:
            counts = a.arrived if a else 0, b.arrived if b else 0
            found.append(Difference(f"People who come to “{step.title}”", *counts))
    return found


def _ids(forecast: Forecast) -> list[str]:
    return [step.step_id for step in forecast.steps]


def some(names: Iterable[str], limits: dict[str, str]) -> list[str]:
    """The sentences of the limits that apply, in the order of the list."""
    wanted = set(names)
    return [sentence for name, sentence in limits.items() if name in wanted]


LIMITS: dict[str, str] = {
    "records": "People’s records, consents and appointments stay as they are today; only dates move on.",
    "engagement": "Rules that ask who opened, clicked or booked lately see what is on record today, not what"
    " this forecast expects.",
    "others": "Messages of other campaigns that have not been asked for yet are not counted in people’s limits.",
    "hand_over": "People who are handed to another campaign are not followed there.",
    "reentry": "Whoever may come in again does so at the next time people are let in; at most {laps} times.",
    "circle": "A circle in this journey was followed {laps} times, then left.",
    "arrivals": "Who starts the journey is not known yet: people of the audience come in evenly over the days,"
    " in an order that stays the same each time.",
    "pace": "The campaign’s rate spreads people as they come in; a rate reached later on is not reckoned with.",
    "households": "Where two of one household are due at different times and share only one of two"
    " addresses, both are counted.",
    "stops": "Exit events other than the goal and leaving by themselves are not expected.",
}
