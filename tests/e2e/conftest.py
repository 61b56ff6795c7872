"""The whole product, started once as a person starts it, and a real Chromium to use it with.

Playwright's async interface is used, on the loop that all tests share. A test takes `signed_in`:

    async def test_the_marketer_sees_campaigns(signed_in, site):
        page = await signed_in("marketer")
        await expect(page.get_by_test_id("page-title")).to_have_text("Campaigns")

Errors on the browser's console fail the test that caused them.
"""

import asyncio
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, async_playwright, expect
from sqlalchemy import NullPool, text
from sqlalchemy.ext.asyncio import create_async_engine

from cm_app import chromium
from services.kit import qa
from services.kit.bus import Bus
from services.kit.crypto import load_keyring
from services.kit.db import owner
from services.kit.live import watch
from services.kit.settings import Settings
from tests.conftest import ONE_PRODUCT
from tests.e2e.mailbox import Mailbox
from tests.e2e.product import Product, free_ports
from tests.factories.provider import CLIENT, SECRET
from tests.factories.working_weeks import working_monday

DESKTOP = {"width": 1440, "height": 900}
TABLET = {"width": 834, "height": 1194}
NOWHERE = "about:blank"
"""Where somebody is signed in who goes to another page at once."""
OFFLINE = "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE localhost , EXCLUDE 127.0.0.1"
IGNORED = ("favicon.ico",)
"""Console noise that is not the product's doing."""

expect.set_options(timeout=15_000)  # a loaded machine of two cores; a passing check does not wait
SignedIn = Callable[..., Awaitable[Page]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Browser tests come last, in file order and in one process: they share one product, whose clock only
    goes forward. What starts products of its own comes first, so that no browser waits for its load."""
    here = Path(__file__).parent
    ours = [item for item in items if item.path.is_relative_to(here)]
    for item in ours:
        item.add_marker(pytest.mark.e2e)
    ours.sort(key=lambda item: (item.path, item.reportinfo()[1]))
    sharing = [item for item in ours if ONE_PRODUCT.match(item.nodeid)]
    others = [item for item in items if not item.path.is_relative_to(here)]
    items[:] = [item for item in ours if item not in sharing] + others + sharing


@dataclass(frozen=True)
class Site:
    """Where the running product is. `people` maps a role to login, password, name, totp_secret."""

    portal: str
    hub: str
    platform: str
    practice_id: str
    people: dict[str, dict[str, str]]
    home: Path
    database_url: str
    redis_url: str
    provider_port: int
    """Where the product looks for the provider of “Sign in with”; a test that wants it starts it there."""

    def move_clock(self, **delta: float) -> None:
        """Move every process's clock forward by `timedelta(**delta)`."""
        answer = self._qa("POST", seconds=int(timedelta(**delta).total_seconds()))
        answer.raise_for_status()

    def move_to_working_hours(self, *, after_days: int = 0) -> None:
        """To the next `working_monday` that is at least `after_days` away. Ten days later nobody is
        held by what an earlier test sent them."""
        now = self.now()
        start = working_monday(now + timedelta(days=after_days))
        self.move_clock(seconds=(start - now).total_seconds())

    def now(self) -> datetime:
        """By the product's own clock."""
        return datetime.fromisoformat(self._qa("GET").raise_for_status().json()["now"])

    def _qa(self, method: str, **body: int) -> httpx.Response:
        settings = Settings(home=self.home, _env_file=None)
        token = {"Authorization": f"Bearer {qa.key(load_keyring(settings))}"}
        url = f"{self.portal}/api/qa/clock"
        return httpx.request(method, url, headers=token, json=body or None, timeout=30)

    async def until(
        self, true: Callable[[Any], bool], sql: str, *, seconds: float = 60, **values: Any
    ) -> Any:
        """Wait for the product's own pings until `true` holds for the rows of a query; returns them."""
        bus, practice = Bus(self.redis_url), UUID(self.practice_id)
        engine = create_async_engine(owner(self.database_url), poolclass=NullPool)
        try:
            async with asyncio.timeout(seconds):
                async for _ in _now_and(watch(bus, practice, every=0.5)):
                    async with engine.connect() as connection:
                        rows = (await connection.execute(text(sql), {"practice": practice, **values})).all()
                    if true(rows):
                        return rows
        finally:
            await bus.close()
            await engine.dispose()


async def _now_and(pings: AsyncIterator[str]) -> AsyncIterator[str]:
    yield "now"
    async for ping in pings:
        yield ping


@pytest.fixture(scope="session")
def mailbox() -> Iterator[Mailbox]:
    """The SMTP server that the run's product sends its email to."""
    box = Mailbox()
    box.address = box.start()
    yield box
    box.stop()


@pytest.fixture(scope="session")
def site(mailbox: Mailbox) -> Iterator[Site]:
    """`cm up` with 300 contacts, QA mode and free ports, in the middle of a working day; stopped
    when the run ends."""
    folder = Path(tempfile.mkdtemp(prefix="cme"))
    folder.chmod(0o755)
    (provider_port,) = free_ports(1)
    product = Product(
        folder, CM_QA="true", CM_SMTP_URL=mailbox.address, CM_WEBHOOK_PRIVATE="true", CM_OIDC_CLIENT_ID=CLIENT,
        CM_OIDC_CLIENT_SECRET=SECRET, CM_OIDC_ISSUER=f"http://127.0.0.1:{provider_port}", CM_OIDC_LABEL="Harbour ID",
    )  # fmt: skip
    try:
        product.start()
        running = Site(
            **json.loads((folder / "site.json").read_bytes()),
            **json.loads((folder / "servers.json").read_bytes()),
            home=folder,
            provider_port=provider_port,
        )
        running.move_to_working_hours()
        yield running
    finally:
        product.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    """One Chromium for all tests; it reaches nothing but this machine."""
    path = chromium.find()
    if path is None:
        pytest.fail("No Chromium found; run `cm test`, which installs one, or set CM_CHROMIUM.")
    async with async_playwright() as playwright:
        running = await playwright.chromium.launch(executable_path=path, args=[*chromium.FLAGS, OFFLINE])
        yield running
        await running.close()


@dataclass
class Console:
    """What went wrong in the browser during a test. `allow(text)` expects one on purpose."""

    errors: list[str] = field(default_factory=list)
    allowed: list[str] = field(default_factory=lambda: list(IGNORED))

    def allow(self, text: str) -> None:
        self.allowed.append(text)

    def watch(self, page: Page) -> None:
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.errors.append(f"{page.url}: {error}"))

    def _said(self, message: ConsoleMessage) -> None:
        if message.type == "error" or message.text.startswith("_call_script"):  # a script of ours that failed
            self.errors.append(f"{message.location.get('url')}: {message.text}")

    def unexpected(self) -> list[str]:
        return [error for error in self.errors if not any(text in error for text in self.allowed)]


@pytest.fixture
async def console() -> AsyncIterator[Console]:
    watched = Console()
    yield watched
    assert not watched.unexpected(), "the browser's console has errors"


@pytest.fixture
async def contexts(
    browser: Browser, site: Site, console: Console
) -> AsyncIterator[Callable[..., Awaitable[BrowserContext]]]:
    """Makes separate browser profiles, closed after the test: `await contexts(viewport=TABLET)`."""
    opened: list[BrowserContext] = []

    async def make(**options: Any) -> BrowserContext:
        context = await browser.new_context(
            **{"base_url": site.portal, "viewport": DESKTOP, "locale": "en-GB", **options}
        )
        context.set_default_timeout(15_000)
        context.on("page", console.watch)
        opened.append(context)
        return context

    yield make
    for context in opened:
        await context.close()


@pytest.fixture
async def visitor(contexts: Callable[..., Awaitable[BrowserContext]]) -> Page:
    """A page of somebody who is not signed in."""
    return await (await contexts()).new_page()


@pytest.fixture
def signed_in(contexts: Callable[..., Awaitable[BrowserContext]], site: Site) -> SignedIn:
    """`await signed_in("approver", viewport=TABLET)`: a page of that person, on the dashboard or `at` a
    path. The form is for `test_sign_in.py`; here its page would be loaded a hundred times."""

    async def sign_in(role: str, at: str = "/", **options: Any) -> Page:
        context, person = await contexts(**options), site.people[role]
        answer = await context.request.post(
            "/api/session",
            data={"login": person["login"], "password": person["password"]},
            headers={"Origin": site.portal},
        )
        assert answer.ok, await answer.text()
        page = await context.new_page()
        await page.goto(at)
        return page

    return sign_in


@pytest.fixture
def cm(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """Runs the `cm` command against `home` (a fresh folder unless given) and returns what it said."""

    def run(*arguments: str, home: Path = tmp_path, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "cm_app", *arguments],
            env={**os.environ, "CM_HOME": str(home), **environment},
            capture_output=True,
            text=True,
            timeout=120,
        )

    return run
