"""Chance that repeats: the one place that draws random numbers, always from a seed (house rule 7)."""

import hashlib
import random
from uuid import UUID

Chance = random.Random


def seeded(*parts: object) -> Chance:
    """A generator whose draws depend on `parts` and nothing else."""
    digest = hashlib.sha256("/".join(map(str, parts)).encode()).digest()
    return random.Random(digest)  # noqa: S311 - invented people and events, never a secret


def hex_id(chance: Chance, at_seconds: float) -> str:
    """A UUIDv7 as 32 hex digits for an instant (Unix seconds), drawn from `chance`: repeatable."""
    millis = max(0, int(at_seconds * 1000)) & 0xFFFF_FFFF_FFFF
    low = 0x8000_0000_0000_0000 | chance.getrandbits(62)
    return f"{millis:012x}7{chance.getrandbits(12):03x}{low:016x}"


def id_at(chance: Chance, at_seconds: float) -> UUID:
    """`hex_id` as a UUID."""
    return UUID(hex_id(chance, at_seconds))
