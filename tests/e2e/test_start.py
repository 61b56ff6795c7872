"""`cm up` as a person meets it: it starts, it stops without a trace, and it says what is wrong."""

import os
import shutil
import signal
import socket
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from tests.e2e.product import Product, free_ports, refusal

pytestmark = pytest.mark.covers("ENG-5", "OPS-2", "SRF-4")


@pytest.fixture
def home() -> Iterator[Path]:
    """A short path: Unix sockets live below it."""
    folder = Path(tempfile.mkdtemp(prefix="cmu"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def gone(family: list[psutil.Process]) -> bool:
    return not psutil.wait_procs(family, timeout=60)[1]


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


def test_a_taken_port_is_named_with_a_way_out(home: Path):
    (port, *_) = free_ports(3)
    with socket.create_server(("127.0.0.1", port)):
        said = " ".join(Product(home, port=port).refuse().split())
    assert f"Port {port} is taken by another program. Choose another with `cm up --port 4000`" in said
    assert not (home / "postgres").exists()


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
