"""The Hub's small HTTP server: pixel, links, opting out, incoming texts, and the demo's outbox.

Everything a stranger can reach is named by an unguessable token, changes nothing on GET beyond
counting, and redirects only to addresses that were in the message itself.
"""

import base64
import hmac
from collections.abc import Awaitable, Callable
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, FastAPI, Header, HTTPException, Request, Response
from fastapi.responses import HTMLResponse, JSONResponse, RedirectResponse
from pydantic import BaseModel, Field

from services.kit.crypto import Keyring
from services.kit.settings import Settings
from services.neighbours.hub import pages, queries, recipients
from services.neighbours.hub.returned import read_returned
from services.neighbours.hub.service import Hub, practice_of
from services.neighbours.hub.status import status_router

GIF = base64.b64decode("R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7")
MAX_BODY = 25_000
MAX_MAIL = 2_000_000
LIMITS = {"/inbound/mail": MAX_MAIL, "/test-messages": 1_000_000}
"""Bytes that may be posted where it is more."""
HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{pages.STYLE_HASH}'; form-action 'self';"
        " frame-src 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex",
}


class IncomingText(BaseModel):
    """What a gateway posts when somebody texts back. `sender` is named `from` on the wire."""

    sender: str = Field(alias="from", min_length=3, max_length=40)
    text: str = Field(max_length=5_000)
    channel: Literal["sms", "whatsapp"] = "sms"


class IncomingReceipt(BaseModel):
    """A gateway's word on a message it took; `id` is the one the Hub gave it."""

    practice_id: UUID
    id: UUID
    status: Literal["delivered", "failed"]
    reason: str = Field("", max_length=300)


def outbox_url(settings: Settings, keyring: Keyring, practice_id: UUID) -> str:
    """The address of a practice's demo outbox, with its key."""
    return f"{settings.hub_address()}/outbox/{practice_id}?key={_outbox_key(keyring, practice_id)}"


def _outbox_key(keyring: Keyring, practice_id: UUID) -> str:
    return keyring.sign("hub.outbox", practice_id.bytes)[:40]


def web_app(hub: Hub) -> FastAPI:
    """The server of one process. In production there is no outbox."""
    app = FastAPI(title="Communication Hub", openapi_url=None, docs_url=None, redoc_url=None)
    app.include_router(_recipients(hub))
    app.include_router(_gateways(hub))
    app.include_router(status_router(hub))
    if hub.settings.environment != "production":
        app.include_router(_outbox(hub))

    @app.middleware("http")
    async def guard(request: Request, next: Callable[[Request], Awaitable[Response]]) -> Response:
        limit = LIMITS.get(request.url.path, MAX_BODY)
        if int(request.headers.get("content-length") or 0) > limit:
            return JSONResponse({"detail": "Too much."}, status_code=413)
        response = await next(request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    @app.get("/healthz")
    async def healthz() -> dict[str, str]:
        await hub.practices()
        return {"status": "ok"}

    return app


def _recipients(hub: Hub) -> APIRouter:
    router = APIRouter()

    @router.get("/o/{name}")
    async def pixel(name: str) -> Response:
        await recipients.opened(hub, name.removesuffix(".gif"))
        return Response(GIF, media_type="image/gif")

    @router.get("/c/{token}/{link_no}")
    async def click(token: str, link_no: int) -> Response:
        url = await recipients.clicked(hub, token, link_no) if 0 < link_no < 10_000 else None
        if url is None:
            return HTMLResponse(pages.not_found_page(), status_code=404)
        return RedirectResponse(url, status_code=302)

    @router.get("/u/{token}")
    async def choose(token: str) -> Response:
        found = await recipients.look_up(hub, token)
        if found is None:
            return HTMLResponse(pages.not_found_page(), status_code=404)
        return HTMLResponse(pages.choose_page(found.practice, found.topic, token))

    @router.post("/u/{token}")
    async def stop(token: str, request: Request) -> Response:
        """The page's form, or one click from a mail reader (RFC 8058): that one has no choice to
        make, so it stops everything."""
        async with request.form() as form:
            all_topics = form.get("scope") != "topic"
        found = await recipients.unsubscribe(hub, token, all_topics=all_topics)
        if found is None:
            return HTMLResponse(pages.not_found_page(), status_code=404)
        return HTMLResponse(pages.done_page(found.practice, found.topic, all_topics=all_topics))

    return router


def _gateways(hub: Hub) -> APIRouter:
    router = APIRouter(prefix="/inbound")

    def check(authorization: str) -> None:
        """The gateways' token; without one configured only a development hub listens."""
        secret = hub.settings.gateway_token
        if secret is None:
            if hub.settings.environment == "production":
                raise HTTPException(503, "Set CM_GATEWAY_TOKEN, so that only your gateway is heard.")
        elif not hmac.compare_digest(authorization.encode(), f"Bearer {secret.get_secret_value()}".encode()):
            raise HTTPException(401, "Send the gateway's token as a bearer token.")

    @router.post("/sms")
    async def text(incoming: IncomingText, authorization: Annotated[str, Header()] = "") -> dict[str, str]:
        check(authorization)
        return {"understood": await recipients.replied(hub, incoming.channel, incoming.sender, incoming.text)}

    @router.post("/receipt")
    async def receipt(
        incoming: IncomingReceipt, authorization: Annotated[str, Header()] = ""
    ) -> dict[str, bool]:
        check(authorization)
        news = await recipients.receipt(
            hub, incoming.practice_id, incoming.id, incoming.status, incoming.reason
        )
        return {"news": news}

    @router.post("/mail")
    async def mail(
        request: Request, recipient: str = "", authorization: Annotated[str, Header()] = ""
    ) -> dict[str, str]:
        """A mail that came back, as it is (RFC 822). `recipient`: the address it came back to."""
        check(authorization)
        body = bytearray()
        async for part in request.stream():
            body += part
            if len(body) > MAX_MAIL:
                raise HTTPException(413, "A returned mail has two megabytes at most.")
        found = read_returned(bytes(body), recipient)
        settled = "no report" if found is None else await recipients.came_back(hub, found)
        if settled == "early":
            raise HTTPException(503, "The message is still being handed over. Try again in a minute.")
        return {"understood": settled}

    return router


def _outbox(hub: Hub) -> APIRouter:
    router = APIRouter(prefix="/outbox/{practice_id}")

    def check(practice_id: UUID, key: str) -> None:
        if not hmac.compare_digest(_outbox_key(hub.keyring, practice_id).encode(), key.encode()):
            raise HTTPException(404, "Open the outbox by the link that the product shows.")

    @router.get("")
    async def listing(practice_id: UUID, key: str = "") -> Response:
        check(practice_id, key)
        async with hub.unit(practice_id) as u:
            practice = await practice_of(u)
            messages = (await u.execute(queries.OUTBOX_PAGE, practice=practice_id)).all()
            counted = (await u.execute(queries.OUTBOX_COUNTS, practice=practice_id)).all()
        return HTMLResponse(pages.outbox_page(practice, key, {r.state: r.n for r in counted}, messages))

    @router.get("/{dispatch_id}")
    async def message(practice_id: UUID, dispatch_id: UUID, key: str = "") -> Response:
        check(practice_id, key)
        async with hub.unit(practice_id) as u:
            practice = await practice_of(u)
            in_app = (
                await u.execute(queries.IN_APP, practice=practice_id, dispatch=dispatch_id)
            ).one_or_none()
        mail = _mail(hub, practice_id, dispatch_id)
        text = _path(hub, practice_id, dispatch_id, "txt")
        if mail is not None:
            plain = mail.get_body(("plain",))
            page = pages.message_page(
                practice,
                key,
                str(dispatch_id),
                str(mail["Subject"]),
                plain.get_content() if plain else "",
                has_html=mail.get_body(("html",)) is not None,
            )
        elif text.exists():
            page = pages.message_page(practice, key, "", "", text.read_text(), has_html=False)
        elif in_app is not None:
            page = pages.message_page(practice, key, "", in_app.subject, in_app.body, has_html=False)
        else:
            raise HTTPException(404, "This message left by a real transport; the Hub keeps no copy.")
        return HTMLResponse(page)

    @router.get("/{dispatch_id}/body")
    async def body(practice_id: UUID, dispatch_id: UUID, key: str = "") -> Response:
        check(practice_id, key)
        mail = _mail(hub, practice_id, dispatch_id)
        part = mail.get_body(("html",)) if mail else None
        if part is None:
            raise HTTPException(404, "This message has no HTML.")
        own = {
            "Content-Security-Policy": (
                "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src https:; frame-ancestors 'self'"
            ),
            "X-Frame-Options": "SAMEORIGIN",
        }
        return HTMLResponse(part.get_content(), headers=own)

    return router


def _path(hub: Hub, practice_id: UUID, dispatch_id: UUID, kind: str) -> Path:
    return hub.settings.home / "hub" / str(practice_id) / f"{dispatch_id}.{kind}"


def _mail(hub: Hub, practice_id: UUID, dispatch_id: UUID) -> EmailMessage | None:
    path = _path(hub, practice_id, dispatch_id, "eml")
    return message_from_bytes(path.read_bytes(), policy=default) if path.exists() else None
