"""`cm bench peers`: the same send, written the way a team would with Celery, Procrastinate and DBOS.

All of them run on the same private servers, for the same people, with two worker processes, one
after the other. Queueing is not counted: the clock of a peer runs from the first send that is seen
to the last one; ours from the moment the campaign becomes active. A figure counts only when exactly
the people with consent were sent to, each once, and each with its hand-over and audit row.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib.util import find_spec

from cm_app.bench.peers_work import LATEST, SCHEMA
from cm_app.bench.stage import (
    ROOT,
    WORKERS,
    Stage,
    alive,
    campaign,
    messages,
    monitor,
    people,
    private_stage,
    show,
)

GET_THEM = "uv sync --group peers"
PATIENCE = 900.0
WILLING = f"SELECT contact_id FROM canonical.consent WHERE practice_id = ({LATEST}) AND state = 'granted'"


@dataclass(frozen=True)
class Peer:
    """How a peer is set up: `queue` puts everybody in, `work` are its worker processes."""

    name: str
    package: str
    queue: Sequence[str]
    work: Sequence[Sequence[str]]


def _own(module: str) -> Peer:
    at = f"cm_app.bench.peers_{module}"
    return Peer(module.capitalize(), module, (at, "queue"), [(at, "work")] * WORKERS)


PEERS = (
    Peer(
        "Celery", "celery", ("cm_app.bench.peers_celery",),
        [("celery", "-A", "cm_app.bench.peers_celery", "worker", "--pool=prefork", f"--concurrency={WORKERS}", "--loglevel=warning")],
    ),
    _own("procrastinate"),
    Peer("DBOS", "dbos", ("cm_app.bench.peers_dbos", "queue"), [("cm_app.bench.peers_dbos", "work")] * WORKERS),
)  # fmt: skip


@dataclass(frozen=True)
class Result:
    """Sends a minute of one way of doing it; `note` says why there is no figure."""

    name: str
    sends_per_minute: float = 0.0
    times_slower: float = 0.0
    queueing_seconds: float = 0.0
    note: str = ""


class WrongEffects(RuntimeError):
    """Somebody was sent to who should not have been, or the other way round."""


def main(number: int = 20_000) -> list[Result]:
    """Run on private servers in a temporary folder; print a table and one JSON line."""
    with private_stage() as stage:
        results = measure(stage, number)
    _show(number, results)
    return results


def measure(stage: Stage, number: int) -> list[Result]:
    """Ours, then each peer that is installed."""
    people(stage, number)
    with monitor() as progress:
        step = progress.add_task("Campaign Manager", total=number)
        rate = _ours(stage, number, lambda done: progress.update(step, completed=done))
    return [Result("Campaign Manager", rate, 1.0), *others(stage, number, ours=rate)]


def others(stage: Stage, number: int, *, ours: float) -> list[Result]:
    """Each peer next to `ours` sends a minute; one that is not installed says how to get it."""
    results = []
    with monitor() as progress:
        for peer in PEERS:
            if find_spec(peer.package) is None:
                results.append(Result(peer.name, note=f"not installed: {GET_THEM}"))
                continue
            step = progress.add_task(peer.name, total=number)
            rate, queueing = _theirs(
                stage, peer, number, lambda done, step=step: progress.update(step, completed=done)
            )
            results.append(Result(peer.name, rate, ours / rate, queueing))
    return results


def _ours(stage: Stage, number: int, shown: Callable[[int], None]) -> float:
    practice = stage.ask(f"SELECT ({LATEST})")[0][0]
    mine = campaign(stage, practice, messages(1), due="m0", state="paused")
    stage.settle()
    counted = "SELECT coalesce(sum(value), 0) FROM cm.metric WHERE campaign_id = :c AND name IN ('requested', 'refused')"
    with stage.processes([("cm_app.workers", "engine")] * WORKERS, "engine") as running:
        _wait(lambda: len(_consumers(stage)) >= WORKERS, lambda: alive(stage, running, "engine"))
        begun = time.perf_counter()
        stage.run("UPDATE cm.campaign SET state = 'active' WHERE campaign_id = :c", c=mine)
        seconds = _until_done(
            lambda: int(stage.ask(counted, c=mine)[0][0]), number,
            lambda: alive(stage, running, "engine"), shown, begun=begun,
        )  # fmt: skip
    _check(
        stage, "Campaign Manager", "SELECT contact_id FROM cm.dispatch WHERE campaign_id = :c",
        "SELECT count(*) FROM cm.audit WHERE campaign_id = :c AND tag IN ('step.requested', 'step.refused')",
        number, c=mine,
    )  # fmt: skip
    return _willing(stage) / seconds * 60


def _theirs(stage: Stage, peer: Peer, number: int, shown: Callable[[int], None]) -> tuple[float, float]:
    stage.run(*SCHEMA)
    begun = time.perf_counter()
    queued = subprocess.run(
        [sys.executable, "-m", *peer.queue], cwd=ROOT, env=stage.environment(), capture_output=True, text=True
    )
    if queued.returncode:
        raise RuntimeError(f"{peer.name} could not queue:\n{queued.stderr[-2000:]}")
    queueing = time.perf_counter() - begun
    stage.settle()
    with stage.processes(peer.work, peer.package) as running:
        seconds = _until_done(
            lambda: stage.ask("SELECT count(*) FROM peer.audit")[0][0], number,
            lambda: alive(stage, running, peer.package), shown,
        )  # fmt: skip
    _check(
        stage, peer.name, "SELECT contact_id FROM peer.send", "SELECT count(*) FROM peer.audit", number,
        "SELECT contact_id FROM peer.outbox",
    )  # fmt: skip
    return _willing(stage) / seconds * 60, queueing


def _until_done(
    count: Callable[[], int], number: int, check: Callable[[], None], shown: Callable[[int], None],
    *, begun: float | None = None,
) -> float:  # fmt: skip
    """Seconds for all, from `begun`, or scaled up from the first that was seen."""
    first, deadline = 0, time.perf_counter() + PATIENCE
    while time.perf_counter() < deadline:
        done, now = count(), time.perf_counter()
        shown(done)
        if done and begun is None:
            begun, first = now, done
        if done >= number and begun is not None:
            return (now - begun) * number / max(1, number - first)
        check()
        time.sleep(0.02)
    raise TimeoutError(f"Not done after {PATIENCE:.0f} seconds.")


def _wait(true: Callable[[], bool], check: Callable[[], None]) -> None:
    deadline = time.perf_counter() + 60
    while not true() and time.perf_counter() < deadline:
        check()
        time.sleep(0.05)


def _consumers(stage: Stage) -> list:
    import redis

    with redis.from_url(stage.redis_url) as client:
        stream = "cm:events:hub"
        if not client.exists(stream) or not client.xinfo_groups(stream):
            return []
        return client.xinfo_consumers(stream, "campaign-manager")


def _willing(stage: Stage) -> int:
    return len(stage.ask(WILLING))


def _check(
    stage: Stage, name: str, sends: str, audits: str, number: int, handed: str = "", **bind: object
) -> None:
    """Raise WrongEffects unless exactly those with consent were sent to, once, audit and all."""
    wanted = {r.contact_id for r in stage.ask(WILLING)}
    for sql in filter(None, (sends, handed)):
        found = [r.contact_id for r in stage.ask(sql, **bind)]
        if len(found) != len(wanted) or set(found) != wanted:
            raise WrongEffects(f"{name}: {len(found):,} sends, {len(wanted):,} expected. No figure.")
    audited = stage.ask(audits, **bind)[0][0]
    if audited != number:
        raise WrongEffects(f"{name}: {audited:,} audit rows for {number:,} people. No figure.")


def _show(number: int, results: Sequence[Result]) -> None:
    show(
        "peers",
        f"The same send to {number:,} people, {WORKERS} worker processes each",
        [
            (r.name, f"{r.sends_per_minute:,.0f}", f"1 : {r.times_slower:,.1f}", f"{r.queueing_seconds:.1f}")
            if not r.note
            else (r.name, r.note, "", "")
            for r in results
        ],
        {"people": number, "results": [asdict(r) for r in results]},
        "who", "sends a minute", "ours to theirs", "seconds to queue",
    )  # fmt: skip
