"""Who gets which step when, and why not: any order of events, waits and crashes against a plain model."""

import pytest

from services.kit.embedded import Servers
from services.kit.settings import Settings
from tests.factories.proof.drive import explore_together
from tests.factories.proof.lies import LIES, heard

SEEDS, EXAMPLES, ACTS = (1, 2), 50, 100
SLOW: tuple[str, ...] = ()
"""Told by `cm prove --lies` only: they take longer to be heard."""


@pytest.mark.timeout(900)
@pytest.mark.covers("ENG-1", "ENG-2", "ENG-4", "ENG-7", "SUP-1", "SUP-3", "SUP-7")
def test_the_engine_does_what_the_plain_model_says(config: Settings, servers: Servers, database_url: str):
    done = explore_together(config, database_url, servers.redis_url, SEEDS, EXAMPLES, ACTS)
    print(f"{done.total():,} acts: {dict(done.most_common())}")
    assert done.total() == len(SEEDS) * EXAMPLES * ACTS


@pytest.mark.covers("ENG-1", "ENG-7", "SUP-1", "SUP-7")
@pytest.mark.parametrize("lie", [lie for lie in LIES if lie not in SLOW])
def test_a_lie_is_heard(config: Settings, servers: Servers, database_url: str, lie: str):
    assert heard(lie, config, database_url, servers.redis_url)
