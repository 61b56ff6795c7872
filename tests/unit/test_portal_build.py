"""Two products that start from one folder at once build its portal once."""

import fcntl
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
