"""Choosing the people of a list rule: who is on it by name, and a search for others."""

from dataclasses import dataclass

import reflex as rx

from services.audience.people import PersonFound, people_named, search_people
from state import words
from state.session import acting, uuid_of

MOST = 30


@dataclass(frozen=True)
class PersonPick:
    id: str
    name: str
    about: str


class RulePeople(rx.State):
    """One list at a time is open on a page; names are read only while it is."""

    open_at: str = ""
    text: str = ""
    rows: list[PersonPick] = []

    @rx.event
    async def toggle(self, where: str, chosen: list[str]) -> None:
        """Open the list of a rule with the people who are on it, or close it."""
        self.text, self.rows = "", []
        self.open_at = "" if self.open_at == where else where[:200]
        if not self.open_at:
            return
        async with acting(self, "read") as u:
            named = await people_named(u, [uuid_of(one) for one in chosen[:200]])
            others = [] if named else await search_people(u, "", limit=8)
        self.rows = [PersonPick(str(one), name, "") for one, name in named] or [_row(p) for p in others]

    @rx.event
    async def find(self, text: str) -> None:
        self.text = text[:80]
        async with acting(self, "read") as u:
            self.rows = [_row(person) for person in await search_people(u, self.text, limit=MOST)]


def _row(person: PersonFound) -> PersonPick:
    return PersonPick(str(person.contact_id), person.name, words.plain(person.kind))
