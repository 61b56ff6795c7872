"""Brings a database to the point where the product can run: version, roles, migrations."""

import hashlib
from datetime import date
from pathlib import Path

from sqlalchemy import URL, create_engine, text

from services.kit.crypto import Keyring
from services.kit.db import ROLES
from services.kit.errors import AppError

MINIMUM = 180000
ROOT = Path(__file__).resolve().parents[2]


class DatabaseTooOld(AppError):
    code = "database_too_old"
    status = 503


class SchemaChanged(AppError):
    code = "schema_changed"
    status = 503


def provision(owner_url: URL, keyring: Keyring) -> None:
    """Create or refresh the login roles, then migrate to head. Safe to repeat.

    Raises SchemaChanged when the database was made from other SQL files than the present ones,
    which happens before the first release only (docs/decisions/0003).
    """
    ensure_roles(owner_url, keyring)
    migrate(owner_url)
    _compare_schema(owner_url)


def _compare_schema(owner_url: URL) -> None:
    """Mark a new database with the hash of the SQL files; refuse an older one with another hash."""
    digest = hashlib.sha256()
    for path in sorted((ROOT / "alembic" / "sql").glob("*.sql")):
        digest.update(path.read_bytes())
    mark = f"made from {digest.hexdigest()[:16]}"
    engine = create_engine(owner_url)
    with engine.begin() as connection:
        found = connection.scalar(text("SELECT obj_description('cm'::regnamespace, 'pg_namespace')"))
        if found is None:
            connection.exec_driver_sql(f"COMMENT ON SCHEMA cm IS '{mark}'")
    engine.dispose()
    if found not in (None, mark):
        raise SchemaChanged(
            "The database was made from an earlier draft of the schema, which cannot be carried over "
            "before the first release. Make it anew with `cm up --fresh`."
        )


def ensure_roles(owner_url: URL, keyring: Keyring) -> None:
    engine = create_engine(owner_url, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        version = int(connection.scalar(text("SHOW server_version_num")) or 0)
        if version < MINIMUM:
            raise DatabaseTooOld(
                f"PostgreSQL 18 or later is needed; this server says {version // 10000}. "
                "Point CM_DATABASE_URL at a newer one, or leave it empty for the private server."
            )
        for role in ROLES:
            password = keyring.password(role)
            known = connection.scalar(text("SELECT 1 FROM pg_roles WHERE rolname = :r"), {"r": role})
            verb = "ALTER" if known else "CREATE"
            connection.exec_driver_sql(
                f"{verb} ROLE {role} LOGIN NOSUPERUSER NOBYPASSRLS PASSWORD '{password}'"
            )
            connection.exec_driver_sql(f"GRANT {role} TO CURRENT_USER")
        database = connection.scalar(text("SELECT quote_ident(current_database())"))
        connection.exec_driver_sql(f"GRANT CONNECT, TEMP ON DATABASE {database} TO {', '.join(ROLES)}")
        # The platform owns `canonical` and its own schema: it must be able to make them.
        connection.exec_driver_sql(f"GRANT CREATE ON DATABASE {database} TO cm_platform")
    engine.dispose()


def migrate(owner_url: URL) -> None:
    from alembic.config import Config

    from alembic import command

    config = Config(toml_file=str(ROOT / "pyproject.toml"))
    config.attributes["owner_url"] = owner_url
    command.upgrade(config, "head")


def partitions(owner_url: URL, first: date, *, months: int) -> None:
    """Make the monthly partitions from the month of `first` on, where they are missing."""
    engine = create_engine(owner_url)
    with engine.begin() as connection:
        connection.execute(
            text("SELECT cm.ensure_partitions(:first, :months)"), {"first": first, "months": months}
        )
    engine.dispose()
