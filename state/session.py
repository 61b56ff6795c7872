"""Who is at the other end of the socket, asked anew for every handler (house rules 11 and 16).

The session is the HttpOnly cookie that came with the socket's handshake; nothing the browser
can write into a state var counts. Handlers raise; `explain` turns what they raise into words.
"""

import hashlib
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import wraps
from http.cookies import CookieError, SimpleCookie
from typing import Any
from uuid import UUID

import reflex as rx
from reflex_base.registry import RegistrationContext

from services.access import service as access
from services.bootstrap import app
from services.campaigns.shell import shell
from services.kit import live
from services.kit.actor import Actor, Permission
from services.kit.errors import AppError, Forbidden, NotFound, NotSignedIn
from services.kit.uow import Unit
from state import words

COOKIE = "cm_session"
TO_SIGN_IN = (
    "if (!location.pathname.startsWith('/login')) location.replace('/login' + (location.pathname === '/' ? '' : "
    "'?next=' + encodeURIComponent(location.pathname + location.search)))"
)
"""To the sign-in page, which brings people back to where they are now."""
logger = logging.getLogger(__name__)


def token_of(state: rx.State) -> str:
    """The session token of this socket; empty when there is none."""
    try:
        jar = SimpleCookie(state.router.headers.cookie)
    except CookieError:
        return ""
    found = jar.get(COOKIE)
    return found.value if found else ""


async def actor_of(state: rx.State) -> Actor:
    """Whoever is signed in. Raises NotSignedIn."""
    token = token_of(state)
    if not token:
        raise NotSignedIn("Please sign in.")
    return await access.actor_of(app(), token)


class NoRole(Forbidden):
    """Somebody signed in who may do nothing at all: in the place of every page stands why, once."""


async def permitted(state: rx.State, permission: Permission) -> Actor:
    """Whoever is signed in, who must hold `permission`. Raises NotSignedIn, Forbidden."""
    actor = await actor_of(state)
    if not actor.permissions:
        raise NoRole("You have no role here yet.")
    actor.require(permission)
    return actor


@asynccontextmanager
async def acting(state: rx.State, permission: Permission | None) -> AsyncIterator[Unit]:
    """One transaction of the person at this socket, who must hold `permission`.

    None: being signed in is enough. Raises NotSignedIn, Forbidden.
    """
    actor = await (permitted(state, permission) if permission else actor_of(state))
    async with app().uow(actor) as u:
        yield u


async def pings(state: rx.State, path: str = "") -> AsyncIterator[str]:
    """Topics that changed, for as long as this browser tab is open on `path` or below it.

    Without a path: on any page. For background handlers only; ends within seconds after the page
    is left or the tab is closed.
    """
    async with state:
        actor = await actor_of(state)
    async for topic in live.watch(app().bus, actor.practice_id):
        async with state:
            if not _here(state.router.url.path, path) or not _open(state.router.session.client_token):
                return
        yield topic


def _here(at: str, path: str) -> bool:
    at = at.rstrip("/") or "/"
    return not path or at == path or (path != "/" and at.startswith(path + "/"))


def _open(client_token: str) -> bool:
    space = RegistrationContext.get().app.event_namespace
    return space is not None and client_token in space.token_to_sid


async def changed(state: rx.State, topic: str) -> None:
    """Tell every open page of the practice that `topic` changed; call after the commit."""
    actor = await actor_of(state)
    await live.notify(app().bus, actor.practice_id, topic)


def uuid_of(text: str) -> UUID:
    """An id that came from the browser. Raises NotFound for anything that is not one."""
    try:
        return UUID(text)
    except ValueError as error:
        raise NotFound("That page does not exist (any more).") from error


def explain(exception: Exception) -> rx.event.EventSpec | None:
    """What a person sees when a handler raised: our sentence, or a promise that we know. None where
    the page itself says it."""
    if isinstance(exception, NoRole):
        return None
    if isinstance(exception, NotSignedIn):
        return rx.call_script(TO_SIGN_IN)
    if isinstance(exception, AppError):
        return rx.toast.error(exception.message, duration=8000)
    logger.error("A handler failed", exc_info=exception)
    return rx.toast.error("That did not work, and the problem was written to the log. Nothing was changed.")


def opens(load: Callable[[Any], Awaitable[Any]]) -> Callable[[Any], Awaitable[Any]]:
    """For a page's own `load`: an address that leads nowhere gets a page that says so, in place of
    one that never ends loading."""

    @wraps(load)
    async def opened(self: rx.State) -> Any:
        try:
            return await load(self)
        except NotFound as error:
            (await self.get_state(Session)).missing = error.message
            return None

    return opened


async def forget(state: rx.State) -> None:
    """Put every page's state of this tab back to its defaults."""
    (await state.get_state(rx.State)).reset()


class Session(rx.State):
    """What the frame shows. Decides nothing: every handler asks the server-side session again."""

    ready: bool = False
    name: str = ""
    initials: str = ""
    role: str = ""
    practice: str = ""
    zone: str = "Europe/London"
    may: list[str] = []
    approvals_waiting: int = 0
    stopped: bool = False
    stopped_words: str = ""
    demo: bool = False
    missing: str = ""
    """Why there is nothing at this address; empty where there is something."""

    _holder: str = ""

    @rx.event
    async def enter(self) -> Any:
        """Every page's first handler: fills the frame, or sends to the sign-in page.

        A tab keeps its state over a sign-out: what the last person saw is forgotten first.
        """
        holder = hashlib.sha256(token_of(self).encode()).hexdigest()
        if self._holder not in ("", holder):
            await forget(self)
        self._holder, self.missing = holder, ""
        await self._read()
        return Session.follow

    @rx.event(background=True, supersedes=True)
    async def follow(self) -> None:
        """Keeps the frame fresh: approvals waiting, the kill switch."""
        async for topic in pings(self):
            if topic in ("tick", "approvals", "kill_switch", "campaigns"):
                async with self:
                    await self._read()

    async def _read(self) -> None:
        who = await access.me(app(), token_of(self))
        async with app().uow(who.actor) as u:
            facts = await shell(u)
        self.name, self.initials = who.actor.display_name, words.initials(who.actor.display_name)
        self.role = ", ".join(who.role_labels)
        self.practice, self.zone = who.practice_label, who.timezone
        self.may = sorted(who.actor.permissions)
        self.approvals_waiting = facts.approvals_waiting
        self.demo = app().settings.environment == "development"
        stop = facts.kill_switch
        self.stopped = stop is not None
        self.stopped_words = (
            f"Stopped by {stop.who} since {words.moment(stop.since, who.timezone)}"
            + (f": {stop.reason}" if stop.reason else ".")
            if stop
            else ""
        )
        self.ready = True


def may(permission: Permission) -> rx.Var[bool]:
    """Whether to show something at all; the handler behind it checks again."""
    return Session.may.contains(permission)
