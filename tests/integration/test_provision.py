"""A database is brought to the present schema, or refused with a sentence."""

import pytest

from services.kit.crypto import load_keyring
from services.kit.db import owner
from services.kit.provision import SchemaChanged, provision
from services.kit.settings import Settings
from tests.factories.practice import run


@pytest.mark.covers("ENG-5")
def test_provisioning_is_repeatable_and_notices_another_draft(config: Settings, database_url: str):
    keyring = load_keyring(config)
    provision(owner(database_url), keyring)
    run(database_url, "COMMENT ON SCHEMA cm IS 'made from another draft'", {})
    with pytest.raises(SchemaChanged, match="cm up --fresh"):
        provision(owner(database_url), keyring)
