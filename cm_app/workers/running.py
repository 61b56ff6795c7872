"""What every worker process does around its work: signs of life, the signals that end it, a small HTTP server."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from typing import Any

import uvicorn
from starlette.types import ASGIApp

from services.bootstrap import App
from services.kit import qa, vitals


class Server(uvicorn.Server):
    """Signals are the process's business, not the server's. `listening` is awaited once it listens."""

    listening: Callable[[], Awaitable[None]] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.listening is not None:
            await self.listening()

    def capture_signals(self) -> contextlib.AbstractContextManager[None]:  # type: ignore[override]
        return contextlib.nullcontext()


def server(web: ASGIApp, *, host: str, port: int) -> Server:
    """A server of a worker: its log is the worker's, and requests under way are finished first."""
    return Server(
        uvicorn.Config(
            web, host=host, port=port, log_config=None, log_level="warning", access_log=False,
            timeout_graceful_shutdown=10,
        )
    )  # fmt: skip


def until_told(stop: asyncio.Event) -> None:
    """SIGTERM and SIGINT set `stop`."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)


@contextlib.asynccontextmanager
async def seen(app: App, name: str) -> AsyncIterator[None]:
    """Give signs of life as `name`, and follow the testers' clock, while inside."""
    async with (
        qa.following(app.bus, app.clock, on=app.settings.qa),
        vitals.alive(app.bus, app.clock, name),
    ):
        yield


async def side_by_side(work: Coroutine[Any, Any, None], beside: Server, stop: asyncio.Event) -> None:
    """The loops and the server of one process: each ends when `stop` is set, or when the server ends."""

    async def serve() -> None:
        await beside.serve()
        stop.set()

    async def end_server() -> None:
        await stop.wait()
        beside.should_exit = True

    async with asyncio.TaskGroup() as group:
        group.create_task(work)
        group.create_task(serve())
        group.create_task(end_server())
