"""Edits of a tree of rules: what is moved stays whole, wherever it goes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.audience.checks import finished
from services.builder import rule_edits, rule_tree
from services.contracts.segment import UNCHOSEN, Audience, Condition, Did, Group, InList, InSegment, Rule
from services.kit.errors import Invalid
from state.rule_changes import changed_tree, said
from state.rule_rows import FIELDS, box, names

DIRECTIONS = ("up", "down", "in", "out")


def leaf(text: str) -> Condition:
    return Condition(field="contact.postcode", op="is", value=text)


def of(node: str, *rules: Rule) -> Group:
    return Group(node=node, rules=list(rules))  # type: ignore[arg-type]


A, B, C, D = map(leaf, "abcd")


def drawn(rule: Rule) -> str:
    """`all(a any(b c))`"""
    if isinstance(rule, Group):
        return f"{rule.node}({' '.join(map(drawn, rule.rules))})"
    return str(getattr(rule, "value", rule.node))


leaves = st.sampled_from("abcdefgh").map(leaf)
trees = st.recursive(
    leaves,
    lambda inner: (
        st.builds(of, st.sampled_from(rule_tree.NODES), inner, inner) | inner.map(lambda r: of("any", r))
    ),
    max_leaves=8,
).map(lambda rule: of("all", rule))


@pytest.mark.covers("AUD-1")
class TestMoving:
    @pytest.mark.parametrize(
        ("path", "to", "index", "after", "at"),
        [
            ("0", "", 2, "all(b a any(c d))", "1"),
            ("1", "", 0, "all(b a any(c d))", "0"),
            ("0", "2", 1, "all(b any(c a d))", "1.1"),
            ("2.0", "", 0, "all(c a b any(d))", "0"),
            ("2.1", "", 3, "all(a b any(c) d)", "3"),
            ("2", "", 0, "all(any(c d) a b)", "0"),
            ("0", "", 0, "all(a b any(c d))", "0"),
        ],
    )
    def test_to_a_place(self, path: str, to: str, index: int, after: str, at: str):
        root = of("all", A, B, of("any", C, D))
        moved, where = rule_tree.move(root, path, to, index)
        assert (drawn(moved), where) == (after, at)
        assert drawn(root) == "all(a b any(c d))", "the tree before is as it was"

    def test_a_group_that_is_left_empty_goes_too(self):
        root = of("all", of("none", of("any", A)), B)
        moved, where = rule_tree.move(root, "0.0.0", "", 2)
        assert (drawn(moved), where) == ("all(b a)", "1")
        assert drawn(rule_tree.remove(root, "0.0.0")) == "all(b)"

    def test_never_into_itself_or_to_nowhere(self):
        root = of("all", of("any", A, of("all", B)), C)
        for path, to in (
            ("0", "0"),
            ("0", "0.1"),
            ("", "0"),
            ("0", "7"),
            ("9", ""),
            ("0", "1"),
            ("x", ""),
            ("0", "-1"),
        ):
            with pytest.raises(Invalid):
                rule_tree.move(root, path, to, 0)

    @given(tree=trees, data=st.data())
    def test_a_move_keeps_every_rule_and_says_where_it_is(self, tree: Group, data: st.DataObject):
        path, rule = data.draw(st.sampled_from(rule_tree.walk(tree)))
        targets = ["", *(p for p, one in rule_tree.walk(tree) if isinstance(one, Group))]
        to = data.draw(st.sampled_from([t for t in targets if t != path and not t.startswith(f"{path}.")]))
        moved, where = rule_tree.move(tree, path, to, data.draw(st.integers(0, 4)))
        assert drawn(rule_tree.at(moved, where)) == drawn(rule)
        assert kept(moved) == kept(tree)
        assert all(one.rules for _, one in rule_tree.walk(moved) if isinstance(one, Group))
        assert said(moved, where).startswith("Place ")

    @given(tree=trees, ways=st.lists(st.sampled_from(DIRECTIONS), max_size=12), data=st.data())
    def test_the_arrow_keys_lose_nothing(self, tree: Group, ways: list[str], data: st.DataObject):
        path = data.draw(st.sampled_from([p for p, _ in rule_tree.walk(tree)]))
        rule = drawn(rule_tree.at(tree, path))
        now = tree
        for way in ways:
            now, path = rule_tree.nudge(now, path, way)  # type: ignore[arg-type]
            assert drawn(rule_tree.at(now, path)) == rule
        assert kept(now) == kept(tree)

    def test_in_and_out_of_the_group_beside(self):
        root = of("all", A, of("any", B))
        assert drawn(rule_tree.nudge(root, "0", "in")[0]) == "all(any(a b))"
        assert rule_tree.nudge(root, "1.0", "out") == (of("all", A, B), "1")
        assert drawn(rule_tree.nudge(of("all", A, B), "1", "in")[0]) == "all(a any(b))"
        assert drawn(rule_tree.unwrap(of("all", A, of("none", B, C)), "1")) == "all(a b c)"


def kept(tree: Group) -> list[str]:
    return sorted(drawn(rule) for _, rule in rule_tree.walk(tree) if not isinstance(rule, Group))


@pytest.mark.covers("AUD-2")
class TestUnfinished:
    def test_a_new_rule_is_unfinished_whatever_it_is_about(self):
        kinds = [key for _, pairs in names() for key, _ in pairs]
        assert set(FIELDS) < set(kinds)
        for name in [*kinds, "group"]:
            root, path = changed_tree(of("all", A), "add", "", "", name)
            assert path == "1"
            part = finished(Audience(include=[root]))
            assert part.left_out == 1, name
            assert part.audience == Audience(include=[of("all", A)]), "the count stays that of the rest"

    def test_what_is_left_out_is_counted_wherever_it_is(self):
        begun = Did(what="opened", days=None)
        blank = Condition(field="contact.age", op="gt", value="")
        some = Audience(
            include=[of("all", A, of("none", blank, of("any", begun)))],
            exclude=[of("any", InSegment(segment_id=UNCHOSEN), B, InList(contacts=[]))],
        )
        part = finished(some)
        assert part.audience == Audience(include=[of("all", A)], exclude=[of("any", B)])
        assert (part.left_out, part.nobody) == (4, False)
        assert finished(Audience(include=[of("all", begun)])).nobody
        assert not finished(Audience()).nobody
        whole = Audience(include=[of("all", A, of("none", B))])
        assert finished(whole).audience == whole

    def test_values_are_given_part_by_part(self):
        root = of("all")
        root, _ = changed_tree(root, "add", "", "", "proposal.status")
        root, _ = changed_tree(root, "change", "0", "op", "in")
        for one in ("stalled", "created", "stalled"):
            root, _ = changed_tree(root, "change", "0", "toggle", one)
        assert root.rules == [Condition(field="proposal.status", op="in", value=["created"])]
        root, _ = changed_tree(root, "change", "0", "name", "contact.app_user")
        assert box(root, {}).rows[0].problem
        root, _ = changed_tree(root, "change", "0", "value", "false")
        assert root.rules == [Condition(field="contact.app_user", op="is", value=False)]

    @pytest.mark.parametrize(
        ("parts", "low", "high"),
        [
            ([("days", "0")], 1, None),
            ([("times", "3")], 3, None),
            ([("times", "3"), ("op", "at_most")], None, 3),
            ([("op", "at_most"), ("times", "2")], None, 2),
            ([("times", "4"), ("op", "exactly")], 4, 4),
            ([("op", "never")], None, 0),
            ([("op", "between"), ("times", "2"), ("most", "5")], 2, 5),
            ([("times", "")], None, None),
            ([("times", "0")], None, 0),
        ],
    )
    def test_how_often(self, parts: list[tuple[str, str]], low: int | None, high: int | None):
        root, _ = changed_tree(of("all"), "add", "", "", "did:opened")
        for part, value in parts:
            root, _ = changed_tree(root, "change", "0", part, value)
        (did,) = root.rules
        assert isinstance(did, Did)
        assert (did.at_least, did.at_most) == (low, high)
        if high is not None or low is not None:
            assert rule_edits.how_often(did) == box(root, {}).rows[0].op

    def test_people_are_put_on_a_list_and_taken_off(self):
        one, two = "00000000-0000-7000-8000-000000000001", "00000000-0000-7000-8000-000000000002"
        root, _ = changed_tree(of("all"), "add", "", "", "list")
        for person in (one, two, one):
            root, _ = changed_tree(root, "change", "0", "person", person)
        assert box(root, {}).rows[0].chosen == [two]
        with pytest.raises(Invalid):
            changed_tree(root, "change", "0", "person", "Robert'); DROP TABLE")


def test_rows_show_the_tree_in_reading_order():
    root = of("all", A, of("none", B, of("any")))
    rows = box(root, {}).rows
    assert [(r.kind, r.path, r.depth, r.number, r.joint) for r in rows] == [
        ("rule", "0", 0, "1", ""),
        ("group", "1", 0, "2", "and"),
        ("rule", "1.0", 1, "2.1", ""),
        ("group", "1.1", 1, "2.2", "or"),
        ("end", "1.1", 2, "2.2", ""),
        ("end", "1", 1, "2", ""),
    ]
    assert rows[3].problem


@pytest.mark.parametrize("what", ["drop", "", "__class__"])
def test_only_known_changes_are_made(what: str):
    with pytest.raises(Invalid):
        changed_tree(of("all", A), what, "0", "", "")
    for change in (
        ("mode", "", "", "none"),
        ("mode", "", "", "xor"),
        ("nudge", "0", "", "sideways"),
        ("change", "0", "node", "any"),
    ):
        root, _ = of("all", A), ""
        try:
            after, _ = changed_tree(root, *change)
        except Invalid:
            continue
        assert isinstance(after.rules[0], Condition)
