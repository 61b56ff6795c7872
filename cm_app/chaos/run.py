"""The story of a run: rounds of killing while the product works, rest, days that pass, the balance.

Time passes between the rounds only, while nothing is under way: every process must agree on the
day. Chance decides who is killed and when, always the same way for the same seed; what the machine
makes of it differs from run to run.
"""

import asyncio
import contextlib
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from pydantic import SecretStr
from sqlalchemy import create_engine

from cm_app.chaos import evidence, world
from cm_app.chaos.books import Line, balance
from cm_app.chaos.injector import AWAY, Injector
from cm_app.chaos.journal import Journal
from cm_app.chaos.processes import Site, free_port
from services.bootstrap import App, bootstrap
from services.kit import qa
from services.kit.chance import seeded
from services.kit.crypto import load_keyring
from services.kit.db import owner
from services.kit.embedded import start_servers
from services.kit.errors import AppError
from services.kit.provision import partitions, provision
from services.kit.settings import Settings

A_ROUND = 15
"""Kills between two rests."""
BETWEEN = 1.3
"""Mean seconds between two kills."""
DAY = 24 * 60 * 60
AFTERWARDS = (DAY, 3 * DAY, 4 * DAY)
"""What passes after the last kill, so that waits, holds and cut-off hand-overs come to their end."""

HANDS = 4
"""Injectors at work at once."""

Tell = Callable[[str, int, int], None]


@dataclass(frozen=True)
class Wish:
    """What is asked for. `people` is the size of the practice."""

    kills: int
    seed: int
    people: int = 400
    a_round: int = A_ROUND
    between: float = BETWEEN
    patience: float = 240.0


@dataclass(frozen=True, slots=True)
class Rest:
    """How long it took until nothing moved any more, and what moved last."""

    seconds: float
    last: str


@dataclass
class Told:
    """What happened, for the report."""

    wish: Wish
    lines: list[Line] = field(default_factory=list)
    killed: dict[str, int] = field(default_factory=dict)
    by_itself: list[str] = field(default_factory=list)
    events: int = 0
    messages: int = 0
    rests: list[Rest] = field(default_factory=list)
    days: float = 0.0
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        return bool(self.lines) and all(line.ok for line in self.lines)


class Restless(AppError):
    """The product did not come to rest in time; the message says what is still under way."""

    code = "restless"
    status = 503


def run(wish: Wish, home: Path | None, tell: Tell = lambda *_: None) -> Told:
    """Kill `wish.kills` times on private servers in `home` (None: a temporary folder)."""
    with _folder(home) as folder:
        config = Settings(home=folder, qa=True, hub_port=free_port(), platform_port=free_port())
        servers = start_servers(folder)
        try:
            addresses = {"database_url": servers.database_url, "redis_url": servers.redis_url}
            config = config.model_copy(update={k: SecretStr(v) for k, v in addresses.items()})
            url = owner(servers.database_url)
            provision(url, load_keyring(config))
            site = Site(config, servers, seeded("chaos", "kills", wish.seed))
            return asyncio.run(_Run(wish, config, site, tell).whole())
        finally:
            servers.stop()


@dataclass
class _Run:
    wish: Wish
    config: Settings
    site: Site
    tell: Tell

    async def whole(self) -> Told:
        begun = time.monotonic()
        told = Told(self.wish)
        async with self._apps() as (app, platform):
            partitions(owner(self._database()), app.clock.now().date() - timedelta(days=31), months=6)
            town = world.found(app, self._database(), self.wish.people)
            journal = Journal(self.config.home / "chaos.jsonl")
            chance = seeded("chaos", "events", self.wish.seed)
            injector = Injector(platform, app, town, journal, chance)
            await world.launch(app, town.practice_id, "Follow-up", world.follow_up())
            self.site.start()
            try:
                await self._rounds(app, town, injector, told)
                for seconds in AFTERWARDS:
                    await self._pass_time(app, seconds, told)
                    told.rests.append(await self._rest(app))
                told.rests.append(await self._rest(app, whole=True))
                await injector.look()
            except Restless as error:
                told.lines.append(Line("rest", "The product comes to rest.", {}, (error.message,)))
            finally:
                await asyncio.to_thread(self.site.stop)
                journal.close()
            await self._judge(app, town, journal, told)
        told.seconds = time.monotonic() - begun
        return told

    async def _rounds(self, app: App, town: world.Town, injector: Injector, told: Told) -> None:
        left, number = self.wish.kills, 0
        pace = round(60 * self.wish.people / max(5.0, self.wish.a_round * self.wish.between))
        while left:
            number += 1
            kills = min(left, self.wish.a_round)
            await world.launch(app, town.practice_id, f"Reminder {number}", world.reminder(pace))
            await self._round(injector, kills, self.wish.kills - left)
            left -= kills
            self.tell("Coming to rest", self.wish.kills - left, self.wish.kills)
            told.rests.append(await self._rest(app))
            await self._pass_time(app, DAY + 60 * 60, told)

    async def _round(self, injector: Injector, kills: int, before: int) -> None:
        """Kill while events pour in; whoever fell is started again all the while."""
        over = asyncio.Event()
        injector.stop.clear()
        async with asyncio.TaskGroup() as group:
            for _ in range(HANDS):
                group.create_task(injector.run())
            group.create_task(injector.watch())
            group.create_task(self._mend(over))
            for n in range(kills):
                await asyncio.sleep(self.site.chance.expovariate(1 / self.wish.between))
                who = self.site.kill_one()
                self.tell(f"Killed {who}", before + n + 1, self.wish.kills)
            await asyncio.sleep(self.wish.between)
            injector.stop.set()
            over.set()

    async def _mend(self, over: asyncio.Event) -> None:
        while not over.is_set():
            await asyncio.to_thread(self.site.mend)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(over.wait(), 0.1)

    async def _rest(self, app: App, *, whole: bool = False) -> Rest:
        """Wait until nothing is due, queued or unread. A hand-over that was cut off waits for its
        lease, which is longer than a rest: it counts when the rest is `whole`.

        Raises Restless when the patience is over.
        """
        begun = time.monotonic()
        left: dict[str, int] = {}
        quiet = 0
        last = ""
        while time.monotonic() - begun < self.wish.patience:
            await asyncio.to_thread(self.site.mend)
            with contextlib.suppress(*AWAY):
                left = {what: n for what, n in (await self._lying(app)).items() if n}
                if not whole:
                    left.pop("Hub, half sent", None)
                last = str(left) if left else last
                quiet = 0 if left else quiet + 1
                if quiet == 3:
                    return Rest(time.monotonic() - begun, last)
            await asyncio.sleep(0.2)
        raise Restless(f"After {self.wish.patience:.0f} s there is still: {left}.")

    async def _lying(self, app: App) -> dict[str, int]:
        await qa.apply_offset(app.bus, app.clock)
        engine = create_engine(owner(self._database()))
        try:
            with engine.connect() as connection:
                return evidence.lying(connection, app) | await evidence.waiting(app)
        finally:
            engine.dispose()

    async def _pass_time(self, app: App, seconds: int, told: Told) -> None:
        """Every process looks at the shared clock four times a second; then the day is the same."""
        await qa.move_forward(app.bus, seconds)
        await qa.apply_offset(app.bus, app.clock)
        told.days += seconds / DAY
        await asyncio.sleep(1.0)

    async def _judge(self, app: App, town: world.Town, journal: Journal, told: Told) -> None:
        self.tell("Balancing the books", self.wish.kills, self.wish.kills)
        found = await evidence.gather(
            app, town.practice_id, self._database(), journal.events, self.config.home / "hub/journal.jsonl"
        )
        told.lines += balance(found)
        told.killed, told.by_itself = dict(self.site.killed), self.site.by_itself
        told.events, told.messages = len(found.asked), len(found.handed)

    def _database(self) -> str:
        return self.site.servers.database_url

    @contextlib.asynccontextmanager
    async def _apps(self) -> AsyncIterator[tuple[App, App]]:
        app = bootstrap(config=self.config)
        platform = bootstrap(config=self.config, clock=app.clock, role="cm_platform")
        try:
            yield app, platform
        finally:
            await app.close()
            await platform.close()


@contextlib.contextmanager
def _folder(home: Path | None) -> Iterator[Path]:
    if home is not None:
        home.mkdir(parents=True, exist_ok=True)
        if (home / "postgres").exists():
            raise AppError(f"{home} holds servers' data already; give an empty folder.")
        yield home.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="cmc", ignore_cleanup_errors=True) as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)
