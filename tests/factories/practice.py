"""Rows of the shared data model, written as its owner; plain functions, explicit values."""

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Engine, create_engine, text

from services.kit.db import owner
from tests.factories.ids import fixed_id

_open: dict[str, Engine] = {}


def run(database_url: str, sql: str, rows: dict[str, Any] | list[dict[str, Any]]) -> None:
    """Execute as the database owner, outside row-level security. The connection stays open until
    `let_go`: making one takes longer than most statements do."""
    if database_url not in _open:
        _open[database_url] = create_engine(owner(database_url), pool_size=1, pool_pre_ping=True)
    with _open[database_url].begin() as connection:
        connection.execute(text(sql), rows)


def let_go() -> None:
    """Close what `run` opened."""
    while _open:
        _open.popitem()[1].dispose()


def make_practice(
    database_url: str, now: datetime, *, name: str = "Harbour Dental", practice_id: UUID | None = None
) -> UUID:
    practice_id = practice_id or fixed_id()
    run(
        database_url,
        "INSERT INTO canonical.practice (practice_id, name, timezone, postal_address)"
        " VALUES (:id, :name, 'Europe/London', '1 Harbour Street, Bristol BS1 5TY')",
        {"id": practice_id, "name": name},
    )
    run(
        database_url,
        "INSERT INTO cm.practice (practice_id, label, timezone, created_at)"
        " VALUES (:id, :name, 'Europe/London', :now)",
        {"id": practice_id, "name": name, "now": now},
    )
    return practice_id


def make_contact(
    database_url: str,
    practice_id: UUID,
    now: datetime,
    *,
    consent: tuple[str, ...] = ("email", "in_app"),
    **values: Any,
) -> UUID:
    """One contact; `consent` lists channels with marketing consent. Values override columns."""
    contact_id: UUID = values.pop("contact_id", None) or fixed_id()
    row = {
        "practice_id": practice_id,
        "contact_id": contact_id,
        "kind": "patient",
        "first_name": "Ada",
        "last_name": "Byron",
        "email": f"{contact_id.hex}@example.com",
        "phone": None,
        "app_user": True,
        "registered_at": now - timedelta(days=400),
        **values,
    }
    columns = ", ".join(row)
    run(
        database_url,
        f"INSERT INTO canonical.contact ({columns}) VALUES ({', '.join(':' + c for c in row)})",
        row,
    )
    if consent:
        run(
            database_url,
            "INSERT INTO canonical.consent (practice_id, contact_id, channel, purpose, state, method, effective_at)"
            " VALUES (:practice, :contact, :channel, 'marketing', 'granted', 'form', :at)",
            [
                {"practice": practice_id, "contact": contact_id, "channel": c, "at": now - timedelta(days=30)}
                for c in consent
            ],
        )
    return contact_id
