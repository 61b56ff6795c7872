"""The Practice Platform as a process: its loops and its HTTP API."""

import asyncio
import contextlib
import os
import signal
import socket

import uvicorn

from services.bootstrap import bootstrap
from services.kit import qa, vitals
from services.kit.telemetry import logger
from services.neighbours.platform.api import create_api
from services.neighbours.platform.running import Loops

log = logger("platform")


class _Server(uvicorn.Server):
    """Signals are the process's business, not the server's."""

    def capture_signals(self) -> contextlib.AbstractContextManager[None]:  # type: ignore[override]
        return contextlib.nullcontext()


async def main() -> None:
    """Run until SIGTERM or SIGINT; requests and batches under way are finished first."""
    app = bootstrap(role="cm_platform")
    config = app.settings
    loops = Loops(
        app.uow, app.bus, app.relay, app.clock, f"{socket.gethostname()}-{os.getpid()}",
        config.ambient_per_minute, config.seed,
    )  # fmt: skip
    server = _Server(
        uvicorn.Config(
            create_api(app.uow, wake=loops.wake), host=config.host, port=config.platform_port,
            log_config=None, log_level="warning", access_log=False, timeout_graceful_shutdown=10,
        )
    )  # fmt: skip
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, loops.end)

    async def serve() -> None:
        await server.serve()
        loops.end()

    async def end_server() -> None:
        await loops.stop.wait()
        server.should_exit = True

    try:
        log.info("platform ready", url=config.platform_address(), ambient=config.ambient_per_minute)
        async with (
            qa.following(app.bus, app.clock, on=config.qa),
            vitals.alive(app.bus, app.clock, "platform"),
            asyncio.TaskGroup() as group,
        ):
            group.create_task(loops.run())
            group.create_task(serve())
            group.create_task(end_server())
    finally:
        await app.close()
    log.info("platform stopped")


if __name__ == "__main__":
    asyncio.run(main())
