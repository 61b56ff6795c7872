"""Two products that start from one folder at once build its portal once."""

import fcntl
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from cm_app import portal_build

pytestmark = pytest.mark.covers("SRF-4")


def test_a_second_build_waits_for_the_first_and_has_nothing_left_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """The lock is held by another."""
    held = tmp_path / "rxconfig.py"
    held.touch()
    monkeypatch.setattr(portal_build, "LOCKED", held)
    monkeypatch.setattr(portal_build.subprocess, "Popen", pytest.fail)
    with held.open("rb") as first:
        fcntl.flock(first, fcntl.LOCK_EX)
        second = portal_build.Build(tmp_path / "logs" / "build.log")
    monkeypatch.setattr(portal_build, "is_fresh", lambda: True)
    second.finish()
    with held.open("rb") as third:
        fcntl.flock(third, fcntl.LOCK_EX | fcntl.LOCK_NB)  # nobody holds it any more


def test_a_build_that_is_given_up_lets_the_next_one_begin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    held = tmp_path / "rxconfig.py"
    held.touch()
    monkeypatch.setattr(portal_build, "LOCKED", held)
    with held.open("rb") as first:
        fcntl.flock(first, fcntl.LOCK_EX)
        portal_build.Build(tmp_path / "build.log").abandon()
    with held.open("rb") as next_one:
        fcntl.flock(next_one, fcntl.LOCK_EX | fcntl.LOCK_NB)


@pytest.fixture
def building(monkeypatch, tmp_path) -> Callable[[list[str]], portal_build.Build]:
    """Begins a build that is the command given, in a folder of its own."""

    def begin(command: list[str]) -> portal_build.Build:
        held, index = tmp_path / "rxconfig.py", tmp_path / "index.html"
        for path in (held, index):
            path.touch()
        begun = subprocess.Popen
        monkeypatch.setattr(portal_build, "LOCKED", held)
        monkeypatch.setattr(portal_build, "OUTPUT", index)
        monkeypatch.setattr(portal_build, "STAMP", tmp_path / "stamp")
        monkeypatch.setattr(portal_build, "_with_registry", lambda env: env)
        monkeypatch.setattr(portal_build.subprocess, "Popen", lambda _, **how: begun(command, **how))
        return portal_build.Build(tmp_path / "build.log")

    return begin


@pytest.mark.covers("ENG-5")
def test_what_was_built_is_left_alone_at_the_end(building):
    build = building(["true"])
    build.finish()
    build.abandon()


@pytest.mark.covers("ENG-5")
def test_a_build_that_is_interrupted_while_it_is_waited_for_is_ended(building, monkeypatch):
    build = building(["sleep", "600"])
    process = build._process

    def interrupted() -> int:
        raise KeyboardInterrupt

    with monkeypatch.context() as waiting:
        waiting.setattr(process, "wait", interrupted)
        with pytest.raises(KeyboardInterrupt):
            build.finish()
    build.abandon()
    assert process.poll() is not None
