"""Signing in and out over HTTP: only an HTTP answer can set an HttpOnly cookie."""

from contextlib import suppress
from typing import Annotated, Any
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import JSONResponse, RedirectResponse

from cm_app.api.routing import Route, accepts
from cm_app.api.security import COOKIE, Caller, Running, caller, count_stranger, require_same_origin
from services.access import service as access
from services.bootstrap import App
from services.kit.errors import AppError, Invalid, NotSignedIn

router = APIRouter(prefix="/api/session", tags=["Session"], route_class=Route)
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
LIMIT = 16_384


@router.post("", response_class=JSONResponse)
@accepts("application/json", *FORMS, most=LIMIT)
async def sign_in(request: Request, app: Running) -> Response:
    """Sign in with `login` and `password`, as a form or as JSON.

    A form may add `next`, a path to go on to.

    A browser's form is answered with a redirect (303), to `/login?problem=…` when it failed; JSON
    with who signed in. Both set the session's cookie.
    """
    require_same_origin(request, app)
    await count_stranger(request, app)
    given, is_form = await _fields(request)
    try:
        signed_in = await access.sign_in(
            app,
            given.get("login", ""),
            given.get("password", ""),
            user_agent=request.headers.get("user-agent", "")[:400],
        )
    except NotSignedIn as error:
        if not is_form:
            raise
        problem = "locked" if isinstance(error, access.LockedOut) else "wrong"
        query = {"problem": problem} | ({"next": given["next"]} if is_local(given.get("next")) else {})
        return RedirectResponse(f"/login?{urlencode(query)}", 303)
    old = request.cookies.get(COOKIE)
    if old:
        await access.sign_out(app, old)
    answer = _onwards(given) if is_form else JSONResponse({"name": signed_in.actor.display_name})
    return with_cookie(answer, request, app, signed_in.token)


@router.delete("", status_code=204)
async def sign_out(request: Request, app: Running) -> Response:
    """Sign out."""
    return await _end(request, app, Response(status_code=204))


@router.post("/end", status_code=303)
@accepts(*FORMS, most=LIMIT)
async def sign_out_form(request: Request, app: Running) -> Response:
    """Sign out from a form, which is sent on to the sign-in page."""
    """Goes on to the sign-in page; after a sign-in through a provider, to its own sign-out first."""
    return await _end(request, app, None)


@router.post("/step-up", response_class=JSONResponse)
@accepts("application/json", *FORMS, most=LIMIT)
async def step_up(request: Request, who: Annotated[Caller, Depends(caller())]) -> Response:
    """Give a one-time code.

    `code` from the authenticator app. The session is fresh for five minutes and gets a new
    cookie; a form goes on to `next`, with `?problem=code` when the code was wrong."""
    if who.token is None:
        raise NotSignedIn("One-time codes are for people; an API key has none.")
    given, is_form = await _fields(request)
    try:
        fresh = await access.step_up(who.app, who.token, given.get("code", ""), rotate=True)
    except AppError as error:
        if not is_form:
            raise
        problem = "locked" if isinstance(error, access.LockedOut) else "code"
        return _onwards(given, problem=problem)
    answer = _onwards(given) if is_form else JSONResponse({"fresh_for_seconds": 300})
    return with_cookie(answer, request, who.app, fresh.token)


async def _end(request: Request, app: App, answer: Response | None) -> Response:
    require_same_origin(request, app)
    token = request.cookies.get(COOKIE)
    if not token:
        raise NotSignedIn("You are signed out already.")
    outside = await access.sign_out(app, token)
    if answer is None:
        onwards = f"{app.settings.address()}/login"
        if outside and app.settings.oidc_issuer:
            with suppress(access.SignInRefused):  # signed out here in any case
                onwards = await access.provider(app).goodbye(app.clock.now(), onwards)
        answer = RedirectResponse(onwards if outside else "/login", 303)
    answer.delete_cookie(COOKIE, path="/", httponly=True, samesite="lax", secure=is_https(request, app))
    return answer


async def _fields(request: Request) -> tuple[dict[str, str], bool]:
    """The request's fields as text, and whether a browser's form sent them. Raises Invalid."""
    if int(request.headers.get("content-length") or 0) > LIMIT:
        raise Invalid("That is too much for a sign-in.")
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind in FORMS:
        async with request.form(max_files=0, max_fields=10) as form:
            return {name: value for name, value in form.items() if isinstance(value, str)}, True
    try:
        body: Any = await request.json()
    except ValueError as error:
        raise Invalid("Send a form, or a JSON object.") from error
    if not isinstance(body, dict):
        raise Invalid("Send a form, or a JSON object.")
    return {name: value for name, value in body.items() if isinstance(value, str)}, False


def _onwards(given: dict[str, str], **query: str) -> Response:
    path = given.get("next", "")
    path = path if is_local(path) else "/"
    if query:
        path += ("&" if "?" in path else "?") + urlencode(query)
    return RedirectResponse(path, 303)


def is_local(path: str | None) -> bool:
    """A path of this portal: browsers read `//host` and `/\\host` as another site."""
    return (
        bool(path)
        and str(path).startswith("/")
        and str(path)[1:2] not in ("/", "\\")
        and str(path).isprintable()
    )


def with_cookie(answer: Response, request: Request, app: App, token: str) -> Response:
    """Set the cookie for as long as the browser stays open; the server ends the session earlier."""
    answer.set_cookie(
        COOKIE,
        token,
        path="/",
        httponly=True,
        samesite="lax",
        secure=is_https(request, app),
    )
    answer.headers["Cache-Control"] = "no-store"
    return answer


def is_https(request: Request, app: App) -> bool:
    return request.url.scheme == "https" or app.settings.address().startswith("https:")
