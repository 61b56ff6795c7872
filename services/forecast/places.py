"""Where people are after a step: a table of them, or the question that finds them (one row a person).

What a step does to people who are alike it does once: those of one zone at one moment who take one way
are due at one moment. So only steps that ask something of each person write a row a person; the others
write where whom of them goes (`moves`), and the next step's question goes through it.
"""

from dataclasses import dataclass
from typing import Protocol

DEEPEST = 3
"""Questions within questions before people are written down again."""


class Place(Protocol):
    @property
    def depth(self) -> int: ...

    def coming(self, step_id: str) -> str:
        """A SELECT of who comes from here to a step: contact_id, zone, leaves_at, leaving, and `their_now`, the
        moment they are due there."""
        ...


@dataclass(frozen=True)
class Written:
    """A table with everybody and their next step."""

    name: str
    depth: int = 0

    def coming(self, step_id: str) -> str:
        return (
            f"SELECT contact_id, zone, leaves_at, leaving, due_at AS their_now FROM {self.name}"
            f" WHERE to_step = '{step_id}'"
        )


@dataclass(frozen=True)
class Passed:
    """Behind a step that asks nothing of a person: those who came (`people`) and did not stay, each by
    the way out `port` (SQL over `k`)."""

    people: str
    moves: str
    port: str
    depth: int

    def coming(self, step_id: str) -> str:
        people = f"(SELECT k.* FROM ({self.people}) k OFFSET 0) k"  # else joined as the planner likes
        return (
            f"SELECT k.contact_id, k.zone, k.leaves_at, k.leaving, w.due_at AS their_now FROM {people}"
            f" JOIN {self.moves} w ON w.zone = k.zone AND w.their_now = k.their_now AND w.port = {self.port}"
            f" WHERE w.to_step = '{step_id}' AND k.leaves_at > k.their_now AND k.their_now < :until"
        )


@dataclass(frozen=True)
class Judged:
    """Behind a message: everybody the gates were asked about, in the table `name`. `acts` numbers the bound
    values that say who acts (None: nobody does), `goals` is how many of their stretches are the goal's."""

    name: str
    moves: str
    step_id: str
    acts: int | None = None
    goals: int = 0
    depth: int = 0

    def coming(self, step_id: str) -> str:
        onward = (
            f"SELECT j.contact_id, j.zone, j.leaves_at, j.leaving, w.due_at AS their_now FROM ({self.onward()}) j"
            f" JOIN {self.moves} w ON w.zone = j.zone AND w.their_now = j.their_now WHERE w.to_step = '{step_id}'"
        )
        if step_id != self.step_id:
            return onward
        return f"{self.again()} UNION ALL {onward}"

    def again(self) -> str:
        """A SELECT of everybody who is held and comes to the message again when released."""
        return (
            f"SELECT contact_id, zone, leaves_at, leaving, released_at AS their_now FROM {self.name}"
            " WHERE effect = 'hold' AND released_at IS NOT NULL"
        )

    def onward(self) -> str:
        """A SELECT of everybody who goes on from the message, and when and why they will leave: those who act,
        when they do, unless they leave before."""
        which = "effect IN ('next', 'skip')"
        columns = "j.contact_id, j.zone, j.their_now"
        if self.acts is None:
            return f"SELECT {columns}, j.leaves_at, j.leaving FROM {self.name} j WHERE j.{which}"
        why = f"CASE WHEN j.slot <= {self.goals} THEN 'goal' ELSE 'left' END"
        return (
            f"SELECT {columns}, least(j.leaves_at, j.acts_at) AS leaves_at,"
            f" CASE WHEN j.acts_at < j.leaves_at THEN {why} ELSE j.leaving END AS leaving FROM ("
            f"SELECT j.*, j.their_now + {after(self.acts, 'j.slot')} AS acts_at FROM ("
            f"SELECT {columns}, j.leaves_at, j.leaving, {slot(self.acts, 'j.turn')} AS slot FROM {self.name} j"
            f" WHERE j.{which} OFFSET 0) j OFFSET 0) j"
        )


def slot(acts: int, turn: str) -> str:
    """SQL of the stretch of `services.forecast.turns.Acts` that a turn lies in."""
    return f"width_bucket({turn}, CAST(:cuts_{acts} AS bigint[]))"


def after(acts: int, place: str) -> str:
    """SQL of how long after the message somebody in that stretch acts; null: they do not."""
    return f"make_interval(hours => (CAST(:hours_{acts} AS integer[]))[{place}])"
