"""A browser tab without a browser: every state of the portal, its handlers called as the socket would.

Statements that reach the database are noted, with the practice each transaction was opened for.
"""

import importlib
import inspect
import pkgutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, get_args, get_origin, get_type_hints
from uuid import UUID

import reflex as rx
from reflex.istate.data import HeaderData, RouterData
from reflex_base.event import EventHandler
from sqlalchemy import event
from sqlalchemy.ext.asyncio import AsyncEngine

import state as portal
from services.access import queries
from services.kit.errors import Forbidden, NotSignedIn
from state.session import COOKIE

LOOKUPS = (queries.FIND_SESSION, queries.SESSION, queries.SEEN, "SELECT set_config('cm.practice_id'")
"""What asking who is there may cost; anything more is a look at the practice."""


def states() -> list[type[rx.State]]:
    """Every State class of the portal, by import."""
    for found in pkgutil.iter_modules(portal.__path__, "state."):
        importlib.import_module(found.name)
    todo, classes = [rx.State], []
    while todo:
        todo += sorted(todo.pop().get_substates(), key=lambda c: c.get_full_name())
        classes += [c for c in todo if c.__module__.startswith("state.") and c not in classes]
    return classes


def handlers() -> dict[str, tuple[type[rx.State], EventHandler]]:
    """`Class.handler` → its class and handler, of everything the socket can call by name."""
    return {
        f"{cls.__name__}.{name}": (cls, handler)
        for cls in states()
        for name, handler in cls.event_handlers.items()
        if name != "setvar"
    }


@dataclass
class Seen:
    """What one call did: how it ended, the statements beyond asking who is there, whose rows."""

    error: Exception | None = None
    statements: list[str] = field(default_factory=list)
    practices: set[UUID] = field(default_factory=set)

    @property
    def refused(self) -> bool:
        return isinstance(self.error, Forbidden | NotSignedIn)


@dataclass
class Tab:
    """One tab's states. `cookie` is the session's; changing it is another person at the same tab."""

    engine: AsyncEngine
    cookie: str = ""
    root: rx.State = field(init=False)

    def __post_init__(self) -> None:
        states()
        self.root = rx.State(_reflex_internal_init=True)

    def of(self, cls: type[rx.State]) -> Any:
        return self.root.get_substate(cls.get_full_name().split("."))

    def goes_to(self, path: str) -> None:
        cookie = f"{COOKIE}={self.cookie}" if self.cookie else ""
        data = RouterData.from_router_data({"pathname": path, "asPath": path, "token": "tab"})
        self.root.router = RouterData(
            session=data.session, headers=HeaderData(cookie=cookie), url=data.url, route_id=path
        )

    async def call(self, cls: type[rx.State], handler: EventHandler, *given: Any) -> Seen:
        """Run one handler to its end, a generator and a background one too."""
        seen = Seen()
        found = self.of(cls)
        me = _Proxy(found) if handler.is_background else found
        with noted(self.engine, seen):
            try:
                answer = handler.fn(me, *given)
                if inspect.isasyncgen(answer):
                    async for _ in answer:
                        pass
                elif inspect.isawaitable(answer):
                    await answer
            except Exception as error:  # noqa: BLE001 what it was is the answer
                seen.error = error
        return seen


class _Proxy:
    """What a background handler holds: the state, which it locks to change it."""

    def __init__(self, held: rx.State) -> None:
        object.__setattr__(self, "_held", held)

    def __getattr__(self, name: str) -> Any:
        member = getattr(type(self._held), name, None)
        return member.__get__(self) if inspect.isfunction(member) else getattr(self._held, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(self._held, name, value)

    async def __aenter__(self) -> "_Proxy":
        return self

    async def __aexit__(self, *_: object) -> None:
        return None


@contextmanager
def noted(engine: AsyncEngine, seen: Seen) -> Iterator[None]:
    """Note every statement of this engine in `seen`."""

    def listen(_c: Any, _cursor: Any, statement: str, values: Any, _context: Any, _many: bool) -> None:
        if "set_config('cm.practice_id'" in statement:
            seen.practices.add(UUID(next(iter(values.values()))))
        elif not any(_plain(known) in _plain(statement) for known in LOOKUPS):
            seen.statements.append(" ".join(statement.split())[:120])

    event.listen(engine.sync_engine, "before_cursor_execute", listen)
    try:
        yield
    finally:
        event.remove(engine.sync_engine, "before_cursor_execute", listen)


def _plain(sql: str) -> str:
    """Without the bound values' spelling, which the driver changes."""
    return " ".join(sql.split()).split(":")[0].split("%(")[0]


def invented(handler: EventHandler, wanted: UUID) -> list[Any]:
    """Arguments of the right kinds; every text that may be an id is `wanted`."""
    hints = get_type_hints(handler.fn)
    names = list(inspect.signature(handler.fn).parameters)[1:]
    return [_invented(hints.get(name, str), wanted) for name in names]


def _invented(kind: Any, wanted: UUID) -> Any:
    kind = get_origin(kind) or kind
    if kind is dict:
        return {key: str(wanted) for key in ("id", "step", "note", "reason", "why", "entry", "wanted")}
    if kind is list:
        return []
    simple = {bool: True, int: 1, float: 1.0, str: str(wanted)}
    return simple.get(kind, simple.get(next(iter(get_args(kind)), None), str(wanted)))
