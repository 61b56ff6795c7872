"""In a forecast everybody has a clock of their own, and no moment of the gates stands still beside it."""

from datetime import UTC, datetime

import pytest

from services.forecast.rules import CLOCKED
from services.gates.contracts import Policy
from services.kit.ids import new_id


@pytest.mark.covers("BLD-9")
def test_every_moment_the_gates_are_given_moves_with_the_persons_clock():
    policy = Policy(new_id(), datetime(2026, 6, 1, tzinfo=UTC), new_id(), "nurture")
    assert {name for name, value in policy.params().items() if isinstance(value, datetime)} == CLOCKED
