"""What is wrong on a machine is found before anything starts, and has a cure."""

import socket
from pathlib import Path

import pytest
from redis import Redis
from typer.testing import CliRunner

from cm_app import cli
from services.kit import preflight
from services.kit.embedded import MARK
from services.kit.settings import Settings
from tests.factories.practice import run

pytestmark = pytest.mark.covers("ENG-5")


def settings_of(home: Path, **values) -> Settings:
    return Settings(_env_file=None, home=home, **values)


def failed(checks: list[preflight.Check]) -> set[str]:
    assert all(check.cure for check in checks if not check.ok), "every problem has a cure"
    return {check.name for check in checks if not check.ok}


def test_an_empty_machine_is_fine(tmp_path: Path):
    assert failed(preflight.machine(settings_of(tmp_path), ports=False)) == set()
    preflight.refuse(preflight.machine(settings_of(tmp_path), ports=False))


def test_every_failure_is_in_the_refusal(tmp_path: Path):
    (tmp_path / "postgres").mkdir()
    (tmp_path / "postgres" / "PG_VERSION").touch()
    with pytest.raises(preflight.NotReady, match=r"half-initialised.*\n?.*--fresh"):
        preflight.refuse(preflight.machine(settings_of(tmp_path), ports=False))
    (tmp_path / "postgres" / "postgresql.conf").write_text(MARK)
    assert failed(preflight.machine(settings_of(tmp_path), ports=False)) == set()


def test_a_taken_port_is_found_and_one_of_an_absent_neighbour_is_not_asked_for(tmp_path: Path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert f"port {port}" in failed(preflight.machine(settings_of(tmp_path, hub_port=port)))
        assert f"port {port}" not in failed(
            preflight.machine(settings_of(tmp_path, hub_port=port, hub="external"))
        )


def test_production_refuses_each_unsafe_setting(tmp_path: Path):
    unsafe = settings_of(
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
    safe = settings_of(
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
    local = settings_of(
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


def test_a_home_that_cannot_be_one_and_a_short_key_are_named(tmp_path: Path):
    (tmp_path / "file").touch()
    assert failed(preflight.machine(settings_of(tmp_path / "file"), ports=False)) == {"home folder"}
    short = settings_of(tmp_path, secret_key=f"{'k' * 40},short")
    assert failed(preflight.machine(short, ports=False)) == {"secret key"}


def test_an_old_python_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(preflight.sys, "version_info", (3, 10, 9))
    assert failed(preflight.machine(settings_of(tmp_path), ports=False)) == {"python"}


def test_a_database_that_is_too_old_or_has_no_roles_is_named(
    servers, database_url: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(preflight, "ROLES", (*preflight.ROLES, "cm_nobody"))
    monkeypatch.setattr(preflight, "OLDEST_POSTGRES", 990000)
    assert failed(preflight.servers(database_url, servers.redis_url)) == {
        "database version",
        "database roles",
    }


@pytest.mark.parametrize(
    "sql", ["DROP TABLE alembic_version", "UPDATE alembic_version SET version_num = 'before'"]
)
def test_a_database_that_is_not_migrated_is_named(servers, database_url: str, sql: str):
    run(database_url, sql, {})
    (check,) = [c for c in preflight.servers(database_url, servers.redis_url) if not c.ok]
    assert check.name == "migrations"
    assert preflight.migration_head() in check.sentence
    assert "migrate" in check.cure


def test_a_bus_that_forgets_is_named(servers, database_url: str):
    with Redis.from_url(servers.redis_url) as client:
        client.config_set("appendonly", "no")
        try:
            assert failed(preflight.servers(database_url, servers.redis_url)) == {"bus durability"}
        finally:
            client.config_set("appendonly", "yes")


def test_a_worker_refuses_to_start_with_a_sentence(
    servers, database_url: str, config: Settings, monkeypatch: pytest.MonkeyPatch
):
    """What a service manager starts by hand, on a database nobody has migrated."""
    run(database_url, "DROP TABLE alembic_version", {})
    monkeypatch.setenv("CM_DATABASE_URL", database_url)
    monkeypatch.setenv("CM_REDIS_URL", servers.redis_url)
    monkeypatch.setenv("CM_HOME", str(config.home))
    answer = CliRunner().invoke(cli.app, ["worker", "engine"])
    assert answer.exit_code != 0
    assert isinstance(answer.exception, preflight.NotReady)
    assert "migration none" in answer.exception.message
