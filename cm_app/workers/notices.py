"""One part of the engine as a process of its own: whoever something came in about is left alone at once."""

import asyncio

from cm_app.workers import engine


async def main() -> None:
    """Run until SIGTERM or SIGINT."""
    await engine.main(("notices",))


if __name__ == "__main__":
    asyncio.run(main())
