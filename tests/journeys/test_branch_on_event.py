"""A branch by what an event said (BLD-2, EVT-3): the same answer in SQL as in memory."""

from typing import Any

import orjson
import pytest

from services.contracts.journey import Branch, Entry, EventCondition, EventMatch, Path
from services.contracts.segment import Group
from services.engine.binding import Binding
from services.engine.happened import happened_sql
from services.engine.signals import matches
from services.kit.ids import new_id
from tests.factories.campaign import journey, launch, message
from tests.factories.practice import make_contact
from tests.factories.world import World

TYPE = "proposal.stalled"
SAID: list[dict[str, Any]] = [
    {}, {"x": None}, {"x": ""}, {"x": "Implant"}, {"x": "implants and more"}, {"x": 90}, {"x": 90.0}, {"x": "90"},
    {"x": "1e400"}, {"x": "NaN"}, {"x": -3}, {"x": True}, {"x": False}, {"x": ["Implant", 90]}, {"x": []},
    {"x": "2026-06-03"}, {"x": "2026-06-03T10:00:00+02:00"}, {"x": "2026-06-03T09:30:00"}, {"x": "2026-13-45"},
    {"x": {"y": 5}},
]  # fmt: skip
WANTED: list[Any] = [
    90,
    "90",
    -3,
    1,
    1.5,
    "implant",
    "",
    True,
    False,
    "2026-06-03",
    "2026-06-03T09:00:00Z",
    "zebra",
]
LISTS: list[list[Any]] = [["implant", 90], [], [True], ["2026-06-03"]]
KEEP = """
INSERT INTO cm.inbound_event (practice_id, source, event_id, type, contact_id, occurred_at, received_at, outcome, data)
VALUES (:practice, 'proposals', :id, :type, :contact, :now, :now, 'handled', CAST(:data AS jsonb)) RETURNING 1
"""


def conditions() -> list[EventCondition]:
    one = ("is", "is_not", "contains", "not_contains", "gt", "gte", "lt", "lte")
    made = [EventCondition(property="x", op=op, value=value) for op in one for value in WANTED]  # type: ignore[arg-type]
    made += [EventCondition(property="x", op=op, value=value) for op in ("in", "not_in") for value in LISTS]  # type: ignore[arg-type]
    return [*made, EventCondition(property="x.y", op="gt", value=4), EventCondition(property="z", op="is", value=1)]  # fmt: skip


@pytest.mark.covers("BLD-2", "EVT-3")
async def test_every_comparison_answers_in_sql_as_it_does_in_memory(world: World):
    said = {new_id(): data for data in SAID}
    now = world.clock.now()
    for contact, data in said.items():
        await world.rows(
            KEEP, id=str(contact), type=TYPE, contact=contact, now=now, data=orjson.dumps(data).decode()
        )
    for condition in conditions():
        match = EventMatch(type=TYPE, where=[condition])
        binding = Binding()
        sql = (
            "SELECT k.contact_id FROM (SELECT DISTINCT contact_id FROM cm.inbound_event WHERE practice_id = :practice) k"
            f" WHERE {happened_sql(match, binding)}"
        )
        found = {row.contact_id for row in await world.rows(sql, now=now, **binding.values)}
        expected = {contact for contact, data in said.items() if matches(match, TYPE, data)}
        assert found == expected, (condition, [said[c] for c in found ^ expected])


@pytest.mark.covers("BLD-2", "EVT-3")
async def test_people_take_the_path_of_what_happened_to_them_lately(world: World, database_url: str):
    big, small, old = (make_contact(database_url, world.practice_id, world.clock.now()) for _ in range(3))
    worth = [
        EventCondition(property="value", op="gte", value=500),
        EventCondition(property="treatment", op="contains", value="implant"),
    ]
    path = Path(label="Large", when=Group(node="all"), event=EventMatch(type=TYPE, where=worth, join="any"))
    entry = Entry(
        id="entry", how="event", event=EventMatch(type="loyalty.anniversary"), limit_hours=0, next="ask"
    )
    steps = [
        Branch(id="ask", paths=[path.model_copy(update={"next": "rich"})], otherwise="plain"),
        message("rich", "end"),
        message("plain", "end"),
    ]
    await launch(world.app, world.practice_id, journey(*steps, entry=entry), kind="event")
    await world.event(TYPE, {"patient_id": old, "proposal_id": new_id(), "value": 900})
    world.clock.advance(days=31)
    await world.event(
        TYPE, {"patient_id": big, "proposal_id": new_id(), "value": 20, "treatment": "Implants"}
    )
    await world.event(TYPE, {"patient_id": small, "proposal_id": new_id(), "value": 499})
    for person in (big, small, old):
        await world.event("loyalty.anniversary", {"patient_id": person, "years": 1})
    await world.run()
    rows = await world.rows("SELECT contact_id, step_id FROM cm.dispatch WHERE practice_id = :practice")
    assert {row.contact_id: row.step_id for row in rows} == {big: "rich", small: "plain", old: "plain"}
