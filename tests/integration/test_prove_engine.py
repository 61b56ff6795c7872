"""`cm prove` really interrupted, twice: it goes on where it was, and its books are whole."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import orjson
import pytest

from services.kit.embedded import Servers
from services.kit.settings import Settings

SCRIPT = """
import sys
from pathlib import Path
from cm_app.prove import main
from services.kit.embedded import Servers
main(400, seed=None, progress_file=Path(sys.argv[1]), examples=1, servers=Servers(*sys.argv[2:4]))
"""


def _start(file: Path, config: Settings, servers: Servers) -> "subprocess.Popen[str]":
    assert config.secret_key
    secret = config.secret_key.get_secret_value()
    return subprocess.Popen(
        [sys.executable, "-c", SCRIPT, str(file), servers.database_url, servers.redis_url],
        stdout=subprocess.PIPE, text=True,
        env={**os.environ, "CM_SECRET_KEY": secret, "COLUMNS": "120", "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip


@pytest.mark.covers("ENG-1")
def test_it_goes_on_where_it_was_stopped_or_killed(tmp_path: Path, config: Settings, servers: Servers):
    file = tmp_path / "prove.json"

    stopped = _start(file, config, servers)
    assert stopped.stdout
    assert stopped.stdout.readline() == "Seed 0: 100 of 400 acts agree.\n"
    stopped.send_signal(signal.SIGINT)  # in the middle of seed 1
    assert "Run it again to go on." in stopped.communicate()[0]
    assert stopped.returncode == 130

    killed = _start(file, config, servers)
    assert killed.stdout
    assert killed.stdout.readline() == "Seed 1: 200 of 400 acts agree.\n"
    killed.kill()
    killed.communicate()
    assert orjson.loads(file.read_bytes())["next_seed"] == 2

    told = _start(file, config, servers).communicate()[0].splitlines()
    assert told[0] == "Seed 2: 300 of 400 acts agree."
    figures = orjson.loads(told[-1])
    assert (figures["operations"], figures["before"], figures["violations"]) == (200, 200, 0)
    assert (figures["first_seed"], figures["last_seed"]) == (2, 3)
