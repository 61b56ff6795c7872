"""Steps that are copied, pasted and moved keep what they say, and never point at the wrong place."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.builder import clipboard, edits, moves, note_edits
from services.builder.graph import graph_of, reachable
from services.builder.history import History
from services.builder.rules import check
from services.contracts.journey import (
    ChannelContent,
    Entry,
    Journey,
    Message,
    Position,
    Variant,
    ports,
)
from services.kit.errors import Invalid
from tests.factories.journeys import revised

KINDS = ("message", "wait", "branch", "split", "wait_event", "goal", "exit")
Acts = list[tuple[int, int]]


def grown(acts: Acts) -> Journey:
    """A journey without circles, made of additions at whatever way is named."""
    journey = Journey(steps=[Entry(id="entry-1")])
    for kind, where in acts:
        ends = [(step.id, key) for step in journey.steps for key, _label, _target in ports(step)]
        after = ends[where % len(ends)]
        try:
            journey, new = edits.add_step(journey, KINDS[kind % len(KINDS)], after=after)  # type: ignore[arg-type]
        except Invalid:
            continue
        journey = revised(journey, new, title=f"Step {len(journey.steps)}", note="Kept")
    return journey


def contents(journey: Journey, ids: list[str]) -> list[dict[str, Any]]:
    """What steps say, without names, places and links."""
    said = []
    for step_id in ids:
        step = edits.find(journey, step_id)
        for key, _label, _target in ports(step):
            step = edits.with_port(step, key, None)
        said.append(step.model_dump(mode="json", exclude={"id", "position"}))
    return said


def inner_links(journey: Journey, ids: list[str]) -> set[tuple[int, str, int | None]]:
    """Links by place in the list; None for open ends and for links to the outside."""
    at = {step_id: n for n, step_id in enumerate(ids)}
    return {
        (at[i], key, at.get(target or ""))
        for i in ids
        for key, _label, target in ports(edits.find(journey, i))
    }


grow = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 30)), max_size=14).map(grown)


@pytest.mark.covers("BLD-6")
class TestCopying:
    @given(grow, st.sets(st.integers(0, 30), min_size=1), grow)
    def test_a_paste_keeps_everything_but_names_and_links_to_the_outside(
        self, source: Journey, chosen: set[int], other: Journey
    ) -> None:
        wanted = {source.steps[n % len(source.steps)].id for n in chosen} - {"entry-1"}
        if not wanted:
            return
        ids = [step.id for step in source.steps if step.id in wanted]
        text = clipboard.copy_steps(source, wanted)
        for target in (source, other):
            pasted = clipboard.paste_steps(target, text)
            assert contents(pasted.journey, pasted.new) == contents(source, ids)
            assert inner_links(pasted.journey, pasted.new) == inner_links(source, ids)
            assert not set(pasted.new) & {step.id for step in target.steps}
            assert pasted.journey.steps[: len(target.steps)] == target.steps
            assert Journey.model_validate_json(pasted.journey.model_dump_json()) == pasted.journey
            undone = History().remember(target, "paste steps").undo(pasted.journey)
            assert undone
            assert undone[0] == target

    def test_a_start_comes_along_only_where_there_is_none(self) -> None:
        source = grown([(0, 0), (1, 1)])
        text = clipboard.copy_steps(source, [step.id for step in source.steps])
        assert clipboard.paste_steps(Journey(), text).journey == source
        pasted = clipboard.paste_steps(source, text)
        assert (len(pasted.new), pasted.left_out) == (2, 1)
        with pytest.raises(Invalid, match="already has its start"):
            clipboard.paste_steps(source, clipboard.copy_steps(source, ["entry-1"]))

    @pytest.mark.parametrize(
        "text",
        [
            "Dear Ms Fox, your appointment",
            "{}",
            '{"campaign_manager":"steps","schema_version":1,"steps":[]}',
            '{"campaign_manager":"steps","schema_version":1,"steps":[{"kind":"script","id":"a"}]}',
            '{"campaign_manager":"steps","schema_version":1,"steps":[{"kind":"exit","id":"a","run":"x"}]}',
            '{"campaign_manager":"steps","schema_version":1,"steps":[{"kind":"exit","id":"a"},{"kind":"exit","id":"a"}]}',
            "[" * 5000,
        ],
        ids=["words", "empty", "no steps", "unknown kind", "unknown field", "twice the same", "deep"],
    )
    def test_other_text_is_refused_with_a_sentence(self, text: str) -> None:
        with pytest.raises(Invalid, match="not a part of a journey, so nothing was pasted"):
            clipboard.paste_steps(grown([]), text)

    def test_nothing_copied_and_too_much_are_said(self) -> None:
        with pytest.raises(Invalid, match="Nothing has been copied"):
            clipboard.paste_steps(Journey(), " ")
        full = Journey(steps=[Message(id=f"m-{n}") for n in range(499)])
        with pytest.raises(Invalid, match="500 steps at most"):
            clipboard.paste_steps(full, clipboard.copy_steps(full, ["m-1", "m-2"]))

    def test_the_arrangement_is_kept_and_nothing_is_covered(self) -> None:
        source = grown([(0, 0), (1, 1)])
        drawn = {step.id: Position(x=10, y=100 * n) for n, step in enumerate(source.steps)}
        text = clipboard.copy_steps(source, ["message-1", "wait-1"], drawn)
        once = clipboard.paste_steps(source, text, at=Position(x=500, y=50))
        twice = clipboard.paste_steps(once.journey, text, at=Position(x=500, y=50))
        at = [edits.find(twice.journey, new).position for new in (*once.new, *twice.new)]
        assert [(p.x, p.y) for p in at if p] == [(500, 50), (500, 150), (548, 98), (548, 198)]

    def test_a_wait_without_its_message_is_a_visible_problem(self) -> None:
        source = grown([(0, 0), (4, 1)])
        assert "no_message_before" not in {p.code for p in check(source)}
        pasted = clipboard.paste_steps(grown([]), clipboard.copy_steps(source, ["wait_event-1"]))
        found = [p for p in check(pasted.journey) if p.code == "no_message_before"]
        assert [p.step_id for p in found] == pasted.new


@pytest.mark.covers("BLD-1")
class TestMoving:
    @given(grow, st.integers(0, 30), st.integers(0, 60))
    def test_a_move_loses_nothing_and_makes_no_circle(self, journey: Journey, one: int, two: int) -> None:
        step = journey.steps[one % len(journey.steps)]
        ends = [(s.id, key) for s in journey.steps for key, _label, _target in ports(s)]
        source, port = ends[two % len(ends)]
        try:
            moved = moves.move_to(journey, step.id, source=source, port=port)
        except Invalid:
            return
        ids = sorted(s.id for s in journey.steps)
        assert sorted(s.id for s in moved.steps) == ids
        assert contents(moved, ids) == contents(journey, ids)
        graph = graph_of(moved)
        assert not any(s in reachable(graph, graph[s]) for s in ids)
        assert reachable(graph, ["entry-1"]) == reachable(graph_of(journey), ["entry-1"])
        if moved != journey:
            assert edits.target_of(edits.find(moved, source), port) == step.id

    def test_the_gap_closes_and_the_line_goes_on_behind(self) -> None:
        journey = grown([(0, 0), (1, 1), (6, 2)])  # entry → message → wait → exit
        moved = moves.move_to(journey, "message-1", source="wait-1", port="next")
        assert graph_of(moved) == {
            "entry-1": ["wait-1"],
            "wait-1": ["message-1"],
            "message-1": ["exit-1"],
            "exit-1": [],
        }
        assert moves.move_to(journey, "wait-1", source="message-1", port="next") is journey

    def test_what_cannot_be_moved_says_why(self) -> None:
        journey = grown([(0, 0), (2, 1), (0, 3), (6, 4)])
        with pytest.raises(Invalid, match="The start stays"):
            moves.move_to(journey, "entry-1", source="message-1", port="next")
        with pytest.raises(Invalid, match="after this step on a path it takes along"):
            moves.move_to(journey, "branch-1", source="branch-1", port="otherwise")
        with pytest.raises(Invalid, match="Nothing can follow an end"):
            moves.move_to(journey, "exit-1", source="entry-1", port="next")


@pytest.mark.covers("BLD-1", "BLD-4")
class TestNotes:
    def test_notes_are_added_changed_moved_and_removed(self) -> None:
        journey, first = note_edits.add_note(grown([]), Position(x=1, y=2))
        journey, second = note_edits.add_note(journey, Position(x=3, y=4))
        journey = note_edits.change_note(journey, first, text="Ask Ada", colour="pink")
        journey = note_edits.change_note(journey, second, position=Position(x=9, y=9))
        assert [(n.id, n.text, n.colour, n.position.x) for n in journey.notes] == [
            ("note-1", "Ask Ada", "pink", 1),
            ("note-2", "", "yellow", 9),
        ]
        journey = note_edits.remove_notes(journey, [first])
        assert note_edits.add_note(journey, Position(x=0, y=0))[1] == first
        for wrong in ({"text": "x" * 501}, {"colour": "plaid"}):
            with pytest.raises(Invalid):
                note_edits.change_note(journey, second, **wrong)

    def test_secrets_and_leftovers_in_notes_are_found(self) -> None:
        journey, note = note_edits.add_note(grown([]), Position(x=0, y=0))
        leftover = note_edits.change_note(journey, note, text="TODO ask Ada")
        assert ("placeholder_in_note", note) in {(p.code, p.note_id) for p in check(leftover)}
        secret = note_edits.change_note(journey, note, text="password = hunter2hunter2hunter2")
        assert ("secret", note) in {(p.code, p.note_id) for p in check(secret) if p.severity == "blocking"}


@pytest.mark.covers("BLD-6")
def test_a_clip_is_our_schema_and_holds_the_words() -> None:
    words = {"email": ChannelContent(subject="Hello", body="Hi")}
    journey = Journey(steps=[Message(id="m", variants=[Variant(content=words)], next="gone")])  # type: ignore[arg-type]
    value = orjson.loads(clipboard.copy_steps(journey, ["m"]))
    assert value["steps"][0]["variants"][0]["content"]["email"]["subject"] == "Hello"
    assert value["steps"][0]["next"] is None
