"""The Practice Platform as a process: its loops and its HTTP API."""

import asyncio
import os
import socket

from cm_app.workers.running import seen, server, side_by_side, until_told
from services.bootstrap import bootstrap
from services.kit.telemetry import logger
from services.neighbours.platform.api import create_api
from services.neighbours.platform.running import Loops

log = logger("platform")


async def main() -> None:
    """Run until SIGTERM or SIGINT; requests and batches under way are finished first."""
    app = bootstrap(role="cm_platform")
    config = app.settings
    loops = Loops(
        app.uow, app.bus, app.relay, app.clock, f"{socket.gethostname()}-{os.getpid()}",
        config.ambient_per_minute, config.seed,
    )  # fmt: skip
    web = server(create_api(app.uow, wake=loops.wake), host=config.host, port=config.platform_port)
    until_told(loops.stop)
    try:
        log.info("platform ready", url=config.platform_address(), ambient=config.ambient_per_minute)
        async with seen(app, "platform"):
            await side_by_side(loops.run(), web, loops.stop)
    finally:
        await app.close()
    log.info("platform stopped")


if __name__ == "__main__":
    asyncio.run(main())
