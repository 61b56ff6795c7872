"""One part of the engine as a process of its own: engine rounds and timed work."""

import asyncio

from cm_app.workers import engine


async def main() -> None:
    """Run until SIGTERM or SIGINT."""
    await engine.main(("journeys",))


if __name__ == "__main__":
    asyncio.run(main())
