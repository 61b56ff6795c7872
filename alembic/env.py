"""Runs the migrations as the owner of the database; `cm up` calls it."""

from logging import getLogger

from sqlalchemy import create_engine

from alembic import context

config = context.config
getLogger("alembic").setLevel("WARNING")


def run() -> None:
    url = config.attributes.get("owner_url")
    if url is None:
        from services.kit.db import owner
        from services.kit.settings import settings

        configured = settings().database_url
        if configured is None:
            raise SystemExit("Set CM_DATABASE_URL, or let `cm up` migrate its own database.")
        url = owner(configured.get_secret_value())
    engine = create_engine(url)
    with engine.connect() as connection:
        context.configure(connection=connection, version_table="alembic_version")
        with context.begin_transaction():
            context.run_migrations()
    engine.dispose()


run()
