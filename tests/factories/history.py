"""Is a recorded history of suppressions and requests linearizable? Pure: no database, no clock.

Every operation is about one contact and took effect once, somewhere between `begin` and `end`
(positions in one order of moments; what that order is made of is the recorder's business). Those
that do not overlap happened in that order; of those that do, any order may be the true one. A
history holds when some order of all operations lets every request through:

- a request is lawful while nothing suppresses the contact and its entry has not been ended;
- an older release lifts nothing, and a suppression that came after a newer release starts nothing:
  things count by when they happened (`at`), not by when they were heard.

The search is the one of Wing and Gong with a memory of what was tried, one contact at a time.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class Op:
    contact: str
    begin: int
    end: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Enter(Op):
    """Somebody enters a journey: `entry` names this entry."""

    entry: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Suppress(Op):
    """`reason` is in force until it is released; with `ends`, entries of before are over for good.
    Without a reason nothing stays in force (a booking): who enters afterwards may be written to."""

    reason: str = ""
    ends: bool = False
    at: float = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Release(Op):
    reason: str
    at: float = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Request(Op):
    """A message step was requested. `stands`: it was never taken back."""

    entry: str
    stands: bool = False


@dataclass(frozen=True, slots=True)
class Violation:
    """`late`: committed when something acknowledged forbade it. `together`: each request can be
    placed, not all of them. `standing`: was there first, and was not taken back."""

    what: Literal["late", "together", "standing"]
    contact: str
    requests: tuple[Request, ...]


@dataclass(frozen=True, slots=True)
class State:
    """What is true of a contact: reasons in force and releases, each with when; open entries."""

    in_force: frozenset[tuple[str, float]] = frozenset()
    released: frozenset[tuple[str, float]] = frozenset()
    open: frozenset[str] = frozenset()

    def allows(self, request: Request) -> bool:
        return not self.in_force and request.entry in self.open

    def after(self, op: Op) -> "State":
        match op:
            case Enter():
                return replace(self, open=self.open | {op.entry})
            case Suppress():
                if any(reason == op.reason and at > op.at for reason, at in self.released):
                    return self
                more = {(op.reason, op.at)} if op.reason else set()
                return replace(
                    self, in_force=self.in_force | more, open=frozenset() if op.ends else self.open
                )
            case Release():
                stay = ((reason, at) for reason, at in self.in_force if reason != op.reason or at > op.at)
                return replace(self, in_force=frozenset(stay), released=self.released | {(op.reason, op.at)})
        return self


def violations(history: Iterable[Op]) -> list[Violation]:
    """Everything that no order explains, contact by contact (locality: each may be judged alone)."""
    found: list[Violation] = []
    for contact, ops in _by_contact(history).items():
        requests = [op for op in ops if isinstance(op, Request)]
        if not linearizable(ops):
            others = [op for op in ops if not isinstance(op, Request)]
            late = [r for r in requests if not linearizable([*others, r])]
            found += [Violation("late", contact, (r,)) for r in late]
            if not late:
                found.append(Violation("together", contact, tuple(requests)))
        found += [Violation("standing", contact, (r,)) for r in requests if r.stands and _outlived(r, ops)]
    return found


def linearizable(ops: Sequence[Op]) -> bool:
    """Is there one order, true to what did not overlap, in which every request is lawful?"""
    before = [_mask(ops, lambda a, b=b: precedes(a, b)) for b in ops]
    everything = (1 << len(ops)) - 1
    tried: set[tuple[int, State]] = set()
    waiting = [(0, State())]
    while waiting:
        done, state = waiting.pop()
        done = _settle(ops, before, done, state)
        if done == everything:
            return True
        if (done, state) in tried:
            continue
        tried.add((done, state))
        waiting += [
            (done | 1 << n, state.after(op))
            for n, op in enumerate(ops)
            if not done >> n & 1 and not before[n] & ~done and not isinstance(op, Request)
        ]
    return False


def precedes(a: Op, b: Op) -> bool:
    """Was `a` over when `b` began? What has exactly the same span happened at once, in either order."""
    return a.end <= b.begin and (a.begin, a.end) != (b.begin, b.end)


def _settle(ops: Sequence[Op], before: Sequence[int], done: int, state: State) -> int:
    """Place every request that may come now and is lawful: it changes nothing, so sooner is never worse."""
    for n, op in enumerate(ops):
        if isinstance(op, Request) and not done >> n & 1 and not before[n] & ~done and state.allows(op):
            done |= 1 << n
    return done


def _outlived(request: Request, ops: Sequence[Op]) -> bool:
    """Did a suppression that certainly came later, and that no release crossed, leave it standing?"""
    return any(
        isinstance(op, Suppress) and precedes(request, op) and not any(_crosses(r, op) for r in ops)
        for op in ops
    )


def _crosses(release: Op, suppression: Suppress) -> bool:
    """A newer release that was heard first makes the suppression start nothing."""
    return (
        isinstance(release, Release)
        and release.reason == suppression.reason
        and release.at > suppression.at
        and not precedes(suppression, release)
    )


def _mask(ops: Sequence[Op], chosen: Callable[[Op], bool]) -> int:
    return sum(1 << n for n, op in enumerate(ops) if chosen(op))


def _by_contact(history: Iterable[Op]) -> dict[str, list[Op]]:
    found: dict[str, list[Op]] = defaultdict(list)
    for op in history:
        found[op.contact].append(op)
    for ops in found.values():
        ops.sort(key=lambda op: (op.begin, op.end))
    return found
