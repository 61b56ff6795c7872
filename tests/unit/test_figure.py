"""A journey drawn on one sheet: nothing covers anything, nothing is missing, and it fits."""

from itertools import combinations

import pytest
from hypothesis import given

from services.builder.figure import Box, Figure, figure
from services.builder.figure_page import LANDSCAPE, LEAST, PORTRAIT
from services.builder.outline import numbers
from services.contracts.journey import Exit, Journey, Message, Split, Wait, ports
from tests.factories.journeys import journey
from tests.factories.shapes import shapes

pytestmark = pytest.mark.covers("BLD-12")


def overlap(one: Box, other: Box) -> bool:
    across = one.x < other.x + other.width and other.x < one.x + one.width
    return across and one.y < other.bottom and other.y < one.bottom


def fits(drawn: Figure) -> bool:
    wide, tall = LANDSCAPE if drawn.landscape else PORTRAIT
    return drawn.width * drawn.scale <= wide + 0.01 and drawn.height * drawn.scale <= tall + 0.01


def chain(count: int) -> Journey:
    steps: list[Wait | Exit] = [
        Wait(id=f"s{n}", title=f"Pause {n}", next=f"s{n + 1}") for n in range(count - 1)
    ]
    return Journey(steps=[*steps, Exit(id=f"s{count - 1}", title="The end")])


@given(shapes())
def test_every_step_is_drawn_once_with_its_number_and_covers_no_other(made: Journey):
    drawn = figure(made)
    assert {box.step_id: box.number for box in drawn.boxes} == numbers(made)
    assert not [pair for pair in combinations(drawn.boxes, 2) if overlap(*pair)]
    assert fits(drawn)
    for box in drawn.boxes:
        assert box.x >= -0.01
        assert box.x + box.width <= drawn.width + 0.01
        assert box.bottom <= drawn.height


@given(shapes())
def test_every_way_is_a_line_to_its_step_or_says_its_number(made: Journey):
    drawn = figure(made)
    ends = [stroke.points[-1] for stroke in drawn.strokes if stroke.arrow]
    said = [label.text for label in drawn.labels if label.what == "goes"]
    steps = {step.id: step for step in reversed(made.steps)}
    ways = [target for step in steps.values() for _, _, target in ports(step) if target in steps]
    assert len(ends) + len(said) == len(ways)
    for stroke in drawn.strokes:
        for (x, y), (_, down) in zip(stroke.points, stroke.points[1:], strict=False):
            crossed = [
                b for b in drawn.boxes if b.x < x < b.x + b.width and b.y < down - 1 and b.bottom > y + 1
            ]
            assert not crossed, "a line runs through a step"


def test_a_short_journey_is_one_column_with_whole_names():
    drawn = figure(journey())
    assert [(box.title, box.line) for box in drawn.boxes][1] == (("Hello",), ("Email · “Hello”",))
    assert len({box.x for box in drawn.boxes}) == 1
    assert not drawn.landscape


def test_twenty_five_steps_are_named_and_can_be_read_in_columns_that_name_each_other():
    drawn = figure(chain(25))
    assert not drawn.compact
    assert drawn.scale >= LEAST
    columns = sorted({box.x for box in drawn.boxes})
    assert len(columns) > 1
    goes = [label.text for label in drawn.labels if label.what == "goes"]
    assert len(goes) == len(columns) - 1
    first = min(box.number for box in drawn.boxes if box.x == columns[1])
    assert goes[0] == f"→ {first}"
    assert f"from {first - 1}" in [label.text for label in drawn.labels if label.what == "from"]


def test_two_hundred_steps_keep_their_numbers_and_leave_the_names_to_the_list():
    drawn = figure(chain(200))
    assert drawn.compact
    assert fits(drawn)
    assert not any(box.title for box in drawn.boxes)


def test_ways_stand_side_by_side_and_meet_again_below():
    split = Split.model_validate(
        {"id": "which", "kind": "split", "arms": [{"percent": 50, "next": "a"}, {"percent": 50, "next": "b"}]}
    )
    made = Journey(steps=[split, Message(id="a", next="done"), Message(id="b", next="done"), Exit(id="done")])
    boxes = {box.step_id: box for box in figure(made).boxes}
    assert boxes["a"].y == boxes["b"].y
    assert boxes["a"].x < boxes["which"].x < boxes["b"].x
    assert boxes["done"].y > boxes["a"].bottom
    assert boxes["done"].axis == pytest.approx(boxes["which"].axis)
    assert not [label for label in figure(made).labels if label.what == "goes"]


def test_a_journey_of_no_steps_is_an_empty_sheet():
    assert figure(Journey()).boxes == []
