"""Rows of the rule editor, made from the segment grammar and the field catalogue.

The page shows a tree of rules as one flat list: a row for each rule, one that opens each group and
one that ends it with the ways to add. `path` says where in the tree a row is.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from services.audience.checks import rule_problems
from services.audience.contracts import FieldInfo
from services.audience.fields import GROUPS, catalogue
from services.audience.sentence import rule_sentence
from services.builder.rule_edits import DAYS, LISTS, NO_VALUE, how_often
from services.builder.rule_tree import join
from services.contracts.segment import UNCHOSEN, Condition, Did, Group, InList, InSegment, Rule

BEHAVIOUR_WORDS = {
    "opened": "opened a message",
    "clicked": "clicked a link",
    "replied": "replied to a message",
    "messaged": "was sent a message",
    "booked": "booked an appointment",
    "attended": "attended an appointment",
    "missed": "missed an appointment",
    "cancelled": "cancelled an appointment",
    "proposal_created": "was given a proposal",
    "proposal_accepted": "accepted a proposal",
}
HOW_OFTEN = [
    ["at_least", "at least"],
    ["at_most", "at most"],
    ["exactly", "exactly"],
    ["between", "between"],
    ["never", "not at all"],
]
SHOWN = 200  # people of a list that the page knows by reference
Choices = Mapping[str, list[tuple[str, str]]]
"""Values that were read from the data, a field; `segment` has the saved segments: (id, name)."""
FIELDS: dict[str, FieldInfo] = {info.name: info for info in catalogue()}


@dataclass(frozen=True)
class RuleRow:
    """One row. `kind`: rule, group (its first line) or end (its last). `shape` says which inputs a rule
    has: none, one, days, choice, bool, two, several, list, did, segment, people, or fixed for what is
    shown as a sentence only. `into` and `index` are where something dropped on the row lands."""

    path: str
    kind: str = "rule"
    depth: int = 0
    number: str = ""
    name: str = ""
    op: str = ""
    shape: str = "fixed"
    input: str = "text"
    value: str = ""
    value2: str = ""
    value3: str = ""
    operators: list[list[str]] = field(default_factory=list)
    choices: list[list[str]] = field(default_factory=list)
    chosen: list[str] = field(default_factory=list)
    mode: str = ""
    joint: str = ""
    sentence: str = ""
    problem: str = ""
    help: str = ""
    into: str = ""
    index: int = 0
    empty: bool = False


@dataclass(frozen=True)
class RuleBox:
    """A tree of rules: its outermost group's `mode` (all or any) and every row inside it."""

    mode: str = "all"
    count: int = 0
    rows: list[RuleRow] = field(default_factory=list)


def names() -> list[tuple[str, list[tuple[str, str]]]]:
    """What a rule may be about, group by group: [(group, [(key, words)])]."""
    listed = [
        (group, [(info.name, _first_upper(info.label)) for info in FIELDS.values() if info.group == group])
        for group in GROUPS
    ]
    behaviours = [(f"did:{key}", _first_upper(words)) for key, words in BEHAVIOUR_WORDS.items()]
    others = [("segment", "In a saved segment"), ("list", "On a list of people")]
    return [*listed, ("What they did", behaviours), ("Segments and lists", others)]


def open_choice_fields(group: Group) -> set[str]:
    """Fields of this tree whose choices have to be read from the data; `segment` for saved segments."""
    found: set[str] = set()
    for rule in group.rules:
        if isinstance(rule, Group):
            found |= open_choice_fields(rule)
        elif isinstance(rule, InSegment):
            found.add("segment")
        elif isinstance(rule, Condition) and rule.field in FIELDS and FIELDS[rule.field].open_choices:
            found.add(rule.field)
    return found


def box(group: Group, choices: Choices) -> RuleBox:
    return RuleBox(group.node, len(group.rules), [*_rows(group, choices, "", 0, "")])


def _rows(group: Group, choices: Choices, path: str, depth: int, number: str) -> list[RuleRow]:
    rows: list[RuleRow] = []
    for index, rule in enumerate(group.rules):
        here, named = join(path, index), f"{number}.{index + 1}" if number else str(index + 1)
        place = {
            "depth": depth, "number": named, "into": path, "index": index,
            "joint": "" if index == 0 else "and" if group.node == "all" else "or",
        }  # fmt: skip
        if not isinstance(rule, Group):
            rows.append(replace(row(here, rule, choices), **place))
            continue
        empty = not rule.rules
        problem = "Empty: add a rule, or remove the group." if empty else ""
        rows.append(
            RuleRow(here, "group", mode=rule.node, shape="group", problem=problem, empty=empty, **place)  # type: ignore[arg-type]
        )
        rows += _rows(rule, choices, here, depth + 1, named)
        rows.append(
            RuleRow(here, "end", depth + 1, named, shape="end", into=here, index=len(rule.rules), empty=empty)
        )
    return rows


def row(path: str, rule: Rule, choices: Choices) -> RuleRow:
    """One rule that is not a group."""
    problem = next(rule_problems(rule), "")
    match rule:
        case Did():
            return RuleRow(
                path, name=f"did:{rule.what}", op=how_often(rule), shape="did", problem=problem,
                value=_word(rule.at_most if how_often(rule) == "at_most" else rule.at_least),
                value2=_word(rule.days), value3=_word(rule.at_most), operators=HOW_OFTEN,
            )  # fmt: skip
        case InSegment():
            return _in_segment(path, rule, choices, problem)
        case InList():
            return RuleRow(
                path, name="list", shape="people", chosen=[str(one) for one in rule.contacts[:SHOWN]], problem=problem,
                sentence=_first_upper(rule_sentence(rule)),
            )  # fmt: skip
        case Condition() if rule.field in FIELDS:
            return _condition(path, rule, FIELDS[rule.field], choices, problem)
        case _:
            return RuleRow(path, sentence=_first_upper(rule_sentence(rule)), problem=problem)


def _in_segment(path: str, rule: InSegment, choices: Choices, problem: str) -> RuleRow:
    known = [list(pair) for pair in choices.get("segment", [])]
    chosen = "" if rule.segment_id == UNCHOSEN else str(rule.segment_id)
    if chosen and chosen not in {key for key, _ in known}:
        known.append([chosen, "A segment that was removed"])
    return RuleRow(
        path, name="segment", shape="segment", value=chosen, choices=[["", "Choose a segment…"], *known],
        problem=problem,
    )  # fmt: skip


def _condition(path: str, rule: Condition, info: FieldInfo, choices: Choices, problem: str) -> RuleRow:
    first, second = _values(rule)
    chosen = [_word(one) for one in rule.value] if isinstance(rule.value, list) else [first]
    known = [list(pair) for pair in info.choices or choices.get(info.name, [])]
    # What the data no longer holds stays visible and can be taken away.
    lost = {one for one in chosen if one} - {key for key, _ in known}
    known += [[one, one] for one in sorted(lost)] if known else []
    shape = _shape(rule, info, bool(known))
    return RuleRow(
        path,
        name=rule.field,
        op=rule.op,
        shape=shape,
        input={"number": "number", "date": "date"}.get(info.type, "text"),
        value=first,
        value2=second,
        operators=[list(pair) for pair in info.operators],
        choices=known if shape == "several" else [["", "Choose…"], *known] if known else [],
        chosen=chosen if shape == "several" else [],
        help=info.help,
        problem=problem,
    )


def _shape(rule: Condition, info: FieldInfo, known: bool) -> str:
    if rule.op in NO_VALUE:
        return "none"
    if rule.op in DAYS:
        return "days"
    if rule.op == "between":
        return "two"
    if info.type == "bool":
        return "bool"
    if rule.op in LISTS:
        return "several" if known else "list"
    return "choice" if known else "one"


def _values(rule: Condition) -> tuple[str, str]:
    if isinstance(rule.value, list):
        words = [_word(value) for value in rule.value]
        if rule.op == "between":
            return (words[0], words[1]) if len(words) == 2 else ("", "")
        return ", ".join(words), ""
    return _word(rule.value), ""


def _word(value: object) -> str:
    if value is None:
        return ""
    return str(value).lower() if isinstance(value, bool) else str(value)


def _first_upper(words: str) -> str:
    return words[:1].upper() + words[1:]
