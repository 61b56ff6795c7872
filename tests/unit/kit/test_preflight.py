"""What is wrong on a machine is found before anything starts, and has a cure."""

import socket
from pathlib import Path

import pytest

from services.kit import preflight
from services.kit.embedded import MARK
from services.kit.settings import Settings

pytestmark = pytest.mark.covers("ENG-5")


def config(home: Path, **values) -> Settings:
    return Settings(_env_file=None, home=home, **values)


def failed(checks: list[preflight.Check]) -> set[str]:
    assert all(check.cure for check in checks if not check.ok), "every problem has a cure"
    return {check.name for check in checks if not check.ok}


def test_an_empty_machine_is_fine(tmp_path: Path):
    assert failed(preflight.machine(config(tmp_path), ports=False)) == set()
    preflight.refuse(preflight.machine(config(tmp_path), ports=False))


def test_every_failure_is_in_the_refusal(tmp_path: Path):
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "PG_VERSION").touch()
    with pytest.raises(preflight.NotReady, match=r"half-initialised.*\n?.*--fresh"):
        preflight.refuse(preflight.machine(config(tmp_path), ports=False))
    (tmp_path / "postgres" / "postgresql.conf").write_text(MARK)
    assert failed(preflight.machine(config(tmp_path), ports=False)) == set()


def test_a_taken_port_is_found_and_one_of_an_absent_neighbour_is_not_asked_for(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"port {port}" in failed(preflight.machine(config(tmp_path, hub_port=port)))
        assert f"port {port}" not in failed(
            preflight.machine(config(tmp_path, hub_port=port, hub="external"))
        )


def test_production_refuses_each_unsafe_setting(tmp_path: Path):
    unsafe = config(
        tmp_path,
        environment="production",
        qa=True,
        database_url="postgresql://cm@db.example.com/cm",
        redis_url="redis://bus.example.com",
        smtp_url="smtp://mail.example.com",
        sms_gateway_url="http://sms.example.com",
        public_url="http://campaigns.example.com",
        hub_public_url="http://links.example.com",
        hub="external",
        hub_url="http://hub.example.com",
    )
    assert failed(preflight.production(unsafe)) == {
        "QA mode", "secret key from outside", "database over TLS", "bus over TLS", "mail over TLS",
        "gateways over TLS", "portal over TLS", "links over TLS", "hub over TLS", "hub token",
    }  # fmt: skip


def test_production_accepts_what_is_safe(tmp_path: Path):
    safe = config(
        tmp_path,
        environment="production",
        secret_key="k" * 40,
        database_url="postgresql://cm@db.example.com/cm?sslmode=verify-full",
        redis_url="rediss://bus.example.com",
        smtp_url="smtps://mail.example.com",
        public_url="https://campaigns.example.com",
        hub_public_url="https://links.example.com",
    )
    assert failed(preflight.production(safe)) == set()


def test_servers_on_this_machine_need_no_tls(tmp_path: Path):
    local = config(
        tmp_path,
        secret_key="k" * 40,
        database_url="postgresql://cm@/cm?host=/var/run/postgresql",
        redis_url="redis://127.0.0.1:6379",
        smtp_url="smtp://localhost:25",
    )
    assert failed(preflight.production(local)) == set()


def test_servers_that_are_not_there_are_named():
    missing = "postgresql://nobody@127.0.0.1:9/none?connect_timeout=2"
    assert failed(preflight.servers(missing, "redis://127.0.0.1:9")) == {"database", "bus"}


def test_running_servers_pass(servers, database_url: str):
    assert failed(preflight.servers(database_url, servers.redis_url)) == set()
