"""Identifiers: UUIDv7, so that keys sort by the time they were made (house rule 9)."""

import secrets
from uuid import UUID

import uuid_utils


def new_id() -> UUID:
    return UUID(bytes=uuid_utils.uuid7().bytes)


def new_token(size: int = 32) -> str:
    """A secret of `size` random bytes, URL-safe."""
    return secrets.token_urlsafe(size)
