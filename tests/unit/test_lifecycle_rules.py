"""The table of D6 and the rules around it, without a database."""

from datetime import UTC, datetime, timedelta
from itertools import product
from typing import get_args
from uuid import UUID

import pytest

from services.campaigns.contracts import STATES, CampaignState
from services.campaigns.rules import (
    EVENT_OF,
    MOVES,
    content_hash,
    is_journey,
    kind_of,
    refusal_of_move,
    too_soon,
    why_not_approve,
)
from services.contracts.events import OUTBOUND
from services.contracts.journey import Journey
from tests.factories.journeys import journey

A, B, C = (UUID(int=n) for n in (1, 2, 3))
ALLOWED = {
    "draft": {"scheduled", "active"},
    "scheduled": {"draft", "active", "cancelled"},
    "active": {"paused", "completed", "cancelled"},
    "paused": {"active", "completed", "cancelled"},
    "completed": set(),
    "cancelled": set(),
}


@pytest.mark.covers("LIF-2")
@pytest.mark.parametrize(("current", "to"), list(product(STATES, STATES)))
def test_the_table_says_what_may_become_what(current: CampaignState, to: CampaignState):
    refusal = refusal_of_move(current, to)
    if current == to or to in ALLOWED[current]:
        assert refusal is None
    else:
        assert refusal is not None
        assert current in refusal
        assert to in refusal


@pytest.mark.covers("LIF-2", "EVT-2")
def test_every_move_has_an_event_of_the_contract():
    assert set(EVENT_OF) == {(a, b) for a, targets in MOVES.items() for b in targets}
    assert set(EVENT_OF.values()) <= OUTBOUND.keys()
    assert set(MOVES) == set(get_args(CampaignState))


@pytest.mark.covers("LIF-3")
@pytest.mark.parametrize(
    ("how", "kind"),
    [("segment", "one_off"), ("schedule", "recurring"), ("event", "event"), ("dynamic", "dynamic"), ("manual", "transactional")],
)  # fmt: skip
def test_the_entry_makes_the_kind(how: str, kind: str):
    assert kind_of(journey(how=how)) == kind
    assert kind_of(journey(how=how), scheduled=True) == ("scheduled" if kind == "one_off" else kind)


def test_a_campaign_with_one_message_is_not_a_journey():
    value = journey().model_dump(mode="json")
    value["steps"] = [value["steps"][0], value["steps"][1] | {"next": "done"}, value["steps"][4]]
    assert not is_journey(Journey.model_validate(value))
    assert is_journey(journey())


@pytest.mark.covers("BLD-3", "LIF-6")
def test_the_hash_follows_the_meaning_not_the_picture():
    value = journey().model_dump(mode="json")
    value["steps"][0]["position"] = {"x": 1, "y": 2}
    value["notes"] = [{"id": "n", "text": "Ask Ada", "position": {"x": 0, "y": 0}}]
    assert content_hash(Journey.model_validate(value)) == content_hash(journey())
    assert content_hash(journey("Another subject")) != content_hash(journey())


@pytest.mark.covers("LIF-3")
def test_a_start_lies_five_minutes_ahead():
    now = datetime(2026, 6, 1, tzinfo=UTC)
    assert too_soon(now + timedelta(minutes=4, seconds=59), now)
    assert not too_soon(now + timedelta(minutes=5), now)


@pytest.mark.covers("LIF-6")
@pytest.mark.parametrize(
    ("person", "single", "allowed"),
    [(A, False, False), (B, False, False), (C, False, True), (A, True, True), (None, True, False)],
)
def test_nobody_approves_their_own_work(person: UUID | None, single: bool, allowed: bool):
    reason = why_not_approve(person, created_by=A, editors=[A, B], single_operator=single)
    assert (reason is None) == allowed
