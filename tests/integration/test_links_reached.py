"""Links are asked only with a guard: nobody's private network, no endless redirects, no long wait (CNT-4)."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from services.content.reaching import MOST, reach

pytestmark = pytest.mark.covers("CNT-4")
ANSWERS = {"/ok": "200 OK", "/gone": "404 Not Found", "/broken": "500 Oops", "/closed": "403 Forbidden"}


@pytest.fixture
async def site() -> AsyncIterator[str]:
    """A small site: pages, redirects round in circles, and one that leads to the cloud's own address."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        path = (await reader.readline()).split()[1].decode()
        to = {
            "/round": "/round",
            "/meta": "http://169.254.169.254/latest",
            "/file": "file:///etc/hosts",
            "/moved": "/ok",
        }.get(path)
        head = f"302 Found\r\nlocation: {to}" if to else ANSWERS[path]
        writer.write(f"HTTP/1.1 {head}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".encode())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()
    await server.wait_closed()


async def test_every_link_gets_an_answer_in_words(site: str):
    paths = ["/ok", "/moved", "/gone", "/broken", "/closed", "/round", "/meta", "/file"]
    found = await reach([site + path for path in paths], private=True)
    assert [one.ok for one in found] == [True, True, False, False, False, False, False, False]
    said = dict(zip(paths, (one.sentence for one in found), strict=True))
    assert said["/gone"] == "There is no page at this address."
    assert said["/round"] == "It leads round in circles."
    assert "private network" in said["/meta"]
    assert "not a web page" in said["/file"]


async def test_private_networks_are_out_of_reach(site: str):
    for url in (
        f"{site}/ok",
        "http://localhost/",
        "http://[::1]/",
        "http://10.0.0.1/",
        "http://169.254.169.254/",
    ):
        (found,) = await reach([url], private=False)
        assert (found.ok, "private network" in found.sentence) == (False, True), url


async def test_only_so_many_are_asked(site: str):
    found = await reach([f"{site}/ok"] * 3 + [f"ftp://x/{n}" for n in range(3)], private=True)
    assert len(found) == 1
    many = await reach([f"{site}/ok?{n}" for n in range(MOST + 2)], private=False)
    assert [one.sentence for one in many[MOST:]] == ["Not asked: there are too many links."] * 2
