"""Many commands in one transaction: each is written as if it were alone, and what they ask the
database for is asked for all of them at once (house rule 6).

A function marked `set_based` takes a list and is called with one item. Alone, that is a list of
one. Inside `side_by_side` the callers wait for each other: once all of them wait, the function that
comes first in the order of a command (its rank) runs with everybody's items, and so on until all are
done. So the rules stay readable, one event at a time, and a hundred events cost as many statements as
one. The commands must concern different contacts: none may depend on what another is about to do.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Concatenate, Generic, ParamSpec, TypeVar

U = TypeVar("U")
Item = TypeVar("Item")
Answer = TypeVar("Answer")
P = ParamSpec("P")
Many = Callable[[Any, Sequence[Any]], Awaitable[Sequence[Any]]]

_AMONG: ContextVar["_Company | None"] = ContextVar("company", default=None)


def in_company() -> bool:
    """Is this code one of several commands that run side by side?"""
    return _AMONG.get() is not None


@dataclass
class _Asked:
    rank: int
    many: Many
    items: list[Any] = field(default_factory=list)
    waiting: list["asyncio.Future[Any]"] = field(default_factory=list)


@dataclass
class _Company:
    running: int
    asked: dict[Many, _Asked] = field(default_factory=dict)
    quiet: asyncio.Event = field(default_factory=asyncio.Event)

    def ask(self, rank: int, many: Many, item: Any) -> "asyncio.Future[Any]":
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        asked = self.asked.setdefault(many, _Asked(rank, many))
        asked.items.append(item)
        asked.waiting.append(answer)
        self.rests()
        return answer

    def rests(self) -> None:
        self.running -= 1
        if not self.running:
            self.quiet.set()

    async def serve(self, u: Any) -> bool:
        """Answer everybody who asked for the first thing in order; False when nobody asked."""
        await self.quiet.wait()
        if not self.asked:
            return False
        first = min(self.asked.values(), key=lambda asked: asked.rank)
        del self.asked[first.many]
        answers = await first.many(u, first.items)
        self.running += len(first.waiting)
        self.quiet.clear()
        for waiting, answer in zip(first.waiting, answers, strict=True):
            waiting.set_result(answer)
        return True


@dataclass(frozen=True)
class SetBased(Generic[U, Item, Answer]):
    """`await f(u, item)` for one; `await f.many(u, items)` for a list, with answers in its order."""

    rank: int
    many: Callable[[U, Sequence[Item]], Awaitable[Sequence[Answer]]]

    async def __call__(self, u: U, item: Item) -> Answer:
        company = _AMONG.get()
        if company is None:
            return (await self.many(u, [item]))[0]
        answer: Answer = await company.ask(self.rank, self.many, item)
        return answer


def set_based(
    rank: int,
) -> Callable[[Callable[[U, Sequence[Item]], Awaitable[Sequence[Answer]]]], SetBased[U, Item, Answer]]:
    """Mark a function of a list; `rank` is its place in the order in which a command asks."""

    def mark(many: Callable[[U, Sequence[Item]], Awaitable[Sequence[Answer]]]) -> SetBased[U, Item, Answer]:
        return SetBased(rank, many)

    return mark


@set_based(900)
async def _in_turn(_: Any, works: Sequence[Callable[[], Awaitable[Any]]]) -> list[Any]:
    return [await work() for work in works]


async def in_turn(
    work: Callable[Concatenate[U, P], Awaitable[Answer]], u: U, *args: P.args, **more: P.kwargs
) -> Answer:
    """What is rare enough to have statements of its own: while it runs, the others wait."""
    answer: Answer = await _in_turn(u, lambda: work(u, *args, **more))
    return answer


async def side_by_side(u: Any, works: Sequence[Callable[[], Awaitable[Answer]]]) -> list[Answer]:
    """Do all of it, asking together; answers in order. The first error ends all and is raised."""
    if not works:
        return []
    company = _Company(len(works))

    async def one(work: Callable[[], Awaitable[Answer]]) -> Answer:
        _AMONG.set(company)
        try:
            return await work()
        finally:
            company.rests()

    tasks = [asyncio.ensure_future(one(work)) for work in works]
    try:
        while await company.serve(u):
            pass
        return [await task for task in tasks]
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
