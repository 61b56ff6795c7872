"""Putting stored values under the newest key, while everybody works.

A batch is one short transaction that takes the rows nobody else holds, opens each value and writes it
back where it still is the same. Rows that somebody holds are left out and waited for at the end, one
at a time: so this never waits while it holds a row, and never stands in a circle of waiting.
"""

from collections.abc import Callable, Sequence
from typing import Any

from services.bootstrap import App
from services.keys.contracts import Rotated
from services.keys.places import COLUMNS, Sealed
from services.kit.actor import Actor
from services.kit.crypto import LEAST, SealBroken
from services.kit.uow import Unit

Advance = Callable[[str, int, int], None]

SOME = """
SELECT {key}, {column} AS sealed FROM {table}
WHERE practice_id = :practice AND octet_length({column}) >= :least AND substring({column} FROM 2 FOR 4) <> :newest{after}
ORDER BY {key} LIMIT :size FOR NO KEY UPDATE{leave_out}
"""
WRITE = """
UPDATE {table} SET {column} = :fresh WHERE practice_id = :practice AND {this} AND {column} = :sealed
"""


async def reseal_practice(app: App, who: Actor, rotated: Rotated, advance: Callable[[str], None]) -> None:
    """Every value of one practice that is not under the newest key; rows in others' hands are left out."""
    for column in COLUMNS:
        await _column(app, who, column, rotated, advance, wait=False)


async def reseal_left_over(app: App, who: Actor, rotated: Rotated, advance: Callable[[str], None]) -> None:
    """What the first look left out, each row by itself and waited for."""
    for column in COLUMNS:
        await _column(app, who, column, rotated, advance, wait=True)


async def _column(
    app: App, who: Actor, column: Sealed, rotated: Rotated, advance: Callable[[str], None], *, wait: bool
) -> None:
    after: Sequence[Any] = ()
    size = 1 if wait else column.rows
    while True:
        async with app.uow(who) as u:
            rows = (await _some(u, column, after, size, wait=wait)).mappings().all()
            done = [await _one(u, column, row, rotated) for row in rows]
        rotated.resealed += sum(done)
        for _ in filter(None, done):
            advance(column.name)
        if len(rows) < size:
            return
        after = [rows[-1][name] for name in column.key]


async def _some(u: Unit, column: Sealed, after: Sequence[Any], size: int, *, wait: bool) -> Any:
    key = ", ".join(column.key)
    beyond = ", ".join(f":after{n}" for n in range(len(after)))
    return await u.execute(
        SOME.format(
            key=key, column=column.column, table=column.table,
            after=f" AND ({key}) > ({beyond})" if after else "",
            leave_out="" if wait else " SKIP LOCKED",
        ),
        practice=u.practice_id, least=LEAST, newest=u.keyring.newest, size=size,
        **{f"after{n}": value for n, value in enumerate(after)},
    )  # fmt: skip


async def _one(u: Unit, column: Sealed, row: Any, rotated: Rotated) -> bool:
    sealed, place = bytes(row["sealed"]), column.place({**row, "practice_id": u.practice_id})
    try:
        plain = u.keyring.open(sealed, place=place)
    except SealBroken as error:
        rotated.unreadable[f"{column.name}, {place}"] = error.message
        return False
    changed = await u.execute(
        WRITE.format(
            table=column.table, column=column.column,
            this=" AND ".join(f"{name} = :{name}_" for name in column.key),
        ),
        practice=u.practice_id, sealed=sealed, fresh=u.keyring.seal(plain, place=place),
        **{f"{name}_": row[name] for name in column.key},
    )  # fmt: skip
    return bool(changed.rowcount)
