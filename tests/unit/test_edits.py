"""The builder's edits are pure, keep links whole, and undo to exactly what was there."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.builder import edits
from services.builder.history import History
from services.contracts.journey import Entry, Exit, Journey, Message, Position, Split, ports
from services.contracts.segment import Audience
from services.kit.errors import Invalid, NotFound
from tests.factories.journeys import revised


def welcome() -> Journey:
    """entry-1 → message-1 → exit-1"""
    return Journey(
        steps=[
            Entry(id="entry-1", next="message-1"),
            Message(id="message-1", next="exit-1"),
            Exit(id="exit-1"),
        ]
    )


def links(journey: Journey) -> set[tuple[str, str, str | None]]:
    return {(step.id, key, target) for step in journey.steps for key, _label, target in ports(step)}


@pytest.mark.covers("BLD-1")
class TestAdding:
    def test_a_step_on_an_edge_goes_between(self) -> None:
        journey, new = edits.add_step(welcome(), "wait", after=("entry-1", "next"))
        assert new == "wait-1"
        assert {("entry-1", "next", "wait-1"), ("wait-1", "next", "message-1")} <= links(journey)

    def test_a_branch_on_an_edge_keeps_what_followed_on_its_first_path(self) -> None:
        journey, new = edits.add_step(welcome(), "branch", after=("message-1", "next"))
        assert (new, "path-0", "exit-1") in links(journey)
        assert (new, "otherwise", None) in links(journey)

    def test_an_end_cannot_go_between(self) -> None:
        with pytest.raises(Invalid, match="Nothing can follow an end"):
            edits.add_step(welcome(), "exit", after=("entry-1", "next"))

    def test_a_second_start_is_refused(self) -> None:
        with pytest.raises(Invalid, match="starts in one place"):
            edits.add_step(welcome(), "entry")

    def test_a_step_on_the_empty_canvas_stays_unconnected_where_it_was_dropped(self) -> None:
        journey, new = edits.add_step(Journey(), "message", position=Position(x=4, y=2))
        assert edits.find(journey, new).position == Position(x=4, y=2)

    def test_the_original_is_untouched(self) -> None:
        before = welcome()
        edits.add_step(before, "wait", after=("entry-1", "next"))
        assert before == welcome()

    def test_ids_of_removed_steps_do_not_collide(self) -> None:
        journey, first = edits.add_step(welcome(), "message", after=("message-1", "next"))
        journey = edits.remove_steps(journey, ["message-1"])
        journey, second = edits.add_step(journey, "message", after=(first, "next"))
        assert len({step.id for step in journey.steps}) == len(journey.steps)
        assert first != second


@pytest.mark.covers("BLD-1")
class TestLinking:
    def test_connect_and_disconnect_a_port(self) -> None:
        journey, split = edits.add_step(welcome(), "split", after=("message-1", "next"))
        joined = edits.connect(journey, source=split, port="arm-1", target="exit-1")
        assert (split, "arm-1", "exit-1") in links(joined)
        assert edits.disconnect(joined, source=split, port="arm-1") == journey

    @pytest.mark.parametrize(
        ("source", "target", "sentence"),
        [
            ("message-1", "message-1", "lead to itself"),
            ("message-1", "entry-1", "back to the start"),
        ],
    )
    def test_links_that_make_no_sense_are_refused(self, source: str, target: str, sentence: str) -> None:
        with pytest.raises(Invalid, match=sentence):
            edits.connect(welcome(), source=source, port="next", target=target)

    def test_unknown_ports_and_steps_are_refused(self) -> None:
        with pytest.raises(Invalid, match="no longer exists"):
            edits.connect(welcome(), source="entry-1", port="path-3", target="exit-1")
        with pytest.raises(NotFound):
            edits.disconnect(welcome(), source="ghost", port="next")


@pytest.mark.covers("BLD-1", "BLD-6")
class TestRemovingAndCopying:
    def test_removing_a_step_joins_its_neighbours(self) -> None:
        assert ("entry-1", "next", "exit-1") in links(edits.remove_steps(welcome(), ["message-1"]))

    def test_removing_a_run_of_steps_joins_the_ends(self) -> None:
        journey, wait = edits.add_step(welcome(), "wait", after=("message-1", "next"))
        assert links(edits.remove_steps(journey, [wait, "message-1"])) == {("entry-1", "next", "exit-1")}

    def test_removing_a_fork_with_two_ways_on_leaves_an_open_end(self) -> None:
        journey, split = edits.add_step(welcome(), "split", after=("entry-1", "next"))
        journey = edits.connect(journey, source=split, port="arm-1", target="exit-1")
        assert ("entry-1", "next", None) in links(edits.remove_steps(journey, [split]))

    def test_a_copy_of_two_steps_keeps_the_link_among_them(self) -> None:
        journey, names = edits.duplicate_steps(welcome(), ["entry-1", "message-1", "exit-1"])
        assert names == ["message-2", "exit-2"]
        assert ("message-2", "next", "exit-2") in links(journey)


@pytest.mark.covers("BLD-3")
class TestChanging:
    def test_fields_are_checked_against_the_grammar(self) -> None:
        journey = revised(welcome(), "message-1", title="Hello", channels=["sms"])
        assert edits.find(journey, "message-1") == Message(
            id="message-1", title="Hello", channels=["sms"], next="exit-1"
        )
        with pytest.raises(Invalid) as refused:
            revised(welcome(), "message-1", channels=["pigeon"])
        assert refused.value.problems
        with pytest.raises(Invalid):
            revised(welcome(), "message-1", script="alert(1)")

    def test_tidy_forgets_positions(self) -> None:
        moved = edits.place_steps(welcome(), {"exit-1": Position(x=1, y=1)})
        assert moved != welcome()
        assert edits.tidy(moved) == welcome()

    def test_placing_one_step_pins_the_others_where_they_are_drawn(self) -> None:
        drawn = {step.id: Position(x=0, y=100 * n) for n, step in enumerate(welcome().steps)}
        moved = edits.place_steps(welcome(), {"exit-1": Position(x=7, y=7)})
        pinned = edits.pin(moved, drawn)
        assert edits.find(pinned, "exit-1").position == Position(x=7, y=7)
        assert edits.find(pinned, "message-1").position == drawn["message-1"]
        assert edits.find(edits.place_steps(pinned, drawn), "exit-1").position == drawn["exit-1"]

    def test_audience_and_journey_wide_fields(self) -> None:
        audience = Audience(kinds=["lead"])
        assert edits.set_audience(welcome(), audience).audience == audience
        assert edits.set_fields(welcome(), holdout_percent=10).holdout_percent == 10
        with pytest.raises(Invalid):
            edits.set_fields(welcome(), holdout_percent=90)


@pytest.mark.covers("BLD-5")
class TestUndo:
    def test_typing_in_one_field_is_one_edit(self) -> None:
        a = welcome()
        b = revised(a, "message-1", title="H")
        c = revised(b, "message-1", title="Hi")
        history = History().remember(a, "change a title", "message-1.title")
        history = history.remember(b, "change a title", "message-1.title")
        undone = history.undo(c)
        assert undone
        assert undone[0] == a
        redone = undone[1].redo(a)
        assert redone
        assert redone[0] == c

    def test_a_new_edit_ends_the_future(self) -> None:
        history = History().remember(welcome(), "add")
        undone = history.undo(Journey())
        assert undone
        assert undone[1].remember(Journey(), "other").redo(Journey()) is None
        assert History().undo(Journey()) is None

    @given(st.lists(st.tuples(st.integers(0, 4), st.integers(0, 9), st.integers(0, 9)), max_size=25))
    def test_any_run_of_edits_undoes_and_redoes_to_the_same_and_never_dangles(
        self, acts: list[tuple[int, int, int]]
    ) -> None:
        journey, history, seen = welcome(), History(), [welcome()]
        for act, one, two in acts:
            try:
                after = _some_edit(journey, act, one, two)
            except Invalid:
                continue
            history = history.remember(journey, "edit")
            journey = after
            seen.append(journey)
            ids = {step.id for step in journey.steps}
            assert len(ids) == len(journey.steps)
            assert all(target is None or target in ids for _s, _p, target in links(journey))
            assert Journey.model_validate_json(journey.model_dump_json()) == journey
        for expected in reversed(seen[:-1]):
            undone = history.undo(journey)
            assert undone
            journey, history = undone
            assert journey == expected
        for expected in seen[1:]:
            redone = history.redo(journey)
            assert redone
            journey, history = redone
            assert journey == expected


def _some_edit(journey: Journey, act: int, one: int, two: int) -> Journey:
    steps = journey.steps
    if not steps:
        return edits.add_step(journey, "split")[0]
    step = steps[one % len(steps)]
    ways = ports(step)
    if act == 0:
        kind = ("message", "wait", "branch", "split", "exit", "goal", "wait_event")[two % 7]
        after = (step.id, ways[two % len(ways)][0]) if ways else None
        return edits.add_step(journey, kind, after=after)[0]
    if act == 1 and ways:
        port = ways[two % len(ways)][0]
        return edits.connect(journey, source=step.id, port=port, target=steps[two % len(steps)].id)
    if act == 2:
        return edits.remove_steps(journey, [step.id, steps[two % len(steps)].id])
    if act == 3:
        return edits.duplicate_steps(journey, [step.id, steps[two % len(steps)].id])[0]
    return revised(journey, step.id, title=f"Title {two}")


def test_a_split_keeps_its_shares_when_relinked() -> None:
    journey, split = edits.add_step(welcome(), "split", after=("entry-1", "next"))
    step = edits.find(edits.disconnect(journey, source=split, port="arm-0"), split)
    assert isinstance(step, Split)
    assert [arm.percent for arm in step.arms] == [50, 50]
