"""The dashboard's list: filters, counts by state, and a cursor that survives new rows."""

import base64
import binascii
from typing import Any

import orjson

from services.campaigns import queries
from services.campaigns.contracts import STATES, CampaignFilter, CampaignPage, CampaignRow, Sort
from services.kit.errors import Invalid
from services.kit.uow import Unit

_KEYS: dict[Sort, tuple[str, str, str]] = {
    "updated": ("c.updated_at", "timestamptz", "DESC"),
    "created": ("c.created_at", "timestamptz", "DESC"),
    "name": ("lower(c.name)", "text", "ASC"),
}


async def page(u: Unit, filter: CampaignFilter | None = None) -> CampaignPage:
    """One page of campaigns, with how many there are in every state under the other filters."""
    u.actor.require("read")
    f = filter or CampaignFilter()
    conditions, values = _conditions(f)
    where = "".join(f" AND {condition}" for condition in conditions)
    counts = await u.execute(
        f"SELECT c.state, count(*) AS n FROM cm.campaign c WHERE c.practice_id = :practice{where} GROUP BY 1",
        practice=u.practice_id,
        **values,
    )
    by_state = dict.fromkeys(STATES, 0) | {row.state: row.n for row in counts.all()}
    rows = await _rows(u, f, where, values)
    more = len(rows) > f.limit
    rows = rows[: f.limit]
    return CampaignPage(rows=rows, counts_by_state=by_state, next=_cursor(f.sort, rows[-1]) if more else None)


async def _rows(u: Unit, f: CampaignFilter, where: str, values: dict[str, Any]) -> list[CampaignRow]:
    key, kind, order = _KEYS[f.sort]
    sql = queries.ROW + where
    if f.states:
        sql, values = sql + " AND c.state = ANY (:states)", values | {"states": list(f.states)}
    if f.cursor:
        after, last = _read_cursor(f.cursor)
        side = "<" if order == "DESC" else ">"
        sql += f" AND ({key}, c.campaign_id) {side} (CAST(:after AS {kind}), CAST(:last AS uuid))"
        values = values | {"after": after, "last": last}
    sql += f" ORDER BY {key} {order}, c.campaign_id {order} LIMIT :n"
    found = await u.execute(sql, practice=u.practice_id, n=f.limit + 1, **values)
    return [CampaignRow.model_validate(dict(row)) for row in found.mappings()]


def _conditions(f: CampaignFilter) -> tuple[list[str], dict[str, Any]]:
    """Every filter but the states'."""
    conditions: list[str] = []
    values: dict[str, Any] = {}
    for name, column in (("kinds", "c.kind"), ("types", "c.campaign_type")):
        if chosen := getattr(f, name):
            conditions.append(f"{column} = ANY (:{name})")
            values[name] = list(chosen)
    if f.tags:
        conditions.append("c.tags @> CAST(:tags AS text[])")
        values["tags"] = list(f.tags)
    if f.origin != "any":
        conditions.append("c.ai_generated" if f.origin == "ai" else "NOT c.ai_generated")
    for what in ("created", "activated", "completed"):
        for side, op in (("from", ">="), ("to", "<")):
            moment = getattr(f, f"{what}_{side}")
            if moment is not None:
                conditions.append(f"c.{what}_at {op} :{what}_{side}")
                values[f"{what}_{side}"] = moment
    if f.search.strip():
        conditions.append("(c.name ILIKE :search OR CAST(:word AS text) = ANY (c.tags))")
        word = f.search.strip()
        escaped = word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
        values |= {"search": f"%{escaped}%", "word": word.lower()}
    return conditions, values


def _cursor(sort: Sort, row: CampaignRow) -> str:
    key = {"updated": row.updated_at, "created": row.created_at, "name": row.name.lower()}[sort]
    return base64.urlsafe_b64encode(orjson.dumps([key, row.campaign_id])).decode()


def _read_cursor(cursor: str) -> tuple[str, str]:
    try:
        after, last = orjson.loads(base64.urlsafe_b64decode(cursor.encode()))
    except (ValueError, binascii.Error) as error:
        raise Invalid("This page no longer exists. Start again from the first one.") from error
    return str(after), str(last)
