"""The API on a socket of its own, in a thread with its own loop, beside the test's."""

import asyncio
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn

from cm_app.api.factory import api
from services.bootstrap import App


@contextmanager
def served(wire: Callable[[], App], make: Callable[[App], Any] = api) -> Iterator[str]:
    """Serve what `make` makes of the app that `wire` wires, both inside the thread; yields its address,
    stops it afterwards."""
    listener = socket.create_server(("127.0.0.1", 0))
    up = threading.Event()
    servers: list[uvicorn.Server] = []

    async def serve() -> None:
        wired = wire()
        config = uvicorn.Config(make(wired), log_level="warning", lifespan="off", ws="none")
        server = uvicorn.Server(config)
        servers.append(server)
        server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
        task = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started:
            await asyncio.sleep(0)
        up.set()
        await task
        await wired.close()

    thread = threading.Thread(target=asyncio.run, args=(serve(),), daemon=True)
    thread.start()
    assert up.wait(30)
    host, port = listener.getsockname()[:2]
    try:
        yield f"http://{host}:{port}"
    finally:
        servers[0].should_exit = True
        thread.join(30)
