"""Who calls: a session's cookie or an API key, and what they must be allowed to do."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer

from cm_app.api.routing import Call
from services import bootstrap
from services.access import service as access
from services.bootstrap import App
from services.kit.actor import Actor, Permission
from services.kit.errors import Forbidden, NotSignedIn, StepUpNeeded
from services.kit.live import notify
from services.kit.rates import Policy, Rates
from services.kit.uow import Unit

COOKIE = "cm_session"
SAFE = ("GET", "HEAD", "OPTIONS")
_cookie = APIKeyCookie(name=COOKIE, auto_error=False, description="A person's session.")
_bearer = HTTPBearer(auto_error=False, description="An API key.")


@dataclass(frozen=True)
class Caller:
    """Whoever makes this request; `token` is the session's, None for an API key."""

    app: App
    actor: Actor
    token: str | None
    call: Call | None = None

    @asynccontextmanager
    async def unit(self, *topics: str) -> AsyncIterator[Unit]:
        """One transaction; after its commit, open pages are told that `topics` changed.

        With an Idempotency-Key it stays open until the answer is written beside the act.
        """
        if self.call is not None and self.call.key is not None:
            yield await self.call.held(self.app, self.actor, topics)
            return
        async with self.app.uow(self.actor) as u:
            yield u
        for topic in topics:
            await notify(self.app.bus, self.actor.practice_id, topic)

    async def require_fresh(self) -> None:
        """D10. An API key has no second factor, so what needs one is for people."""
        if self.token is None:
            raise StepUpNeeded("This needs a person with a fresh one-time code; an API key cannot do it.")
        await access.require_fresh(self.app, self.token)


async def running(request: Request) -> App:
    """The app of this process: the one the API was made for, else the process's own."""
    app: App = request.app.state.wired or bootstrap.app()
    return app


Running = Annotated[App, Depends(running)]


Token = Annotated[str | None, Depends(_cookie)]
Key = Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]


class Needs:
    """A dependency that answers 401 to strangers and 403 to those with none of `permissions`."""

    def __init__(self, *permissions: Permission) -> None:
        self.permissions = permissions

    async def __call__(self, request: Request, app: Running, token: Token, key: Key) -> Caller:
        return await identify(request, app, token, key, *self.permissions)


def caller(*permissions: Permission) -> Needs:
    """Whoever calls, holding at least one of `permissions`; without any named: whoever is signed in."""
    return Needs(*permissions)


async def identify(
    request: Request,
    app: App,
    token: str | None,
    key: HTTPAuthorizationCredentials | None,
    *permissions: Permission,
) -> Caller:
    """The caller behind a cookie or a key; a key wins. Raises NotSignedIn, Forbidden, TooMany."""
    call: Call = getattr(request.state, "call", None) or Call(request)
    request.state.call = call
    try:
        if key is not None:
            found = Caller(app, await access.actor_of_key(app, key.credentials), None, call)
        elif token:
            require_same_origin(request, app)
            found = Caller(app, await access.actor_of(app, token), token, call)
        else:
            raise NotSignedIn("Sign in, or send an API key as `Authorization: Bearer …`.")
    except NotSignedIn:
        await count_stranger(request, app)
        raise
    call.standing = await rates(request, app).take(
        [
            (Policy("caller", app.settings.api_per_caller), found.actor.ref),
            (Policy("practice", app.settings.api_per_practice), str(found.actor.practice_id)),
        ]
    )
    if permissions and not any(map(found.actor.may, permissions)):
        found.actor.require(permissions[0])
    return found


async def count_stranger(request: Request, app: App) -> None:
    """Count one request without credentials that hold, by its address. Raises TooMany."""
    address = request.client.host if request.client else ""
    policy = Policy("address", app.settings.api_per_stranger)
    request.state.call.standing = await rates(request, app).take([(policy, address)])


def rates(request: Request, app: App) -> Rates:
    """The counter of this API, made at its first request."""
    state = request.app.state
    if getattr(state, "rates", None) is None:
        state.rates = Rates(app.bus)
    found: Rates = state.rates
    return found


def require_same_origin(request: Request, app: App) -> None:
    """Refuse a change that another site's page asks this person's browser for (CSRF).

    Browsers send Origin or Sec-Fetch-Site with every such request; what sends neither is no
    browser and carries no cookie it was not given on purpose.
    """
    if request.method in SAFE:
        return
    origin = request.headers.get("origin")
    if origin is not None:
        ours = origin in app.settings.allowed_origins or urlsplit(origin).netloc == request.url.netloc
    else:
        ours = request.headers.get("sec-fetch-site", "none") in ("same-origin", "none")
    if not ours:
        raise Forbidden("This request came from another site. Open Campaign Manager itself and try again.")
