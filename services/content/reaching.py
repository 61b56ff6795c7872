"""Do the links of a message answer? Asked only when a person says so (CNT-4).

The connection is the webhooks' guarded one: names are looked up here, every address is checked, and
private networks are out of reach (no server-side request forgery). A redirect is followed as a new
question with the same guard. Nothing of an answer but its status is kept.
"""

import asyncio
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

import httpcore

from services.content.links import host_of
from services.webhooks.sending import Guarded, OutOfBounds

TIMEOUT = 8.0
"""Seconds for one link, its redirects included."""
MOST = 20
"""Links of one message that are asked; the rest say so."""
HOPS = 4


@dataclass(frozen=True, slots=True)
class Reached:
    """`ok`: somebody answers there with a page."""

    url: str
    ok: bool
    sentence: str


async def reach(urls: Sequence[str], *, private: bool) -> list[Reached]:
    """Ask each http(s) address once, side by side. `private`: see `webhooks.rules.reachable`."""
    asked = [url for url in dict.fromkeys(urls) if url.startswith(("http://", "https://"))]
    async with httpcore.AsyncConnectionPool(
        ssl_context=ssl.create_default_context(), max_connections=6, network_backend=Guarded(private=private)
    ) as pool:
        answers = await asyncio.gather(*(_one(pool, url) for url in asked[:MOST]))
    return [*answers, *(Reached(url, False, "Not asked: there are too many links.") for url in asked[MOST:])]


async def _one(pool: httpcore.AsyncConnectionPool, url: str) -> Reached:
    try:
        async with asyncio.timeout(TIMEOUT):
            return await _follow(pool, url)
    except TimeoutError:
        return Reached(url, False, f"No answer within {TIMEOUT:g} seconds.")
    except OutOfBounds:
        return Reached(url, False, "It leads to a private network, where patients cannot go.")
    except socket.gaierror:
        return Reached(url, False, "Nobody knows the server's name.")
    except (httpcore.ConnectError, ssl.SSLError) as error:
        trust = isinstance(error, ssl.SSLError) or "CERTIFICATE" in str(error).upper()
        return Reached(url, False, "Its certificate is not trusted." if trust else "Nobody answers there.")
    except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, OSError, ValueError):
        return Reached(url, False, "The connection broke off.")


async def _follow(pool: httpcore.AsyncConnectionPool, url: str) -> Reached:
    at = url
    for _ in range(HOPS):
        headers = [
            ("host", urlsplit(at).netloc),
            ("user-agent", "Campaign-Manager-Link-Check/1"),
            ("accept", "*/*"),
        ]
        async with pool.stream("GET", at, headers=headers) as answer:
            status = answer.status
            target = dict(answer.headers).get(b"location", b"").decode("latin-1")
        if status not in (301, 302, 303, 307, 308) or not target:
            return Reached(url, status < 400, _words(status, url, at))
        at = urljoin(at, target)
        if not at.startswith(("http://", "https://")):
            return Reached(url, False, "It leads on to something that is not a web page.")
    return Reached(url, False, "It leads round in circles.")


def _words(status: int, url: str, at: str) -> str:
    if status in (404, 410):
        return "There is no page at this address."
    if status in (401, 403):
        return "The page is not open to everybody."
    if status >= 400:
        return f"The site answers with an error ({status})."
    moved = host_of(at) != host_of(url)
    return f"It answers, and leads on to {host_of(at)}." if moved else "It answers."
