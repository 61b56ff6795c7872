"""Who calls: a session's cookie or an API key, and what they must be allowed to do."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request
from fastapi.security import APIKeyCookie, HTTPAuthorizationCredentials, HTTPBearer

from services import bootstrap
from services.access import service as access
from services.bootstrap import App
from services.kit.actor import Actor, Permission
from services.kit.errors import Forbidden, NotSignedIn, StepUpNeeded
from services.kit.live import notify
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

    @asynccontextmanager
    async def unit(self, *topics: str) -> AsyncIterator[Unit]:
        """One transaction; after its commit, open pages are told that `topics` changed."""
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


def caller(permission: Permission | None = None) -> Callable[..., Awaitable[Caller]]:
    """A dependency that answers 401 to strangers and 403 to those without `permission`."""

    async def who(request: Request, app: Running, token: Token, key: Key) -> Caller:
        return await identify(request, app, token, key, permission)

    return who


async def identify(
    request: Request,
    app: App,
    token: str | None,
    key: HTTPAuthorizationCredentials | None,
    permission: Permission | None,
) -> Caller:
    """The caller behind a cookie or a key; a key wins. Raises NotSignedIn, Forbidden."""
    if key is not None:
        found = Caller(app, await access.actor_of_key(app, key.credentials), None)
    elif token:
        require_same_origin(request, app)
        found = Caller(app, await access.actor_of(app, token), token)
    else:
        raise NotSignedIn("Sign in, or send an API key as `Authorization: Bearer …`.")
    if permission is not None:
        found.actor.require(permission)
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
