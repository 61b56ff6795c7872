"""`cm bench canvas`: how evenly the builder draws a large journey while it is dragged, moved and zoomed.

The whole product runs on private servers in a temporary folder; a real Chromium opens a journey of so
many steps and, in the same run, one with nothing but its start: the limit. A frame's time is what lies
between two of the browser's animation frames while the mouse moves; at 60 Hz a quiet one takes 16.7 ms.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from cm_app import chromium, up
from cm_app.bench.stage import free_port, monitor, percentile, show
from services.contracts.journey import (
    Branch,
    ChannelContent,
    Entry,
    Exit,
    Journey,
    Message,
    Step,
    Variant,
    Wait,
)
from services.contracts.journey import Path as Way
from services.contracts.segment import Condition
from services.kit.errors import AppError
from services.kit.settings import Settings

if TYPE_CHECKING:
    from playwright.async_api import Browser, Page

VIEW = {"width": 1440, "height": 900}
ROUND = 8
"""Steps of one turn of the large journey: six in a row, and a fork of two that joins again."""
RECORD = """() => {
  const frames = []; let last = performance.now(); window.__frames = frames; window.__recording = true;
  const tick = (now) => { frames.push(now - last); last = now; if (window.__recording) requestAnimationFrame(tick); };
  requestAnimationFrame((now) => { last = now; requestAnimationFrame(tick); });
}"""
TAKE = "() => { window.__recording = false; return window.__frames; }"
DRAWN = "() => document.querySelectorAll('.react-flow__node-step').length > 0"


class NoBrowser(AppError):
    code = "no_browser"
    status = 503


@dataclass(frozen=True)
class Motion:
    """Milliseconds a frame over one movement, and how many frames there were."""

    p50_ms: float
    p95_ms: float
    worst_ms: float
    frames: int


@dataclass(frozen=True)
class Figures:
    """`large` and `empty` by movement; `ratio` is the p95 of all movements, large to empty."""

    steps: int
    opened_ms: float
    opened_empty_ms: float
    large: dict[str, Motion]
    empty: dict[str, Motion]
    p95_ms: float
    p95_empty_ms: float
    ratio: float


def main(steps: int = 200, moves: int = 90) -> Figures:
    """Run on private servers; print a table and one JSON line. Raises NoBrowser."""
    path = chromium.find()
    if path is None:
        raise NoBrowser("No Chromium was found. Install one, or set CM_CHROMIUM to its path.")
    with tempfile.TemporaryDirectory(prefix="cmc", ignore_cleanup_errors=True) as folder:
        home = Path(folder)
        home.chmod(0o755)
        port = free_port()
        with up.running(Settings(home=home, port=port, contacts=300, _env_file=None)):  # type: ignore[call-arg]
            site = orjson.loads((home / "site.json").read_bytes())
            figures = asyncio.run(_in_browser(path, site, steps, moves))
    _show(figures)
    return figures


async def _in_browser(path: str, site: dict[str, Any], steps: int, moves: int) -> Figures:
    try:
        from playwright.async_api import async_playwright
    except ImportError as error:
        raise NoBrowser("This needs Playwright: install the development dependencies.") from error
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=chromium.FLAGS)
        try:
            return await measure(browser, site["portal"], site["people"]["marketer"], steps, moves)
        finally:
            await browser.close()


async def measure(
    browser: Browser, portal: str, person: dict[str, str], steps: int = 200, moves: int = 90
) -> Figures:
    """Open both journeys as `person` ({login, password}) and move each `moves` times a movement."""
    context = await browser.new_context(base_url=portal, viewport=VIEW)  # type: ignore[arg-type]
    try:
        origin = {"Origin": portal}
        known = {"login": person["login"], "password": person["password"]}
        await context.request.post("/api/session", form=known, headers=origin)
        page = await context.new_page()
        opened, moved = {}, {}
        with monitor() as progress:
            task = progress.add_task("Empty, then large", total=2)
            # The first page of a browser is slower than any later one: it is not counted.
            await page.goto("/templates")
            for name, journey in (("empty", journey_of(1)), ("large", journey_of(steps))):
                made = await context.request.post(
                    "/api/v1/campaigns",
                    data={"name": f"Canvas bench, {name}", "journey": journey.model_dump(mode="json")},
                    headers=origin,
                )
                if made.status != 201:
                    raise RuntimeError(f"the campaign was not made: {await made.text()}")
                opened[name] = await _open(page, (await made.json())["campaign_id"])
                moved[name] = {
                    "drag": await _drag(page, moves),
                    "pan": await _pan(page, moves),
                    "zoom": await _zoom(page, moves),
                }
                progress.advance(task)
    finally:
        await context.close()
    every = {name: [t for frames in motions.values() for t in frames] for name, motions in moved.items()}
    large, empty = percentile(every["large"], 0.95), percentile(every["empty"], 0.95)
    return Figures(
        steps=steps, opened_ms=opened["large"], opened_empty_ms=opened["empty"],
        large={name: _motion(frames) for name, frames in moved["large"].items()},
        empty={name: _motion(frames) for name, frames in moved["empty"].items()},
        p95_ms=large, p95_empty_ms=empty, ratio=large / max(empty, 0.001),
    )  # fmt: skip


def journey_of(steps: int) -> Journey:
    """A start, then turns of message, wait, fork and join until there are so many steps."""
    made: list[Step] = [Entry(id="entry", next="s1" if steps > 1 else None)]
    words = {"email": ChannelContent(subject="Time for a check-up", body="Hello, {{ contact.first_name }}.")}
    for n in range(1, steps):
        here, after = f"s{n}", f"s{n + 1}" if n + 1 < steps else None
        turn = n % ROUND
        if n == steps - 1:
            made.append(Exit(id=here))
        elif turn == 3 and n + 3 < steps:
            way = Way(label="Opened it", when=Condition(field="contact.age", op="gte", value=40), next=after)
            made.append(Branch(id=here, paths=[way], otherwise=f"s{n + 2}"))
        elif turn == 4 and n > 4 and n + 2 < steps:
            made.append(
                Message(id=here, variants=[Variant(content=words)], channels=["email"], next=f"s{n + 2}")  # type: ignore[arg-type]
            )
        elif turn % 2:
            made.append(
                Message(id=here, variants=[Variant(content=words)], channels=["email"], next=after)  # type: ignore[arg-type]
            )
        else:
            made.append(Wait(id=here, next=after))
    return Journey(steps=made)


async def _open(page: Page, campaign: str) -> float:
    """Milliseconds from asking for the page to the first step that is drawn."""
    begun = asyncio.get_running_loop().time()
    await page.goto(f"/campaigns/{campaign}")
    await page.wait_for_function(DRAWN)
    opened = (asyncio.get_running_loop().time() - begun) * 1000
    await page.locator(".react-flow__node-step").first.hover(trial=True)
    return opened


PLACE = """() => {
  const box = document.querySelector('.react-flow__node-step')?.getBoundingClientRect();
  return box?.width ? {x: box.x, y: box.y, width: box.width, height: box.height} : null;
}"""
"""Where the first step is, once it is: it is drawn anew while the view settles."""


async def _drag(page: Page, moves: int) -> list[float]:
    """The first step, in a circle's worth of small moves, and let go."""
    box = await (await page.wait_for_function(PLACE)).json_value()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    await page.mouse.move(x, y)
    await page.mouse.down()
    frames = await _recorded(page, lambda n: page.mouse.move(x + 4 * (n % 40), y + 3 * (n % 30)), moves)
    await page.mouse.up()
    return frames


async def _pan(page: Page, moves: int) -> list[float]:
    x, y = VIEW["width"] - 120, VIEW["height"] / 2
    await page.mouse.move(x, y)
    await page.mouse.down()
    frames = await _recorded(page, lambda n: page.mouse.move(x - 2 * (n % 50), y - 6 * n % 320), moves)
    await page.mouse.up()
    return frames


async def _zoom(page: Page, moves: int) -> list[float]:
    """Out until the whole journey is small, and in again."""
    await page.mouse.move(VIEW["width"] / 2, VIEW["height"] / 2)
    return await _recorded(page, lambda n: page.mouse.wheel(0, 60 if n < moves / 2 else -60), moves)


async def _recorded(page: Page, move: Any, moves: int) -> list[float]:
    await page.evaluate(RECORD)
    for n in range(moves):
        await move(n)
    frames: list[float] = await page.evaluate(TAKE)
    return frames


def _motion(frames: list[float]) -> Motion:
    return Motion(statistics.median(frames), percentile(frames, 0.95), max(frames), len(frames))


def _show(f: Figures) -> None:
    def row(name: str) -> tuple[str, str, str]:
        of, bare = f.large[name], f.empty[name]
        return (
            f"{name}, p50 / p95 / worst",
            f"{of.p50_ms:.1f} / {of.p95_ms:.1f} / {of.worst_ms:.1f} ms",
            f"{bare.p50_ms:.1f} / {bare.p95_ms:.1f} / {bare.worst_ms:.1f} ms",
        )

    show(
        "canvas",
        f"Time of a frame on a canvas of {f.steps:,} steps",
        [
            ("shown after", f"{f.opened_ms:.0f} ms", f"{f.opened_empty_ms:.0f} ms"),
            *(row(name) for name in f.large),
            ("all movements, p95", f"{f.p95_ms:.1f} ms", f"{f.p95_empty_ms:.1f} ms"),
            ("ratio to the empty canvas", f"{f.ratio:.2f}", "1"),
        ],
        asdict(f), "what", f"{f.steps:,} steps", "empty canvas",
    )  # fmt: skip
