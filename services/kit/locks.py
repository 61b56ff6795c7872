"""Holding one row until the transaction ends, so that what was compared cannot change."""

from typing import Any

from services.kit.uow import Unit


async def lock_row(u: Unit, table: str, key: str, value: Any) -> None:
    """Lock the row of this practice whose `key` is `value`; a row that is not there locks nothing.

    `table` and `key` are names in our code, never input.
    """
    await u.execute(
        f"SELECT 1 FROM {table} WHERE practice_id = :practice AND {key} = :value FOR UPDATE",
        practice=u.practice_id,
        value=value,
    )
