"""The Communication Hub as a process: its loops and its small HTTP server."""

import asyncio
import contextlib
import signal
import socket

import structlog
import uvicorn

from services.bootstrap import bootstrap
from services.kit import qa
from services.neighbours.hub.adapters import transports
from services.neighbours.hub.web import outbox_url, web_app
from services.neighbours.hub.wiring import Loops, build

log = structlog.get_logger("hub")


class _Server(uvicorn.Server):
    """Signals are the process's business, not the server's."""

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
            web_app(hub), host=settings.host, port=settings.hub_port, log_level="warning", access_log=False
        )
    )
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, loops.stop.set)

    async def end_server() -> None:
        await loops.stop.wait()
        server.should_exit = True

    try:
        await loops.intake.prepare()
        log.info("hub_ready", address=settings.hub_address(), transports=transports(hub.adapters))
        if settings.environment != "production":
            for practice_id in await hub.practices():
                log.info("hub_outbox", url=outbox_url(settings, app.keyring, practice_id))
        async with qa.following(app.bus, app.clock, on=settings.qa), asyncio.TaskGroup() as group:
            group.create_task(loops.run())
            group.create_task(end_server())
            group.create_task(server.serve())
    finally:
        await app.close()
    log.info("hub_stopped")


if __name__ == "__main__":
    asyncio.run(main())
