"""The four schemas: shared data model, campaigns, hub, platform; roles' grants; tenants apart."""

from pathlib import Path

from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

SQL = Path(__file__).parent.parent / "sql"


def upgrade() -> None:
    for name in ("canonical", "cm", "hub", "platform"):
        # The driver's own cursor: these files hold many statements and literal % signs.
        op.get_bind().connection.cursor().execute((SQL / f"{name}.sql").read_text())


def downgrade() -> None:
    raise RuntimeError("Restore a backup instead: audit and consent never go backwards.")
