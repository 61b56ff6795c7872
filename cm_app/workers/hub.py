"""The Communication Hub as a process: its loops and its small HTTP server."""

import asyncio
import contextlib
import signal
import socket
from collections.abc import Awaitable, Callable

import uvicorn

from services.bootstrap import bootstrap
from services.kit import qa, vitals
from services.kit.telemetry import logger
from services.neighbours.hub.adapters import transports
from services.neighbours.hub.service import Hub
from services.neighbours.hub.web import outbox_url, web_app
from services.neighbours.hub.wiring import Loops, build

log = logger("hub")


class _Server(uvicorn.Server):
    """Signals are the process's business, not the server's. Says when it listens."""

    def __init__(self, config: uvicorn.Config, listening: Callable[[], Awaitable[None]]) -> None:
        super().__init__(config)
        self.listening = listening

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        await self.listening()

    def capture_signals(self) -> contextlib.AbstractContextManager[None]:  # type: ignore[override]
        return contextlib.nullcontext()


async def main() -> None:
    """Run until SIGTERM or SIGINT; then finish the batches in hand and close."""
    app = bootstrap(role="cm_hub")
    settings = app.settings
    hub = build(
        settings=settings, clock=app.clock, keyring=app.keyring, bus=app.bus, uow=app.uow, relay=app.relay
    )
    loops = Loops(hub, f"{socket.gethostname()}-{settings.hub_port}")
    server = _Server(
        uvicorn.Config(
            web_app(hub), host=settings.host, port=settings.hub_port, log_config=None,
            log_level="warning", access_log=False, timeout_graceful_shutdown=10,
        ),
        lambda: _announce(hub),
    )  # fmt: skip
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, loops.stop.set)

    async def serve() -> None:
        await server.serve()
        loops.stop.set()

    async def end_server() -> None:
        await loops.stop.wait()
        server.should_exit = True

    try:
        async with (
            qa.following(app.bus, app.clock, on=settings.qa),
            vitals.alive(app.bus, app.clock, "hub"),
            asyncio.TaskGroup() as group,
        ):
            group.create_task(loops.run())
            group.create_task(serve())
            group.create_task(end_server())
    finally:
        await app.close()
    log.info("hub stopped")


async def _announce(hub: Hub) -> None:
    """Say where the Hub listens and, in a demo, where people can read what was sent."""
    log.info("hub ready", url=hub.settings.hub_address(), transports=transports(hub.adapters))
    if hub.settings.environment != "production":
        for practice_id in await hub.practices():
            log.info("demo outbox", url=outbox_url(hub.settings, hub.keyring, practice_id))


if __name__ == "__main__":
    asyncio.run(main())
