"""Who acts after a message and when: the first so many of a share, in an order that never changes. Pure.

Everybody has a turn at a step, a number drawn from their id and the step's. Those with the lowest reach
the goal, those with the highest leave, so many of each as their shares say. Whose turn that is depends on
everybody who is there, and a forecast may work in several sessions with some of the people each: the lowest
and the highest of all of them are put together here, and each session is told the turns at which
something changes.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from zlib import crc32

from services.contracts.journey import Step
from services.forecast.contracts import Rate

FIRST = 0.5
"""The part of a person that counts when nobody has come yet: a share is rounded, not cut off."""


@dataclass(frozen=True, slots=True)
class Acts:
    """From each of `cuts` (turns, rising) to the next, people act after `hours` (None: they do not); in
    the first `goals` of these stretches it is the goal that they reach."""

    cuts: tuple[int, ...] = ()
    hours: tuple[int | None, ...] = ()
    goals: int = 0


def turn_of(step: Step) -> int:
    """Seeds the order in which people act at a step: the same each time, another at each step."""
    return crc32(step.id.encode())


def acting(number: int, goal: float, left: float, carried: float) -> tuple[int, int]:
    """Of so many people: how many at the low end reach the goal and how many at the high end leave."""
    reach = _within(number, goal, carried)
    most = min(number, math.ceil(left * number + 1))
    leave = sum(1 - _place(number, number - n, carried) < left for n in range(most))
    return reach, min(leave, number - reach)


def acts(
    first: Sequence[int],
    last: Sequence[int],
    number: int,
    goal: Rate | None,
    left: Rate | None,
    carried: float,
) -> Acts:
    """`first` and `last` are the turns of those who reach the goal and of those who leave, rising."""
    cuts: list[int] = []
    hours: list[int | None] = []
    if goal is not None:
        places = (_place(number, n, carried) / goal.share for n in range(1, len(first) + 1))
        _stretches(first, [_hours(goal, place) for place in places], cuts, hours)
    goals = len(cuts)
    if first:
        cuts.append(first[-1] + 1)
        hours.append(None)
    if left is not None:
        start = number - len(last)
        places = ((1 - _place(number, start + n, carried)) / left.share for n in range(1, len(last) + 1))
        _stretches(last, [_hours(left, place) for place in places], cuts, hours)
    return Acts(tuple(cuts), tuple(hours), goals)


def carry(carried: float, number: int, goal: float) -> float:
    """The part of a person that is left over counts when people come to this step again, so that many
    small groups do not round to nobody."""
    return (carried + number * goal) % 1.0


def _place(number: int, rank: int, carried: float) -> float:
    """Somebody's place among their equals, from 0 to 1."""
    return (rank - carried) / number


def _within(number: int, share: float, carried: float) -> int:
    """How many have a place below a share."""
    found = min(number, math.ceil(share * number + carried))
    while found and _place(number, found, carried) >= share:
        found -= 1
    return found


def _hours(rate: Rate, share: float) -> int:
    """After how long: half of them by half the hours, all by the whole (an exponential, cut off), in
    whole hours: people who are alike are placed together, and few hours have no people."""
    rest = 1 - 2 ** (-rate.whole_hours / rate.half_hours)
    return math.ceil(-rate.half_hours / math.log(2) * math.log(1 - share * rest))


def _stretches(turns: Sequence[int], after: Sequence[int], cuts: list[int], hours: list[int | None]) -> None:
    """Where the hours change. Turns only rise: whoever shares one acts together."""
    for hour, same in groupby(zip(turns, after, strict=True), key=lambda pair: pair[1]):
        turn, _ = next(same)
        cuts.append(max(turn, cuts[-1]) if cuts else turn)
        hours.append(hour)
