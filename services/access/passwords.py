"""Argon2id password hashes, made outside the event loop and few at a time.

One hash takes 64 MiB and tens of milliseconds: the small pool keeps a flood of sign-ins from
taking the machine's memory or the portal's loop.
"""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from zxcvbn_rs_py import zxcvbn

GOOD_ENOUGH = 2
"""Of zxcvbn's scores 0 to 4; its lists of common passwords are in the library, nothing is looked up."""
_HASHER = PasswordHasher()
_POOL = ThreadPoolExecutor(max_workers=2, thread_name_prefix="password")


async def hash_password(password: str) -> str:
    return await asyncio.get_running_loop().run_in_executor(_POOL, _HASHER.hash, password)


async def matches(stored: str | None, password: str) -> bool:
    """Whether `password` made `stored`. Nobody's hash (None, or empty: no password) takes the same time and fails, so
    that the time of an answer does not tell which logins exist."""
    return await asyncio.get_running_loop().run_in_executor(_POOL, _matches, stored, password)


def guessable(password: str, *known: str) -> bool:
    """Whether a guesser with lists of common passwords, and with `known` words about the person,
    needs fewer than a hundred million tries."""
    return int(zxcvbn(password[:72], [word for word in known if word]).score) < GOOD_ENOUGH


def outdated(stored: str) -> bool:
    """Whether a hash was made with weaker parameters than new ones are."""
    return _HASHER.check_needs_rehash(stored)


def _matches(stored: str | None, password: str) -> bool:
    try:
        return _HASHER.verify(stored or _nobody(), password) and bool(stored)
    except (VerifyMismatchError, InvalidHashError):
        return False


@lru_cache
def _nobody() -> str:
    return _HASHER.hash("nobody signs in with this")
