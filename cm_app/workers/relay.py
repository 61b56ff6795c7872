"""One part of the engine as a process of its own: the outbox onto the bus."""

import asyncio

from cm_app.workers import engine


async def main() -> None:
    """Run until SIGTERM or SIGINT."""
    await engine.main(("relay",))


if __name__ == "__main__":
    asyncio.run(main())
