"""One part of the engine as a process of its own: events in."""

import asyncio

from cm_app.workers import engine


async def main() -> None:
    """Run until SIGTERM or SIGINT."""
    await engine.main(("intake",))


if __name__ == "__main__":
    asyncio.run(main())
