"""The block list of a practice, as the settings show it: add, look up, import, remove with a reason."""

from dataclasses import dataclass
from typing import Any

import reflex as rx

from services.kit.errors import AppError, Invalid
from services.suppression import block_list, blocks
from services.suppression.block_list import BlockRow, Imported
from services.suppression.block_reading import GROUNDS, KINDS, MAX_BYTES
from state import words
from state.session import Session, acting, changed, explain

GROUND_CHOICES: list[list[str]] = [[key, sentence] for key, sentence in GROUNDS.items()]


@dataclass(frozen=True)
class Entry:
    id: str
    shown: str
    kind: str
    why: str
    by: str
    since: str
    removable: bool


@dataclass(frozen=True)
class File:
    when: str
    by: str
    result: str
    unread: str


@dataclass(frozen=True)
class Unread:
    row: str
    sentence: str


class Blocks(rx.State):
    loading: bool = True
    may_remove: bool = False
    entries: list[Entry] = []
    total: str = ""
    more: str = ""
    asked: bool = False
    found: list[Entry] = []
    ground: str = "asked"
    files: list[File] = []
    unread: list[Unread] = []
    busy: bool = False
    removing: str = ""
    removing_words: str = ""

    @rx.event
    async def load(self) -> None:
        self.asked, self.found, self.removing, self.busy = False, [], "", False
        await self._read()

    @rx.event
    async def add(self, form: dict[str, str]) -> Any:
        async with acting(self, "suppress") as u:
            new = await blocks.block(u, form.get("entry", ""), ground=_ground(form.get("ground", "")))
        await self._read()
        await changed(self, "people")
        if not new:
            return rx.toast.info("It was on the list already.")
        return [
            rx.toast.success("On the list. What was on its way there was called back."),
            rx.set_value("entry", ""),
        ]

    @rx.event
    async def look_up(self, form: dict[str, str]) -> None:
        """What keeps an address from being written to."""
        zone = (await self.get_state(Session)).zone
        async with acting(self, "suppress") as u:
            found = await block_list.find_blocks(u, form.get("wanted", ""))
        self.asked, self.found = True, [_entry(row, zone) for row in found]

    @rx.event
    def set_ground(self, ground: str) -> None:
        self.ground = ground

    @rx.event
    async def upload(self, files: list[rx.UploadFile]) -> Any:
        """One file of entries; rows that cannot be read are shown and kept."""
        if not files:
            return
        self.busy = True
        yield
        try:
            content = await files[0].read()
            if len(content) > MAX_BYTES:
                raise Invalid("This file is larger than 5 MB. Split it and import the parts.")
            async with acting(self, "suppress") as u:
                done = await blocks.import_blocks(u, content, ground=_ground(self.ground))
        except AppError as error:  # a raised one would leave the page waiting for ever
            yield explain(error)
        else:
            await changed(self, "people")
            yield rx.toast.success(f"{words.plural(done.added, 'new entry', 'new entries')} on the list.")
        self.busy = False
        await self._read()

    @rx.event
    async def show_more(self) -> None:
        zone = (await self.get_state(Session)).zone
        async with acting(self, "suppress") as u:
            rows, more, _ = await block_list.blocks(u, before=self.more or None)
        self.entries += [_entry(row, zone) for row in rows]
        self.more = more or ""

    @rx.event
    def ask_removal(self, entry_id: str, shown: str) -> None:
        self.removing, self.removing_words = entry_id, shown

    @rx.event
    def leave_it(self, open: bool) -> None:
        if not open:
            self.removing = ""

    @rx.event
    async def remove(self, form: dict[str, str]) -> Any:
        async with acting(self, "compliance") as u:
            await blocks.unblock(u, self.removing, why=form.get("why_removed", ""))
        self.removing, self.asked, self.found = "", False, []
        await self._read()
        await changed(self, "people")
        return rx.toast.success("Off the list. Consent and every other rule still hold.")

    async def _read(self) -> None:
        zone = (await self.get_state(Session)).zone
        async with acting(self, "read") as u:
            self.may_remove = u.actor.may("compliance")
            if u.actor.may("suppress"):
                rows, more, total = await block_list.blocks(u)
                files = await block_list.imports_so_far(u)
                self.entries, self.more = [_entry(row, zone) for row in rows], more or ""
                self.total = words.plural(total, "entry", "entries")
                self.files = [_file(done, zone) for done in files]
                self.unread = [
                    Unread(str(p.row_number), p.problem) for done in files[:1] for p in done.problems[:50]
                ]
        self.loading = False


def _ground(given: str) -> Any:
    if given not in GROUNDS:
        raise Invalid("Choose one of the reasons.")
    return given


def _entry(row: BlockRow, zone: str) -> Entry:
    return Entry(
        row.entry_id, row.shown, KINDS[row.kind], row.ground_words, row.added_by,
        words.day(row.added_at, zone), not row.everywhere,
    )  # fmt: skip


def _file(done: Imported, zone: str) -> File:
    unread = f"{words.plural(len(done.problems), 'row')} could not be read" if done.problems else ""
    result = f"{words.count(done.added)} added, {words.count(done.known)} there before"
    return File(words.moment(done.at, zone), done.by, result, unread)
