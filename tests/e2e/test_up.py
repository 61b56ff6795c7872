"""`cm up` as a person meets it: it starts, it stops without a trace, and it says what is wrong."""

import json
import os
import shutil
import signal
import socket
import stat
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import psutil
import pytest

from cm_app.auditing import verify_file
from cm_app.up import running
from services.kit.errors import AppError
from services.kit.settings import Settings
from tests.e2e.conftest import Site
from tests.e2e.product import Product, free_ports

pytestmark = pytest.mark.covers("ENG-5", "OPS-2", "SRF-4")


@pytest.fixture
def home() -> Iterator[Path]:
    """A short path: Unix sockets live below it."""
    folder = Path(tempfile.mkdtemp(prefix="cmu"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def gone(family: list[psutil.Process]) -> bool:
    return not psutil.wait_procs(family, timeout=10)[1]


def test_the_product_answers_on_its_three_ports(site: Site):
    for address in (f"{site.portal}/ping", f"{site.hub}/healthz", f"{site.platform}/health"):
        with urlopen(address, timeout=10) as answer:
            assert answer.status == 200
    with urlopen(site.portal, timeout=10) as answer:
        assert b"<html" in answer.read()


def test_addresses_and_keys_are_private_to_their_owner(site: Site):
    for name in ("servers.json", "site.json", "secret.key", "processes.json"):
        assert stat.S_IMODE((site.home / name).stat().st_mode) == 0o600


def test_it_starts_again_after_being_killed_and_stops_without_a_trace(home: Path):
    product = Product(home)
    product.start()
    assert "Maya Okafor" in product.output
    family = product.family
    product.stop(signal.SIGKILL)

    again = Product(home, port=product.port)
    again.start()
    assert gone(family), "the first run's processes were left behind"
    database = psutil.Process(int((home / "postgres" / "postmaster.pid").read_text().split()[0]))
    assert again.stop() == 0
    assert gone([*again.family, database])
    assert not {"servers.json", "processes.json", "site.json"} & set(os.listdir(home))
    with socket.create_server(("127.0.0.1", product.port)):
        pass  # the port is free again


def refusal(home: Path, **values: Any) -> str:
    """What `cm up` would print and end with."""
    row = free_ports(3)
    ports = dict(zip(("port", "hub_port", "platform_port"), row, strict=True))
    with (
        pytest.raises(AppError) as raised,
        running(Settings(_env_file=None, home=home, **{**ports, **values})),
    ):
        pass
    return raised.value.message


def test_a_taken_port_is_named_with_a_way_out(home: Path):
    (port, *_) = free_ports(3)
    with socket.create_server(("127.0.0.1", port)):
        said = " ".join(Product(home, port=port).refuse().split())
    assert f"Port {port} is taken by another program. Choose another with `cm up --port 4000`" in said
    assert not (home / "postgres").exists()


def test_a_second_one_on_the_same_folder_is_told_about_the_first(site: Site):
    assert "already running" in refusal(site.home)


def test_a_half_initialised_data_folder_gets_a_sentence_and_a_cure(home: Path):
    (home / "postgres").mkdir()
    (home / "postgres" / "PG_VERSION").write_text("18\n")
    said = refusal(home)
    assert "half-initialised: a first start was cut off" in said
    assert "cm up --fresh" in said


def test_a_wrong_setting_is_named(home: Path):
    said = refusal(home, secret_key="short")
    assert said == "CM_SECRET_KEY is too short. Give at least 32 characters."


def test_a_missing_node_is_named(home: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "executable", str(home / "bin" / "python"))
    assert "Run `uv sync`" in refusal(home)


def test_production_refuses_what_is_unsafe(home: Path):
    said = refusal(home, environment="production", qa=True, smtp_url="smtp://mail.example.com")
    for sentence in ("QA mode is on.", "No CM_SECRET_KEY is set.", "mail server is reached", "without TLS"):
        assert sentence in said


@pytest.mark.covers("GOV-4")
def test_the_audit_verifies_live_and_exported_and_not_altered(site: Site, cm, tmp_path: Path):
    live = cm("verify-audit", home=site.home)
    assert live.returncode == 0, live.stdout + live.stderr
    assert "the chain holds" in live.stdout
    export = tmp_path / "audit.jsonl"
    assert cm("export", "audit", str(export), home=site.home).returncode == 0
    assert verify_file(export)[0]
    lines = export.read_text().splitlines()
    row = next(n for n, line in enumerate(lines) if '"leaf"' in line)
    changed = json.loads(lines[row])
    changed["actor"] = "person:somebody-else"
    export.write_text("\n".join([*lines[:row], json.dumps(changed), *lines[row + 1 :]]) + "\n")
    altered = cm("verify-audit", str(export))
    assert altered.returncode == 1
    assert "does not hold" in altered.stdout
