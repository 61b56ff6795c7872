"""The page of the API: what it can be asked, from the description that this very process serves."""

import asyncio
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import reflex as rx

from services.bootstrap import app
from state import words
from state.api_reading import Description, Detail, Group
from state.session import permitted

Source = Callable[[], dict[str, Any]]
_sources: list[Source] = []


def described_by(source: Source) -> None:
    """Where the document comes from: the API that this process serves."""
    _sources[:] = [source]
    _read.cache_clear()


@lru_cache
def _read() -> Description:
    """Read once: it is made from the code and changes with nothing else."""
    return Description(_sources[0]() if _sources else {}, app().settings.address())


class ApiReference(rx.State):
    loading: bool = True
    looking: str = ""
    groups: list[Group] = []
    count: str = ""
    shown: dict[str, Detail] = {}
    """Operations that are open, in full."""

    @rx.event
    async def load(self) -> None:
        await permitted(self, "read")
        # The first reading takes a second, and others are served by this loop.
        read = await asyncio.to_thread(_read)
        self.looking, self.shown = "", {}
        self.groups, self.count = read.groups(), words.plural(read.count, "operation")
        self.loading = False

    @rx.event
    async def find(self, looking: str) -> None:
        """Only operations in which every word occurs: in the address, the words, the permission or the group."""
        await permitted(self, "read")
        self.looking = looking[:200]
        self.groups = _read().groups(self.looking)
        self.count = words.plural(sum(len(group.operations) for group in self.groups), "operation")

    @rx.event
    async def toggle(self, key: str) -> None:
        """Open one operation, or close it."""
        await permitted(self, "read")
        kept = {known: detail for known, detail in self.shown.items() if known != key}
        found = _read().detail(key) if key not in self.shown else None
        self.shown = {**kept, key: found} if found else kept
