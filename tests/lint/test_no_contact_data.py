"""D2: Campaign Manager keeps references to people, never what identifies or reaches them."""

import re

import pytest
from sqlalchemy import create_engine, text

from services.kit.db import owner
from tests.factories.practice import run

PERSONAL = re.compile(
    r"(^|_)(e?mail|phone|mobile|msisdn|sms_number|address|street|city|postcode|zip|birth|dob|birthday|age|gender"
    r"|surname|forename|(first|last|full|given|family|contact|patient)_name|recipient|destination|ip)(_|$)"
)
COLUMNS = """
SELECT c.relname AS "table", a.attname AS "column"
FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'cm' AND c.relkind IN ('r', 'p', 'v', 'm') AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY 1, 2
"""


def personal_columns(database_url: str) -> list[str]:
    """Columns of schema cm whose names say that they hold contact data."""
    engine = create_engine(owner(database_url))
    with engine.connect() as connection:
        found = [tuple(row) for row in connection.execute(text(COLUMNS))]
    engine.dispose()
    assert len(found) > 100, "the scan sees the tables"
    return [f"cm.{table}.{column}" for table, column in found if PERSONAL.search(column)]


@pytest.mark.covers("GOV-5", "AUD-3")
def test_no_table_of_ours_has_a_column_for_contact_data(database_url: str):
    assert personal_columns(database_url) == []
    # The check is itself checked: a table that would hold contact data is found.
    run(database_url, "CREATE TABLE cm.leak (contact_id uuid, home_address text, email text)", {})
    assert personal_columns(database_url) == ["cm.leak.email", "cm.leak.home_address"]
