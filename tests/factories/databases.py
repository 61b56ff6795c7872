"""Fresh databases for tests: a copy of the template, or one that is again as a copy would be.

Copying some hundred files takes ten times as long as deleting the few rows that a test leaves. A
database whose structure a test has changed, or that held much, is dropped instead.
"""

from dataclasses import dataclass, field

from sqlalchemy import URL, Connection, create_engine, text

from services.kit.ids import new_id

MUCH = 5_000
"""So many rows, and statistics, dead rows and file sizes would be felt by the next test."""
USES = 40
"""After so many tests a copy is due: what was deleted is still in the files."""
SCHEMAS = "('cm', 'canonical', 'hub', 'platform', 'public')"

# Whatever makes a database what it is, but its rows. An altered catalogue row has another `xmin`.
SHAPE = " UNION ALL ".join(
    f"SELECT '{catalogue}', count(*), coalesce(sum(CAST(CAST(xmin AS text) AS bigint)), 0) FROM {catalogue}"
    f" WHERE {only}"
    for catalogue, only in {
        "pg_class": f"relnamespace IN (SELECT oid FROM pg_namespace WHERE nspname IN {SCHEMAS})",
        "pg_namespace": f"nspname IN {SCHEMAS}",
        "pg_attribute": "attrelid IN (SELECT oid FROM pg_class WHERE relpersistence <> 't')",
        "pg_attrdef": "true",
        "pg_constraint": "true",
        "pg_proc": "true",
        "pg_policy": "true",
        "pg_trigger": "true",
        "pg_db_role_setting": "true",
        "pg_extension": "true",
    }.items()
)
OTHERS_OUT = """
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
# A table that nobody ever wrote to has no file to speak of.
WRITTEN = f"""
SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname IN {SCHEMAS} AND pg_relation_size(c.oid) > 0 ORDER BY 1
"""
SEQUENCES = f"""
SELECT count(setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false)) FROM pg_sequences
WHERE schemaname IN {SCHEMAS} AND last_value IS NOT NULL
"""


@dataclass
class Databases:
    """`take` one, `give_back` its name. `admin` is the owner's URL of another database."""

    admin: URL
    template: str
    kept: list[tuple[str, int]] = field(default_factory=list)
    _uses: dict[str, int] = field(default_factory=dict)
    _shape: list[tuple[object, ...]] = field(default_factory=list)
    _rows: dict[str, str] = field(default_factory=dict)
    """What migrations put into tables: (table, hash of its rows)."""

    def take(self) -> str:
        if self.kept:
            name, uses = self.kept.pop()
        else:
            name, uses = f"cm_{new_id().hex}", 0
            self._admin(f"CREATE DATABASE {name} TEMPLATE {self.template} STRATEGY file_copy")
            if not self._shape:
                self._look(name)
        self._uses[name] = uses + 1
        return name

    def give_back(self, name: str) -> None:
        uses = self._uses.pop(name)
        if uses < USES and self._as_new(name):
            self.kept.append((name, uses))
        else:
            self._admin(f"DROP DATABASE {name} WITH (FORCE)")

    def close(self) -> None:
        for name, _ in self.kept:
            self._admin(f"DROP DATABASE {name} WITH (FORCE)")

    def _look(self, name: str) -> None:
        with self._inside(name) as connection:
            self._shape = _shape(connection)
            tables = connection.execute(text(WRITTEN)).scalars().all()
            self._rows = {table: _content(connection, table) for table in tables}

    def _as_new(self, name: str) -> bool:
        """Empty it; false when it is not what it was."""
        with self._inside(name) as connection:
            connection.execute(text(OTHERS_OUT))
            if _shape(connection) != self._shape:
                return False
            connection.execute(text("SET session_replication_role = replica"))
            deleted = 0
            for table in connection.execute(text(WRITTEN)).scalars().all():
                if table in self._rows:
                    if _content(connection, table) != self._rows[table]:
                        return False
                else:
                    deleted += connection.execute(text(f"DELETE FROM {table}")).rowcount
            connection.execute(text(SEQUENCES))
            return deleted <= MUCH

    def _inside(self, name: str) -> Connection:
        engine = create_engine(self.admin.set(database=name), isolation_level="AUTOCOMMIT")
        connection = engine.connect()
        connection.detach()  # closing it closes it
        return connection

    def _admin(self, statement: str) -> None:
        engine = create_engine(self.admin, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.execute(text(statement))
        engine.dispose()


def _shape(connection: Connection) -> list[tuple[object, ...]]:
    return sorted((tuple(row) for row in connection.execute(text(SHAPE))), key=str)


def _content(connection: Connection, table: str) -> str:
    found = connection.execute(
        text(f"SELECT coalesce(md5(string_agg(t::text, ',' ORDER BY t::text)), '') FROM {table} t")
    )
    return str(found.scalar_one())
