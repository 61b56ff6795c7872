"""Webhooks of the practice: endpoints, their secrets shown once, and what was sent to them."""

from dataclasses import dataclass
from typing import Any

import reflex as rx

from services.bootstrap import app
from services.kit.uow import Unit
from services.webhooks import service as webhooks
from services.webhooks.contracts import EVENT_TYPES, Delivery, Endpoint
from state import words
from state.session import Session, acting, actor_of, changed, pings, uuid_of

TYPE = "type:"
"""Form fields of the event types begin so."""
STATES: dict[str, tuple[str, words.Tone]] = {
    "on": ("On", "ok"),
    "off": ("Switched off", "neutral"),
    "stopped": ("Stopped", "danger"),
}
SENT: dict[str, tuple[str, words.Tone]] = {
    "waiting": ("Waiting", "warn"),
    "delivered": ("Delivered", "ok"),
    "failed": ("Failed", "danger"),
}


@dataclass(frozen=True)
class Hook:
    id: str
    label: str
    url: str
    types: str
    on: bool
    state: str
    tone: str
    trouble: str
    last: str
    waiting: int
    failed: int


@dataclass(frozen=True)
class Sent:
    id: str
    at: str
    type: str
    state: str
    tone: str
    attempts: str
    outcome: str
    can_retry: bool


class Webhooks(rx.State):
    hooks: list[Hook] = []
    adding: bool = False
    secret: str = ""
    secret_of: str = ""
    opened: str = ""
    only_failed: bool = False
    any_failed: bool = False
    sent: list[Sent] = []

    @rx.event
    async def load(self) -> Any:
        self.reset()
        await self._read()
        return Webhooks.follow

    @rx.event(background=True, supersedes=True)
    async def follow(self) -> None:
        async for topic in pings(self, "/integrations"):
            if topic in ("tick", "webhooks"):
                async with self:
                    await self._read()

    @rx.event
    def ask(self, open: bool) -> None:
        self.adding = open

    @rx.event
    def hide_secret(self, open: bool = False) -> None:
        if not open:
            self.secret = self.secret_of = ""

    @rx.event
    async def add(self, form: dict[str, str]) -> Any:
        """A new endpoint; its secret is shown once."""
        types = [name.removeprefix(TYPE) for name in form if name.startswith(TYPE)]
        async with acting(self, "administer") as u:
            made = await webhooks.add(
                u, label=form.get("label", ""), url=form.get("url", ""), event_types=types, private=_private()
            )
        self.adding, self.secret, self.secret_of = False, made.secret, made.endpoint.label
        await self._told()

    @rx.event
    async def rotate(self, endpoint_id: str) -> Any:
        """A new secret, shown once; the old one signs beside it for a day."""
        async with acting(self, "administer") as u:
            made = await webhooks.rotate(u, uuid_of(endpoint_id))
        self.secret, self.secret_of = made.secret, made.endpoint.label
        await self._told()

    @rx.event
    async def switch(self, endpoint_id: str, on: bool) -> Any:
        async with acting(self, "administer") as u:
            await webhooks.change(u, uuid_of(endpoint_id), on=on, private=_private())
        await self._told()
        return rx.toast.success("Switched on." if on else "Switched off. What waits is kept.")

    @rx.event
    async def remove(self, endpoint_id: str) -> Any:
        async with acting(self, "administer") as u:
            await webhooks.remove(u, uuid_of(endpoint_id))
        await self._told()
        return rx.toast.success("Removed, with its log.")

    @rx.event
    async def test(self, endpoint_id: str) -> Any:
        async with acting(self, "administer") as u:
            await webhooks.send_test(u, uuid_of(endpoint_id))
        self.opened = endpoint_id
        await self._told()
        return rx.toast.info("A test event is on its way.")

    @rx.event
    async def open(self, endpoint_id: str) -> None:
        """Show what was sent to an endpoint, or close it again."""
        self.opened = "" if self.opened == endpoint_id else endpoint_id
        self.only_failed = False
        await self._read()

    @rx.event
    async def narrow(self, only_failed: bool) -> None:
        self.only_failed = only_failed
        await self._read()

    @rx.event
    async def retry(self, event_id: str) -> Any:
        """Try one parked delivery of the opened endpoint again, or all with `all`."""
        async with acting(self, "administer") as u:
            wanted = None if event_id == "all" else uuid_of(event_id)
            count = await webhooks.retry(u, uuid_of(self.opened), event_id=wanted)
        await self._told()
        return rx.toast.success(f"{words.plural(count, 'delivery', 'deliveries')} will be tried again.")

    async def _told(self) -> None:
        await changed(self, "webhooks")
        await self._read()

    async def _read(self) -> None:
        if not (await actor_of(self)).may("administer"):
            return
        zone = (await self.get_state(Session)).zone
        async with acting(self, "administer") as u:
            found = await webhooks.endpoints(u)
            if self.opened not in {str(e.endpoint_id) for e in found}:
                self.opened = ""
            sent = await self._sent(u)
            self.hooks = [_hook(e, words.ago(e.last_success_at, u.now), zone) for e in found]
        self.any_failed = any(h.failed for h in self.hooks if h.id == self.opened)
        self.sent = [_sent(d, zone) for d in sent]

    async def _sent(self, u: Unit) -> list[Delivery]:
        if not self.opened:
            return []
        return await webhooks.deliveries(
            u, uuid_of(self.opened), status="failed" if self.only_failed else None
        )


def _private() -> bool:
    return app().settings.webhooks_reach_private


def _hook(e: Endpoint, last: str, zone: str) -> Hook:
    state, tone = STATES[e.state]
    trouble = ""
    if e.state == "stopped":
        trouble = f"{e.stopped_why} Nothing is sent to it until it is switched on again."
    elif e.failing_since is not None:
        trouble = f"Nothing was accepted since {words.moment(e.failing_since, zone)}. We keep trying."
    every = len(e.event_types) == len(EVENT_TYPES)
    return Hook(
        id=str(e.endpoint_id),
        label=e.label,
        url=e.url,
        types="All events" if every else ", ".join(e.event_types),
        on=e.state == "on",
        state=state,
        tone="warn" if e.state == "on" and trouble else tone,
        trouble=trouble,
        last=f"Last accepted {last}" if e.last_success_at else "Nothing accepted yet",
        waiting=e.waiting,
        failed=e.failed,
    )


def _sent(d: Delivery, zone: str) -> Sent:
    state, tone = SENT[d.status]
    next_try = f" Next try {words.moment(d.due_at, zone)}." if d.due_at and d.attempts else ""
    return Sent(
        id=str(d.event_id),
        at=words.moment(d.queued_at, zone),
        type=d.type,
        state=state,
        tone=tone,
        attempts=words.count(d.attempts),
        outcome=f"Answered with {d.code}." if d.status == "delivered" else f"{d.problem}{next_try}".strip(),
        can_retry=d.status == "failed",
    )
