"""`cm bench api`: how soon the API answers when calls keep coming, reads and writes mixed.

The whole product runs on private servers in a temporary folder, as `cm up` starts it. Calls are sent by the
clock, whether or not the ones before were answered, and each is timed from the moment it was planned: what
waits its turn counts. The limit is `/healthz`, which does nothing, at the same rate in the same run.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import httpx
import psutil

from cm_app import up
from cm_app.bench.api_calls import DECK, PATIENCE, Callers, callers
from cm_app.bench.stage import free_port, monitor, percentile, show
from services.access import service as access
from services.bootstrap import bootstrap
from services.kit.chance import seeded
from services.kit.clock import SystemClock
from services.kit.settings import Settings

PLENTY = 1_000_000
"""Requests a minute that a key and the practice may make: the limits are not what is measured."""
BARE = "bare /healthz"
Act = Callable[[str], Awaitable[httpx.Response]]


@dataclass(frozen=True)
class Times:
    """Milliseconds from the planned moment to the last byte of the answer."""

    calls: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    worst_ms: float


@dataclass(frozen=True)
class Figures:
    """`ratio` is the p99 of all calls to that of the bare route; `errors` counts answers that were
    refusals, and calls without an answer; `refused` says which."""

    offered_per_second: float
    all: Times
    bare: Times
    ratio: float
    errors: int
    refused: list[str]
    routes: dict[str, Times]
    load: float


@dataclass(frozen=True)
class Answered:
    name: str
    ms: float
    trouble: str


def main(rate: int = 50, seconds: int = 60, contacts: int = 5_000) -> Figures:
    """Run on private servers; print a table and one JSON line."""
    with tempfile.TemporaryDirectory(prefix="cma", ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        home.chmod(0o755)
        config = Settings(  # type: ignore[call-arg]
            home=home, port=free_port(), contacts=contacts, api_per_caller=PLENTY, api_per_practice=PLENTY,
            _env_file=None,
        )  # fmt: skip
        with up.running(config) as site:
            figures = asyncio.run(_against(site, rate, seconds))
    _show(figures)
    return figures


async def _against(site: up.Site, rate: int, seconds: int) -> Figures:
    servers = site.servers
    app = bootstrap(
        config=site.config,
        clock=SystemClock(),
        database_url=servers.database_url,
        redis_url=servers.redis_url,
    )
    try:
        (ada,) = (person for person in site.practice.people if person.role == "administrator")
        administrator = (await access.sign_in(app, ada.login, ada.password)).actor
        asked = await callers(app, administrator)
    finally:
        await app.close()
    return await measure(site.config.address(), asked, rate, seconds)


async def measure(address: str, asked: Callers, rate: int, seconds: int) -> Figures:
    """One deck that does not count, the bare route, then every call of `asked`, at `rate` a second."""
    number = rate * seconds
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=100)
    async with httpx.AsyncClient(
        base_url=address, timeout=PATIENCE, limits=limits, trust_env=False
    ) as client:

        async def bare(_: str) -> httpx.Response:
            return await client.get("/healthz")

        async def call(name: str) -> httpx.Response:
            return await asked.call(client, name)

        with monitor() as progress:
            step = progress.add_task("Making campaigns, warming up", total=None)
            await asked.make_drafts(client)
            # In order, puts before lifts: what is lifted later was put here.
            warm = [name for name, times in DECK.items() for _ in range(times)]
            first = [
                await _timed(time.perf_counter(), name, call) for name in warm + ["put a suppression"] * 5
            ]
            progress.update(step, description="The bare route", total=number, completed=0)
            empty, _ = await _steadily(rate, [BARE] * number, bare, lambda: progress.advance(step))
            step = progress.add_task("Reads and writes", total=number)
            every, offered = await _steadily(rate, _mixed(number), call, lambda: progress.advance(step))
            load = psutil.getloadavg()[0]
    troubles = [one for one in (*first, *empty, *every) if one.trouble]
    whole, limit = _times(every), _times(empty)
    return Figures(
        offered_per_second=offered, all=whole, bare=limit, ratio=whole.p99_ms / max(limit.p99_ms, 0.001),
        errors=len(troubles), refused=sorted({f"{one.name}: {one.trouble}" for one in troubles})[:20],
        routes={name: _times([one for one in every if one.name == name]) for name in DECK},
        load=round(load, 1),
    )  # fmt: skip


def _mixed(number: int) -> list[str]:
    """Fifty after fifty, each shuffled: the same in every run."""
    deck, chance = [name for name, times in DECK.items() for _ in range(times)], seeded("bench.api")
    mixed: list[str] = []
    while len(mixed) < number:
        mixed += chance.sample(deck, len(deck))
    return mixed[:number]


async def _steadily(
    rate: int, names: list[str], act: Act, advance: Callable[[], None]
) -> tuple[list[Answered], float]:
    """Start a call each 1/`rate` s whatever became of the others; returns also what was offered a second."""
    begun, started = time.perf_counter(), []

    async def one(planned: float, name: str) -> Answered:
        answered = await _timed(planned, name, act)
        advance()
        return answered

    for nth, name in enumerate(names):
        planned = begun + nth / rate
        await asyncio.sleep(max(0.0, planned - time.perf_counter()))
        started.append(asyncio.create_task(one(planned, name)))
    offered = len(names) / (time.perf_counter() - begun)
    return list(await asyncio.gather(*started)), offered


async def _timed(planned: float, name: str, act: Act) -> Answered:
    trouble = ""
    try:
        answer = await act(name)
        if answer.is_error:
            trouble = f"{answer.status_code} {answer.text[:200]}"
    except (httpx.HTTPError, TimeoutError) as error:
        trouble = repr(error)
    return Answered(name, (time.perf_counter() - planned) * 1000, trouble)


def _times(answered: list[Answered]) -> Times:
    ms = [one.ms for one in answered]
    return Times(
        len(ms), percentile(ms, 0.5), percentile(ms, 0.95), percentile(ms, 0.99), max(ms, default=0.0)
    )


def _show(f: Figures) -> None:
    def row(name: str, t: Times) -> tuple[str, ...]:
        return name, f"{t.calls:,}", *(f"{ms:.1f}" for ms in (t.p50_ms, t.p95_ms, t.p99_ms, t.worst_ms))

    show(
        "api",
        f"Milliseconds to an answer, {f.offered_per_second:,.0f} calls a second",
        [
            *(row(name, times) for name, times in f.routes.items()),
            row("all of these", f.all),
            row(BARE, f.bare),
            ("ratio of the p99 to the bare route's", "", "", "", f"{f.ratio:.1f}", ""),
            ("errors", f"{f.errors:,}", "", "", "", ""),
            *((said, "", "", "", "", "") for said in f.refused),
        ],
        asdict(f), "what", "calls", "p50", "p95", "p99", "worst",
    )  # fmt: skip
