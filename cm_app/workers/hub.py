"""The Communication Hub as a process: its loops and its small HTTP server."""

import asyncio
import socket
from functools import partial

from cm_app.workers.running import seen, server, side_by_side, until_told
from services.bootstrap import bootstrap
from services.kit.telemetry import logger
from services.neighbours.hub.adapters import transports
from services.neighbours.hub.service import Hub
from services.neighbours.hub.web import outbox_url, web_app
from services.neighbours.hub.wiring import Loops, build

log = logger("hub")


async def main() -> None:
    """Run until SIGTERM or SIGINT; then finish the batches in hand and close."""
    app = bootstrap(role="cm_hub")
    settings = app.settings
    hub = build(
        settings=settings, clock=app.clock, keyring=app.keyring, bus=app.bus, uow=app.uow, relay=app.relay
    )
    loops = Loops(hub, f"{socket.gethostname()}-{settings.hub_port}")
    web = server(web_app(hub), host=settings.host, port=settings.hub_port)
    web.listening = partial(_announce, hub)
    until_told(loops.stop)
    try:
        async with seen(app, "hub"):
            await side_by_side(loops.run(), web, loops.stop)
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
