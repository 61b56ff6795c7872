"""No contact data in our tables (D2): looked for in what is written there, not only in column names.

Every text, JSON and text-in-bytes column of schema cm is read, also of tables that come later, except
those in `ALLOWED`. Looked for are e-mail addresses, phone numbers, the full name of the contact that the
row is about, and the full names of a sample of the practice's contacts. What is found is told by table,
column and the row's key, never by its value; text inside a key is told as a hash.

Cost is bounded. `newest` reads the newest rows of each table. `next_part` reads on from where it stopped
the last time, a page a table, until its budget is used up, and begins anew after the last table: whatever
is written is read some day. The place it stopped at is kept sealed, because keys may hold text.
"""

import re
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from services.invariants.contracts import Invariant
from services.kit.uow import Unit

NAME, SENTENCE = "no_contact_data", "Our tables hold no address, phone number or name of a contact."
NEWEST = 200
"""Rows of each table that `newest` reads."""
BUDGET = 20_000
"""Rows that one run of `next_part` reads, over all tables."""
NAMES = 200
"""Contacts whose names are looked for in one run."""
NOBODY = UUID(int=0)
"""Before every contact."""

ALLOWED = {
    "person.login": "a member of staff signs in with it; staff are no contacts",
    "person.display_name": "a member of staff",
    "person.password_hash": "one-way hash",
    "holiday.label": "the name of a public holiday, which may be somebody's",
    "practice.label": "the practice's own name, which may be its owner's",
}
"""Columns that are not read, and why."""
TEXT_IN_BYTES = {"webhook_delivery.body": "the event as it is signed, not sealed"}

EMAIL = r"[[:alnum:]._%+-]+@[[:alnum:]-]+(\.[[:alnum:]-]+)*\.[[:alpha:]]{2,}"
PHONE = r"(\+|\m00)[1-9]([ ().-]?[0-9]){8,14}\M|\m0([ ().-]?[0-9]){9,10}\M"
# Ids and moments look like phone numbers now and then.
NO_PHONE = (
    r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{24,}"
    r"|\m[0-9]+\.[0-9]{7,}\M|[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9:.]+(Z|[+-][0-9:]+)?)?"
)

COLUMNS = """
SELECT c.relname AS "table",
  array_agg(a.attname::text ORDER BY a.attnum) FILTER (WHERE a.atttypid = ANY (ARRAY['text', 'varchar', 'json', 'jsonb', 'text[]']::regtype[])
    OR c.relname || '.' || a.attname = ANY (:in_bytes)) AS columns,
  array_agg(ARRAY[a.attname::text, format_type(a.atttypid, a.atttypmod)] ORDER BY array_position(i.indkey::int2[], a.attnum))
    FILTER (WHERE a.attnum = ANY (i.indkey) AND a.attname <> 'practice_id') AS key,
  bool_or(a.attname = 'practice_id') AS tenant, bool_or(a.attname = 'contact_id') AS contact
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
-- The index it is paged by: of cm.work, which has no key, that of its enrolments.
LEFT JOIN LATERAL (SELECT x.indkey FROM pg_index x WHERE x.indrelid = c.oid
  ORDER BY x.indisprimary DESC, x.indisunique DESC, x.indexrelid LIMIT 1) i ON true
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE n.nspname = 'cm' AND c.relkind IN ('r', 'p') AND NOT c.relispartition
GROUP BY c.relname ORDER BY c.relname
"""

SAMPLED = """
SELECT contact_id, first_name || ' ' || last_name AS name FROM canonical.contact
WHERE practice_id = :practice AND contact_id {after} ORDER BY contact_id {order} LIMIT :names
"""
PAGE = """
WITH page AS MATERIALIZED (
  SELECT * FROM cm.{table} t WHERE {tenant} AND {after} ORDER BY {order} LIMIT :rows
), found AS (
  SELECT v.name AS "column", k.kind, {row} AS row FROM page t {contact}
  CROSS JOIN LATERAL (VALUES {values}) v(name, value)
  CROSS JOIN LATERAL (SELECT CASE WHEN v.value ~ :email THEN 'e-mail address'
    WHEN regexp_replace(v.value, :no_phone, '', 'gi') ~ :phone THEN 'phone number'
    WHEN {own} OR v.value ~ CAST(:known AS text) THEN 'name of a contact' END AS kind) k
  WHERE k.kind IS NOT NULL LIMIT 1000
)
SELECT (SELECT count(*) FROM page) AS rows, (SELECT json_build_array({key}) FROM page t ORDER BY {last} LIMIT 1) AS last,
  (SELECT json_agg(found) FROM found) AS found
"""
OWN = """c.first_name ~ '..' AND c.last_name ~ '..' AND position(c.first_name || ' ' || c.last_name IN v.value) > 0"""
JOIN = """LEFT JOIN canonical.contact c ON c.practice_id = t.practice_id AND c.contact_id = t.contact_id"""

PLACE = "SELECT at_table, after, names_after FROM cm.leak_scan WHERE practice_id = :practice FOR UPDATE"
STOPPED = """
INSERT INTO cm.leak_scan AS s (practice_id, at_table, after, names_after, rounds, began_at, looked_at)
VALUES (:practice, :table, :after, :names, :round, :now, :now)
ON CONFLICT (practice_id) DO UPDATE SET at_table = :table, after = :after, names_after = :names,
  rounds = s.rounds + CAST(:round AS integer), began_at = CASE WHEN :round = 1 THEN :now ELSE s.began_at END,
  looked_at = :now
"""


@dataclass(frozen=True, slots=True)
class Table:
    """What of a table is read, and by which key it is paged."""

    name: str
    columns: tuple[str, ...]
    key: tuple[tuple[str, str], ...]
    tenant: bool
    contact: bool

    def value(self, column: str) -> str:
        if f"{self.name}.{column}" in TEXT_IN_BYTES:
            return f"convert_from(t.{column}, 'UTF8')"
        return f"CAST(t.{column} AS text)"

    def row(self) -> str:
        """The key as it may be told: ids and moments as they are, text hashed."""
        parts = (
            f"'{name}', left(encode(sha256(convert_to(t.{name}, 'UTF8')), 'hex'), 12)"
            if kind == "text"
            else f"'{name}', t.{name}"
            for name, kind in self.key
        )
        return f"json_build_object({', '.join(parts)})"

    def page(self, *, after: bool, newest: bool = False) -> str:
        names = [f"t.{name}" for name, _ in self.key]
        bounds = [f"CAST(:after_{n} AS {kind})" for n, (_, kind) in enumerate(self.key)]
        way = " DESC" if newest else ""
        return PAGE.format(
            table=self.name,
            tenant="t.practice_id = :practice" if self.tenant else "true",
            after=f"({', '.join(names)}) > ({', '.join(bounds)})" if after and names else "true",
            order=", ".join(name + way for name in names) or "t.practice_id",
            last=", ".join(f"{name} DESC" for name in names) or "t.practice_id",
            key=", ".join(f"CAST({name} AS text)" for name in names),
            row=self.row(),
            contact=JOIN if self.contact and self.tenant else "",
            own=OWN if self.contact and self.tenant else "false",
            values=", ".join(f"('{column}', {self.value(column)})" for column in self.columns),
        )


async def tables(u: Unit) -> list[Table]:
    """Every table with something to read, from the catalogue."""
    rows = await u.execute(COLUMNS, in_bytes=list(TEXT_IN_BYTES))
    found = []
    for row in rows:
        columns = tuple(c for c in row.columns or () if f"{row.table}.{c}" not in ALLOWED)
        if columns:
            key = tuple((name, kind) for name, kind in row.key or ())
            found.append(Table(row.table, columns, key, row.tenant, row.contact))
    return found


async def newest(u: Unit) -> list[dict[str, Any]]:
    """Contact data among the newest rows of each table, and the newest contacts' names."""
    known, _ = await _names(u, None)
    found = []
    for table in await tables(u):
        page = await _page(u, table, None, NEWEST, known, newest=True)
        found += _told(table, page)
    return found


async def next_part(u: Unit, *, budget: int = BUDGET) -> list[dict[str, Any]]:
    """Contact data in the part that follows the one read last; remembers where it stopped."""
    place = (await u.execute(PLACE, practice=u.practice_id)).one_or_none()
    every = await tables(u)
    start = place.at_table if place else ""
    after = _opened(u, place.after) if place and place.after else None
    known, names_after = await _names(u, place.names_after if place else None)
    at, left = next((n for n, table in enumerate(every) if table.name >= start), 0), budget
    found: list[dict[str, Any]] = []
    while at < len(every):
        page = await _page(u, every[at], after if every[at].name == start else None, left, known)
        found += _told(every[at], page)
        if page.rows == left:
            start, after = every[at].name, page.last
            break
        left, at, after = left - page.rows, at + 1, None
    ended = at == len(every)
    await u.execute(
        STOPPED, practice=u.practice_id, table="" if ended else start,
        after=None if ended else _sealed(u, after), names=names_after, round=int(ended), now=u.now,
    )  # fmt: skip
    return found


async def _page(
    u: Unit, table: Table, after: list[str] | None, rows: int, known: str | None, *, newest: bool = False
) -> Any:
    bounds = {f"after_{n}": value for n, value in enumerate(after or ())}
    sql = table.page(after=bool(after), newest=newest)
    found = await u.execute(
        sql,
        practice=u.practice_id,
        rows=rows,
        email=EMAIL,
        phone=PHONE,
        no_phone=NO_PHONE,
        known=known,
        **bounds,
    )
    return found.one()


async def _names(u: Unit, after: UUID | None) -> tuple[str | None, UUID | None]:
    """A pattern of some contacts' full names (None: there are none), and the contact to go on after; the
    newest contacts when nothing was read before."""
    way = {"after": "> :after", "order": ""} if after else {"after": "IS NOT NULL", "order": "DESC"}
    values = {"after": after} if after else {}
    rows = (
        await u.execute(SAMPLED.format(**way), practice=u.practice_id, names=NAMES, **values)
    ).all()  # fmt: skip
    names = [row.name for row in rows if row.name and re.fullmatch(r"\S{2,}( \S+)* \S{2,}", row.name)]
    pattern = "|".join(_literal(name) for name in names)
    last = rows[-1].contact_id if after and len(rows) == NAMES else NOBODY
    return (f"\\m({pattern})\\M" if pattern else None), last


def _literal(name: str) -> str:
    return "".join(c if c.isalnum() or c == " " else f"\\{c}" for c in name)


def _told(table: Table, page: Any) -> list[dict[str, Any]]:
    return [
        {"table": f"cm.{table.name}", "column": one["column"], "row": one["row"], "kind": one["kind"]}
        for one in page.found or ()
    ]


def _sealed(u: Unit, after: list[str] | None) -> bytes:
    return u.keyring.seal(orjson.dumps(after), place=f"leak_scan.after:{u.practice_id}")


def _opened(u: Unit, sealed: bytes) -> list[str]:
    after: list[str] = orjson.loads(u.keyring.open(sealed, place=f"leak_scan.after:{u.practice_id}"))
    return after


INVARIANTS = (Invariant(NAME, SENTENCE, newest=newest, next_part=next_part),)
