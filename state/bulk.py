"""Several campaigns of the list at once: pause, resume, cancel, tag; outcomes told, undone where possible."""

from datetime import UTC, datetime, timedelta
from typing import Any

import reflex as rx

from services.bootstrap import app
from services.campaigns.bulk import BULK, DONE, NEEDS, Bulk, several
from services.campaigns.several import told
from services.kit.errors import Invalid
from state import step_up
from state.session import changed, permitted, uuid_of
from state.undo import UNDO_SECONDS, offered

UNDONE: dict[Bulk, Bulk] = {"pause": "resume", "resume": "pause", "tag": "untag", "untag": "tag"}
"""What takes a deed back; a cancelled campaign is final (D6)."""
LENIENT = timedelta(seconds=UNDO_SECONDS * 2)
"""How long an undo counts on the server; the button is gone before."""


class Several(rx.State):
    chosen: list[str] = []
    tag: str = ""
    tagging: bool = False
    cancelling: bool = False
    coding: bool = False
    code_hint: str = ""

    _waiting: Bulk = "resume"
    _done: list[str] = []
    _last: Bulk = "pause"
    _tag_last: str = ""
    _until: datetime = datetime(1, 1, 1, tzinfo=UTC)

    @rx.event
    def clear(self) -> None:
        self.reset()

    @rx.event
    def choose(self, id: str, on: bool) -> None:
        kept = [one for one in self.chosen if one != id][:99]
        self.chosen = [*kept, id] if on else kept

    @rx.event
    def set_tag(self, value: str) -> None:
        self.tag = value[:40]

    @rx.event
    def set_tagging(self, on: bool) -> None:
        self.tagging = bool(on)

    @rx.event
    def set_cancelling(self, on: bool) -> None:
        self.cancelling = bool(on)

    @rx.event
    def ask_code(self, on: bool) -> None:
        self.coding = bool(on)

    @rx.event
    async def do(self, what: str) -> Any:
        """Carry out one deed for all that are marked; resuming several asks for a fresh code (D10)."""
        deed = _known(what)
        actor = await permitted(self, NEEDS[deed])
        if deed == "resume":
            self._waiting = deed
            if not await step_up.fresh(self):
                return None
        ids = [uuid_of(one) for one in self.chosen]
        done = await several(app().uow, actor, ids, deed, tag=self.tag)
        self.tagging = self.cancelling = False
        self._done = [str(one.id) for one in done if one.done]
        self._last, self._tag_last = deed, self.tag
        self._until = app().clock.now() + LENIENT
        self.chosen, self.tag = [], ""
        await changed(self, "campaigns")
        sentence = told(done, DONE[deed])
        if deed in UNDONE and self._done:
            return offered(sentence, Several.undo)
        return rx.toast.info(sentence, duration=10_000)

    @rx.event
    async def undo(self) -> Any:
        """Take back what the last deed did, and only that, within seconds: it restores what was so a
        moment ago, so it asks for no code."""
        deed = UNDONE.get(self._last)
        actor = await permitted(self, NEEDS[deed or self._last])
        if deed is None or not self._done or app().clock.now() > self._until:
            return rx.toast.warning("That cannot be taken back any more.")
        ids = [uuid_of(one) for one in self._done]
        self._done = []
        done = await several(app().uow, actor, ids, deed, tag=self._tag_last, reason="Undone")
        await changed(self, "campaigns")
        return rx.toast.info(told(done, "put back"))

    @rx.event
    async def give_code(self, form: dict[str, str]) -> Any:
        await permitted(self, "manage")
        await step_up.take(self, form)
        return Several.do(self._waiting)


def _known(what: str) -> Bulk:
    for one in BULK:
        if one == what:
            return one
    raise Invalid("That cannot be done with several campaigns.")
