"""One signed request to one endpoint, kept away from private networks.

The name is looked up here, every address it has is checked, and the connection goes to a checked
address: a name that changes between the check and the connection leads nowhere else. No redirects
are followed, no proxy of the environment is used, and the answer's text is never kept.
"""

import asyncio
import socket
import ssl
from collections.abc import Iterable
from uuid import UUID

import httpcore

from services.kit.clock import SystemClock
from services.kit.webhooks import sign
from services.webhooks.contracts import Answer, Target
from services.webhooks.rules import reachable

TIMEOUT = 10.0
"""Seconds from looking the name up to the end of the answer."""
MOST_ANSWER = 64 * 1024
"""Bytes of an answer that are read; a longer one is cut off, which changes nothing about its status."""


class OutOfBounds(Exception):
    """The endpoint's name leads to an address that webhooks may not reach."""


class Guarded(httpcore.AsyncNetworkBackend):
    """Connects to public addresses only (`private`: see `rules.reachable`)."""

    def __init__(self, *, private: bool) -> None:
        self._private = private
        self._inner = httpcore.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        loop = asyncio.get_running_loop()
        found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))
        if not addresses or not all(reachable(a, private=self._private) for a in addresses):
            raise OutOfBounds
        return await self._inner.connect_tcp(addresses[0], port, timeout, local_address, socket_options)

    async def connect_unix_socket(
        self,
        path: str,  # noqa: ARG002
        timeout: float | None = None,  # noqa: ARG002
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,  # noqa: ARG002
    ) -> httpcore.AsyncNetworkStream:
        raise OutOfBounds


class Sender:
    """Sends; keeps connections open between requests. Close it when done."""

    def __init__(self, *, private: bool, timeout: float = TIMEOUT) -> None:
        self._timeout = timeout
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=ssl.create_default_context(),
            max_connections=None,  # bounded by what is claimed: one slow endpoint never starves another
            keepalive_expiry=30,
            network_backend=Guarded(private=private),
        )

    async def post(self, target: Target, event_id: UUID, body: bytes) -> Answer:
        """Send once; every failure is an answer with the reason in words."""
        try:
            async with asyncio.timeout(self._timeout):
                return await self._post(target, headers(target, event_id, body), body)
        except TimeoutError:
            return Answer(None, f"No answer within {self._timeout:g} seconds.")
        except OutOfBounds:
            return Answer(None, "The address leads to a private network, where webhooks do not go.")
        except socket.gaierror:
            return Answer(None, "Nobody knows the server's name.")
        except ssl.SSLError:
            return Answer(None, "The server's certificate is not trusted.")
        except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
            if isinstance(error.__cause__, ssl.SSLError) or "CERTIFICATE" in str(error).upper():
                return Answer(None, "The server's certificate is not trusted.")
            return Answer(None, "The server could not be reached.")
        except (httpcore.NetworkError, httpcore.ProtocolError, httpcore.TimeoutException, OSError):
            return Answer(None, "The connection broke off.")

    async def close(self) -> None:
        await self._pool.aclose()

    async def _post(self, target: Target, given: dict[str, str], body: bytes) -> Answer:
        async with self._pool.stream("POST", target.url, headers=list(given.items()), content=body) as answer:
            read = 0
            async for part in answer.aiter_stream():
                read += len(part)
                if read > MOST_ANSWER:
                    break
            return Answer(answer.status, _words(answer.status))


def headers(target: Target, event_id: UUID, body: bytes) -> dict[str, str]:
    """The signed headers. The timestamp is real time: QA mode's clock is not the receiver's."""
    at = SystemClock().now()
    return {
        "host": target.url.split("/")[2],
        "content-type": "application/cloudevents+json",
        "user-agent": "Campaign-Manager-Webhooks/1",
        "webhook-id": str(event_id),
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": " ".join(sign(secret, str(event_id), at, body) for secret in target.secrets),
    }


def _words(status: int) -> str:
    if 200 <= status < 300:
        return ""
    if 300 <= status < 400:
        return "It answered with a redirect, which webhooks do not follow. Give the final address."
    if status == 410:
        return "It answered that it is gone for good."
    if status == 429:
        return "It answered that this is too much for it."
    return f"It answered with {status}."
