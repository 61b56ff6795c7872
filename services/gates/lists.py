"""Keys and hashes of the lists of places nobody may be written to (SUP-6, D2).

An entry is SHA-256 over a secret key of 32 bytes, its kind and its normalised value: without the key
it can neither be read back nor tried out. The practice's key tells nothing about another practice.
"""

import hashlib

from services.kit.crypto import Keyring
from services.kit.uow import Unit


def practice_key(u: Unit) -> bytes:
    """The key of this practice's own list."""
    return _key(u.keyring, str(u.practice_id))


def platform_key(u: Unit) -> bytes:
    """The key of the list that holds for every practice."""
    return _key(u.keyring, "platform")


def entry_hash(key: bytes, kind: str, value: str) -> bytes:
    """What `services.gates.statement.hashed` computes in SQL."""
    return hashlib.sha256(key + f"{kind}:{value}".encode()).digest()


def _key(keyring: Keyring, whose: str) -> bytes:
    return keyring.derive(f"block/{whose}")
