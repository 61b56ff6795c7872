"""Signing in through an OpenID provider: there, and back again."""

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import RedirectResponse

from cm_app.api.routing import Route, any_query
from cm_app.api.security import COOKIE, Running
from cm_app.api.sessions import is_https, is_local, with_cookie
from services.access import service as access
from services.bootstrap import App

router = APIRouter(prefix="/api/session/oidc", tags=["Session"], route_class=Route)
CARRIED = "cm_oidc"


async def _provider(app: Running) -> access.Provider:
    return access.provider(app)


Asked = Annotated[access.Provider, Depends(_provider)]


@router.get("", status_code=303, response_class=RedirectResponse)
async def begin(request: Request, app: Running, provider: Asked, next: str = "/") -> Response:
    """Sign in through the provider: sends the browser there.

    `next` is the path of this portal to go on to afterwards.
    """
    try:
        begun = await provider.begin(app.clock.now(), next if is_local(next) else "/")
    except access.SignInRefused as error:
        return _refused(request, app, error)
    answer = RedirectResponse(begun.address, 303)
    answer.set_cookie(
        CARRIED, begun.carried, path="/api/session/oidc", max_age=600, httponly=True, samesite="lax",
        secure=is_https(request, app),
    )  # fmt: skip
    answer.headers["Cache-Control"] = "no-store"
    return answer


@router.get("/back", status_code=303, response_class=RedirectResponse)
@any_query
async def back(request: Request, app: Running, provider: Asked) -> Response:
    """Come back from the provider: a session, or the sign-in page with what went wrong."""
    given = {key: value for key, value in request.query_params.items() if len(value) < 4_096}
    try:
        proved = await provider.finish(app.clock.now(), request.cookies.get(CARRIED, ""), given)
        signed_in = await access.sign_in_from_outside(
            app,
            app.settings.oidc_issuer,
            proved.claims,
            user_agent=request.headers.get("user-agent", "")[:400],
        )
    except access.SignInRefused as error:
        return _refused(request, app, error)
    old = request.cookies.get(COOKIE)
    if old:
        await access.sign_out(app, old)
    return with_cookie(
        _without_carried(RedirectResponse(proved.onwards, 303), request, app), request, app, signed_in.token
    )


def _refused(request: Request, app: App, error: access.SignInRefused) -> Response:
    answer = RedirectResponse(f"/login?{urlencode({'problem': error.reason})}", 303)
    return _without_carried(answer, request, app)


def _without_carried(answer: Response, request: Request, app: App) -> Response:
    """What was carried is good for one return only."""
    answer.delete_cookie(
        CARRIED, path="/api/session/oidc", httponly=True, samesite="lax", secure=is_https(request, app)
    )
    return answer
