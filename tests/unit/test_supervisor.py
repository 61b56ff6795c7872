"""Children are restarted when they die, stopped in order, and leave nothing behind."""

import os
import signal
import socket
import sys
import threading
from pathlib import Path

import psutil
import pytest

from cm_app.supervisor import Child, Supervisor

pytestmark = pytest.mark.covers("OPS-2")

WAIT = "import signal, sys; signal.signal(signal.SIGTERM, lambda *_: sys.exit(0)); signal.pause()"
DEAF = (
    "import signal, subprocess, sys; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
    "subprocess.Popen([sys.executable, '-c', 'import signal; signal.pause()']); print('deaf', flush=True);"
    "signal.pause()"
)


@pytest.fixture
def make(tmp_path: Path):
    made: list[Child] = []

    def child(name: str, code: str) -> Child:
        made.append(Child(name, [sys.executable, "-c", code], tmp_path / f"{name}.log", tmp_path))
        return made[-1]

    yield child
    for one in made:
        one.stop(patience=0.0)


def test_a_child_that_dies_is_started_again_after_a_growing_pause(make):
    said: list[str] = []
    child = make("engine", "import sys; print('no database'); sys.exit(3)")
    supervisor = Supervisor([child], said.append)
    supervisor.start()
    pauses = []
    for _ in range(7):
        child.process.wait()
        supervisor.look()  # notices
        pauses.append(round(child.restart_at - child.started))
        supervisor.look()  # not due yet: nothing happens
        assert not child.alive
        child.restart_at = 0.001  # its time has come
        supervisor.look()
    assert pauses[0] <= pauses[1] <= pauses[-1] <= 31
    assert child.failures == 7
    assert "engine stopped by itself (exit code 3). Starting it again in 1 s." in said[0]
    assert "again in 30 s" in said[-2]
    assert "no database" in child.last_words()


def test_children_are_stopped_in_order(make):
    first, second = make("web", WAIT), make("hub", WAIT)
    order: list[str] = []
    for child in (first, second):
        whole = child.stop
        child.stop = lambda patience=10.0, child=child, whole=whole: (order.append(child.name), whole())[1]
    supervisor = Supervisor([first, second], order.append)
    supervisor.start()
    supervisor.stop()
    assert order[:2] == ["web", "hub"]
    assert not first.alive
    assert not second.alive


def test_a_child_that_does_not_listen_is_killed_with_everything_it_started(make):
    said: list[str] = []
    child = make("deaf", DEAF)
    child.start()
    with child.log.open() as log:
        while "deaf" not in log.read():
            os.sched_yield()
    family = psutil.Process(child.process.pid).children()
    assert family
    assert not child.stop(patience=0.1)
    assert not psutil.wait_procs(family, timeout=10)[1]
    assert child.process.returncode == -signal.SIGKILL
    assert said == []


def test_a_child_that_never_answers_is_named(make):
    child = make("web", WAIT)
    child.health = "http://127.0.0.1:9/ping"
    supervisor = Supervisor([child], lambda _: None)
    supervisor.start()
    assert supervisor.wait_until_healthy(0.3) == [child]


def test_an_answer_that_is_no_http_is_none(make):
    """As when the probe was connected to itself and hears its own question."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def echo() -> None:
            with server.accept()[0] as connection:
                connection.sendall(connection.recv(4096))

        listening = threading.Thread(target=echo)
        listening.start()
        child = make("web", WAIT)
        child.health = f"http://127.0.0.1:{server.getsockname()[1]}/healthz"
        child.start()
        assert not child.answers()
        listening.join()


def test_waiting_ends_early_when_a_child_dies(make):
    child = make("web", "raise SystemExit(1)")
    child.health = "http://127.0.0.1:9/ping"
    supervisor = Supervisor([child], lambda _: None)
    supervisor.start()
    child.process.wait()
    assert supervisor.wait_until_healthy(600) == [child]
