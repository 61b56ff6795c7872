"""`cm demo`: a product to look at that leaves nothing behind."""

import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cm_app import up
from cm_app.cli import app
from services.kit.settings import Settings

pytestmark = pytest.mark.covers("SRF-4")


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command sets its own; afterwards it is as it was."""
    for name in ("CM_HOME", "CM_PORT", "CM_CONTACTS", "CM_AMBIENT_PER_MINUTE"):
        monkeypatch.setenv(name, "1")
        monkeypatch.delenv(name)
    for name in ("CM_DATABASE_URL", "CM_REDIS_URL"):
        monkeypatch.delenv(name, raising=False)


def test_it_is_lively_in_a_folder_that_is_gone_afterwards(monkeypatch: pytest.MonkeyPatch):
    started: list[Settings] = []

    def start(config: Settings, *, farewell: str) -> None:
        assert "Nothing" in farewell
        (config.home / "kept.txt").write_text("while it runs")
        started.append(config)

    monkeypatch.setattr(up, "up", start)
    said = CliRunner().invoke(app, ["demo", "--port", "4700", "--events", "30"], catch_exceptions=False)
    (config,) = started
    assert said.exit_code == 0
    assert (config.port, config.ambient_per_minute) == (4700, 30)
    assert config.home != Path(os.getcwd()) / ".cm"
    assert not config.home.exists()


def test_it_never_runs_on_a_servers_data(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("CM_DATABASE_URL", "postgresql://db.example/cm")
    monkeypatch.setattr(up, "up", pytest.fail)
    said = CliRunner().invoke(app, ["demo"])
    assert "Unset CM_DATABASE_URL" in str(said.exception)
