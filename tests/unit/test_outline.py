"""The outline tells any journey as a tree, once and to its end, and moves steps as people mean it."""

from collections import Counter
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from services.builder import edits, gallery, moves
from services.builder.outline import Row, numbers, outline, slots
from services.contracts.journey import Journey, ports
from services.kit.errors import Invalid
from tests.factories.shapes import shapes

pytestmark = pytest.mark.covers("BLD-7")


def told(journey: Journey) -> list[str]:
    """The outline as indented lines, short enough to read in a test."""
    return ["  " * (row.level - 1) + _line(row) for row in outline(journey)]


def _line(row: Row) -> str:
    from_ = f" (from {', '.join(map(str, row.after))})" if row.after else ""
    match row.what:
        case "step":
            return f"{row.number} {row.step_id}{from_}"
        case "way" | "section":
            return f"[{row.label}]"
        case "join":
            return f"-> {row.number}"
        case _:
            return row.what


def asked() -> Journey:
    """entry → ask (two ways) → both to thanks → done; and a loose note."""
    event = {"type": "hub.message.clicked"}
    return Journey.model_validate(
        {
            "steps": [
                {"id": "start", "kind": "entry", "next": "ask"},
                {"id": "ask", "kind": "wait_event", "event": event, "on_event": "thanks", "on_timeout": "nudge"},
                {"id": "thanks", "kind": "message", "next": "done"},
                {"id": "nudge", "kind": "message", "next": "thanks"},
                {"id": "done", "kind": "exit"},
                {"id": "loose", "kind": "message"},
            ]
        }
    )  # fmt: skip


def test_ways_are_sub_levels_and_what_they_share_stands_once_after_them():
    assert told(asked()) == [
        "1 start",
        "2 ask",
        "  [It happened]",
        "    -> 4",
        "  [Time ran out]",
        "    3 nudge",
        "    -> 4",
        "4 thanks (from 2, 3)",
        "5 done",
        "[Not connected]",
        "  6 loose",
        "  open",
    ]


def test_a_loop_is_told_once_and_says_where_it_goes_on():
    journey = edits.connect(asked(), source="nudge", port="next", target="ask")
    assert told(journey)[:8] == [
        "1 start",
        "2 ask (from 1, 5)",
        "  [It happened]",
        "    3 thanks",
        "    4 done",
        "  [Time ran out]",
        "    5 nudge",
        "    -> 2",
    ]


@given(shapes())
def test_every_step_appears_once_and_the_tree_is_whole(journey: Journey):
    rows = outline(journey)
    shown = Counter(row.step_id for row in rows if row.what == "step")
    assert shown == Counter(step.id for step in journey.steps)
    assert len({row.key for row in rows}) == len(rows)
    assert [row.number for row in rows if row.what == "step"] == list(range(1, len(journey.steps) + 1))
    for before, row in pairwise(rows):
        assert row.level <= before.level + 1
    children = Counter(row.parent for row in rows)
    levels = {row.key: row.level for row in rows} | {"": 0}
    for row in rows:
        assert row.level == levels[row.parent] + 1
        assert (row.size, row.children) == (children[row.parent], children[row.key])
    by_parent: dict[str, list[int]] = {}
    for row in rows:
        by_parent.setdefault(row.parent, []).append(row.pos)
    assert all(found == list(range(1, len(found) + 1)) for found in by_parent.values())


@given(shapes())
def test_every_link_is_told_by_the_next_line_or_by_a_line_that_names_it(journey: Journey):
    rows = outline(journey)
    first = {step.id: step for step in reversed(journey.steps)}
    number = numbers(journey)
    lines = {link: n for n, link in slots(rows)}
    for step in first.values():
        for port, _, target in ports(step):
            below = rows[lines[step.id, port] + 1]
            if target is None:
                assert below.what == "open"
            elif target not in first:
                assert below.what == "broken"
            elif below.what == "join":
                assert (below.step_id, below.port, below.number) == (step.id, port, number[target])
            else:
                assert (below.what, below.step_id) == ("step", target)


@given(shapes(), st.data(), st.sampled_from(["up", "down"]))
def test_a_move_by_one_keeps_every_step(journey: Journey, data: st.DataObject, direction: moves.Direction):
    ids = sorted({step.id for step in journey.steps})
    assume(ids and len(ids) == len(journey.steps))
    step = data.draw(st.sampled_from(ids))
    try:
        moved = moves.move_by_one(journey, step, direction)
    except Invalid:
        return
    assert sorted(s.id for s in moved.steps) == ids
    assert moved != journey


class TestMoving:
    def test_up_and_down_change_places_with_the_neighbour(self):
        journey = asked()
        down = moves.move_by_one(journey, "nudge", "up")
        assert edits.target_of(edits.find(down, "ask"), "on_event") == "nudge"
        assert edits.target_of(edits.find(down, "ask"), "on_timeout") == "thanks"

    def test_a_step_goes_down_past_the_next(self):
        journey = Journey.model_validate(
            {
                "steps": [
                    {"id": "start", "kind": "entry", "next": "one"},
                    {"id": "one", "kind": "message", "next": "two"},
                    {"id": "two", "kind": "message", "next": "done"},
                    {"id": "done", "kind": "exit"},
                ]
            }
        )
        moved = moves.move_by_one(journey, "one", "down")
        assert told(moved) == ["1 start", "2 two", "3 one", "4 done"]
        assert moves.move_by_one(moved, "one", "up").steps[0] == journey.steps[0]
        with pytest.raises(Invalid, match="further down"):
            moves.move_by_one(moved, "done", "down")

    @pytest.mark.parametrize(
        ("step", "sentence"),
        [("start", "everything follows"), ("thanks", "Several ways meet"), ("ask", "further up")],
    )
    def test_what_has_no_one_meaning_is_refused(self, step: str, sentence: str):
        with pytest.raises(Invalid, match=sentence):
            moves.move_by_one(asked(), step, "up")

    def test_an_end_goes_only_where_a_way_is_open(self):
        moved = moves.move_by_one(asked(), "done", "down")
        assert edits.target_of(edits.find(moved, "loose"), "next") == "done"
        with pytest.raises(Invalid, match="further up"):
            moves.move_by_one(asked(), "done", "up")


@pytest.mark.parametrize("template", gallery.templates(), ids=lambda t: t.key)
def test_every_gallery_journey_is_wholly_connected(template: gallery.GalleryTemplate):
    assert not any(row.what in ("section", "broken") for row in outline(template.journey))


def test_five_hundred_steps_in_a_row_of_waits_are_told():
    event = {"type": "hub.message.clicked"}
    steps = [
        {"id": f"w{n}", "kind": "wait_event", "event": event, "on_timeout": f"w{n + 1}"} for n in range(499)
    ]
    journey = Journey.model_validate({"steps": [{"id": "start", "kind": "entry", "next": "w0"}, *steps[:-1]]})
    assert max(row.level for row in outline(journey)) > 900
