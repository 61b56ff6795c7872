"""Which keys are in use, a new one for everything, and taking an old one away (GOV-6, D28)."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from typing import Any
from uuid import UUID

from sqlalchemy import text

from services.audit.append import record
from services.audit.tags import AuditTag
from services.bootstrap import App
from services.keys.contracts import CannotRotate, Key, Rotated, StillNeeded, Use
from services.keys.places import COLUMNS
from services.keys.reseal import Advance, reseal_left_over, reseal_practice
from services.kit.actor import Actor, system
from services.kit.crypto import LEAST, key_id
from services.kit.errors import NotFound

COUNT = " UNION ALL ".join(
    f"SELECT '{column.name}' AS what, encode(substring({column.column} FROM 2 FOR 4), 'hex') AS key, count(*) AS n"
    f" FROM {column.table} WHERE practice_id = :practice AND octet_length({column.column}) >= :least GROUP BY 2"
    for column in COLUMNS
)
AT_WORK = """
SELECT concat_ws(' ', pid, backend_start, xact_start) FROM pg_stat_activity
WHERE datname = current_database() AND usename = current_user AND pid <> pg_backend_pid() AND xact_start IS NOT NULL
"""
PATIENCE = 120.0
"""Seconds to wait for work that began before the new key was there."""
HOW = (
    "Put a new key (for example of `openssl rand -base64 36`) first in CM_DATA_KEYS, keep the older ones after it,"
    " restart every process, then run `cm keys rotate` again."
)


async def uses(app: App) -> list[Use]:
    """How many sealed values of each practice and column are under which key."""
    found = []
    for practice_id in await _practices(app):
        async with app.uow(_operator(practice_id)) as u:
            rows = await u.execute(COUNT, practice=practice_id, least=LEAST)
            found += [Use(practice_id, row.what, row.key, row.n) for row in rows]
    return found


def keys(app: App, found: list[Use]) -> list[Key]:
    """Every key that is here or needed, newest first."""
    counted: Counter[str] = Counter()
    for use in found:
        counted[use.key] += use.values
    where: dict[str, str] = {}
    for number, key in enumerate(app.keyring.data.given, 1):
        where.setdefault(key_id(key).hex(), f"CM_DATA_KEYS, number {number}")
    for number, key in enumerate(app.keyring.data.of_file(), 1):
        where.setdefault(key_id(key).hex(), f"data.keys, number {number}")
    where.setdefault(key_id(app.keyring.root).hex(), "the root's own")
    where |= dict.fromkeys(sorted(counted.keys() - where.keys()), "")
    return [Key(key, told, counted[key]) for key, told in where.items()]


def makes_own_keys(app: App) -> bool:
    """Keys are files in the home folder, unless any comes from the settings: then they live elsewhere."""
    return app.settings.secret_key is None and app.settings.data_keys is None


async def rotate(app: App, advance: Advance, *, patience: float = PATIENCE) -> Rotated:
    """Put everything that is stored under the newest key; makes that key first where keys are files.

    May be stopped and run again: it goes on, under the same key, with what is not done. Raises
    CannotRotate when there is no key to rotate to, or when work that began before did not end.
    """
    data = app.keyring.data
    with data.alone():
        if makes_own_keys(app):
            if not data.unfinished:
                data.make()
        elif not data.all():
            raise CannotRotate(f"Keys come from the settings here, and there is no data key yet. {HOW}")
        rotated = Rotated(app.keyring.newest.hex())
        older = await _older(app, rotated.key)
        tell = _counting(advance, sum(older.values()))
        for practice_id in older:
            await _record(app, practice_id, AuditTag.KEYS_ROTATION_BEGUN, key=rotated.key)
            await reseal_practice(app, _operator(practice_id), rotated, tell)
        # Whoever sealed under an older key before the new one was there may write it only now.
        await _settled(app, patience)
        for practice_id in await _older(app, rotated.key):
            await reseal_left_over(app, _operator(practice_id), rotated, tell)
        left = await _older(app, rotated.key)
        for practice_id, values in older.items():
            await _record(
                app, practice_id, AuditTag.KEYS_ROTATED, key=rotated.key,
                values=values - left.get(practice_id, 0), left=left.get(practice_id, 0),
            )  # fmt: skip
        data.finished()
    root = key_id(app.keyring.root).hex()
    rotated.unused = [
        key.id for key in keys(app, await uses(app)) if not key.values and key.id not in (root, rotated.key)
    ]
    return rotated


async def retire(app: App, key: str) -> bool:
    """Forget a data key that nothing uses any more. False where the setting holds it: nothing uses it,
    and whoever keeps the setting takes it out. Raises NotFound, StillNeeded."""
    data = app.keyring.data
    with data.alone():
        found = await uses(app)
        known = {one.id: one for one in keys(app, found)}
        if key not in known:
            raise NotFound(f"There is no key {key}. `cm keys status` lists them.")
        _may_go(app, known[key], found)
        for practice_id in await _practices(app):
            await _record(app, practice_id, AuditTag.KEYS_RETIRED, key=key)
        material = next((one for one in data.of_file() if key_id(one).hex() == key), None)
        if material is not None:
            data.forget(material)
    return key not in {key_id(one).hex() for one in data.given}


def _may_go(app: App, key: Key, found: list[Use]) -> None:
    if key.id == key_id(app.keyring.root).hex():
        raise StillNeeded("This is the root's own key. It stays: everything that is derived depends on it.")
    if key.id == app.keyring.newest.hex():
        raise StillNeeded("New values are sealed under this key. Rotate first: `cm keys rotate`.")
    if app.keyring.data.unfinished:
        raise StillNeeded("A rotation is not finished. Run `cm keys rotate` to its end first.")
    if key.values:
        where = ", ".join(sorted({use.what for use in found if use.key == key.id}))
        raise StillNeeded(
            f"{key.values:,} values are still sealed under it ({where}). Run `cm keys rotate` first; it names"
            " what it cannot open."
        )


async def _older(app: App, newest: str) -> dict[UUID, int]:
    """Practice → values that are under another key than the newest."""
    counted: Counter[UUID] = Counter()
    for use in await uses(app):
        if use.key != newest:
            counted[use.practice_id] += use.values
    return counted


async def _settled(app: App, patience: float) -> None:
    """Wait until every transaction of this moment has ended. Raises CannotRotate."""
    before = await _at_work(app)
    until = time.monotonic() + patience
    while before := before & await _at_work(app):
        if time.monotonic() > until:
            raise CannotRotate(
                "Work that began before the new key was there has not ended. Nothing is lost: run"
                " `cm keys rotate` again in some minutes, it goes on from here."
            )
        await asyncio.sleep(0.1)


async def _at_work(app: App) -> set[str]:
    async with app.uow.engine.connect() as connection:
        return set((await connection.execute(text(AT_WORK))).scalars())


async def _practices(app: App) -> list[UUID]:
    async with app.uow.engine.connect() as connection:
        return list((await connection.execute(text("SELECT cm.practice_ids()"))).scalars())


async def _record(app: App, practice_id: UUID, tag: AuditTag, **detail: Any) -> None:
    async with app.uow(_operator(practice_id)) as u:
        await record(u, tag, **detail)


def _operator(practice_id: UUID) -> Actor:
    return system(practice_id, "cli")


def _counting(advance: Advance, total: int) -> Callable[[str], None]:
    done = 0

    def one_more(what: str) -> None:
        nonlocal done
        done += 1
        advance(what, done, max(done, total))

    return one_more
