"""Who works in bulk steps back by the number that the machine's scheduler really reads."""

import subprocess
import sys
from pathlib import Path

import pytest

from services.kit import priority
from services.kit.priority import LEVEL

pytestmark = pytest.mark.covers("SUP-1")
WAIT = [sys.executable, "-c", "import signal; signal.pause()"]
SESSIONS = Path("/proc/self/autogroup")


@pytest.fixture
def waiting():
    """Starts a process that does nothing, in a session of its own or in ours."""
    started: list[subprocess.Popen[bytes]] = []

    def start(*, own_session: bool) -> int:
        started.append(subprocess.Popen(WAIT, start_new_session=own_session))
        return started[-1].pid

    yield start
    for process in started:
        process.kill()
        process.wait()


def session_of(pid: int) -> str:
    return Path(f"/proc/{pid}/autogroup").read_text().strip()


@pytest.mark.skipif(not SESSIONS.exists(), reason="This machine does not share its time out by session.")
def test_a_session_of_its_own_goes_last(waiting):
    pid = waiting(own_session=True)
    priority.lower_session(pid)
    assert session_of(pid).endswith(f"nice {LEVEL}")


@pytest.mark.skipif(not SESSIONS.exists(), reason="This machine does not share its time out by session.")
def test_the_session_of_a_terminal_stays_as_it_is(waiting):
    before = session_of(waiting(own_session=False))
    pid = waiting(own_session=False)
    priority.lower_session(pid)
    assert session_of(pid) == before


def test_a_machine_that_knows_no_sessions_is_none_the_worse(waiting):
    priority.lower_session(2**22 + 1)  # there is no such process, nor its file
