"""Edits of a whole tree of rules, by path (AUD-1): what the rule editor can do, as pure functions.

A path names a rule by its place in every group on the way: "" is the group at the top, "1" its second
rule, "1.0" the first rule of the group that is there. Each function returns a new tree; where a rule
lands somewhere else, its new path comes with it. A group that loses its last rule goes, too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, get_args

from services.builder.rule_edits import change_rule, new_rule
from services.contracts.segment import Group, Rule
from services.kit.errors import Invalid

Node = Literal["all", "any", "none"]
Direction = Literal["up", "down", "in", "out"]
NODES: tuple[str, ...] = get_args(Node)
MOST = 100
Placed = tuple[Group, str]
"""A tree, and the path of the rule that was moved or made."""


def at(root: Group, path: str) -> Rule:
    """The rule of a path. Raises Invalid."""
    found: Rule = root
    for place in _places(path):
        if not isinstance(found, Group) or not 0 <= place < len(found.rules):
            raise Invalid("That rule no longer exists.")
        found = found.rules[place]
    return found


def group_at(root: Group, path: str) -> Group:
    """The group of a path. Raises Invalid."""
    found = at(root, path)
    if not isinstance(found, Group):
        raise Invalid("That is a rule, not a group of rules.")
    return found


def add(root: Group, path: str, rule: Rule) -> Placed:
    """A rule at the end of the group at `path`."""
    return insert(root, path, len(group_at(root, path).rules), rule)


def insert(root: Group, path: str, index: int, rule: Rule) -> Placed:
    """A rule at a place of the group at `path`."""
    place = min(max(index, 0), len(group_at(root, path).rules))
    after = _edited(root, path, lambda g: _with(g, [*g.rules[:place], rule, *g.rules[place:]]))
    return after, join(path, place)


def remove(root: Group, path: str) -> Group:
    """Without the rule at `path`, nor the groups that held nothing else."""
    return _replaced(root, _all_that_goes(root, path), [])


def duplicate(root: Group, path: str) -> Placed:
    """A copy right after the rule."""
    parent, index = split(path)
    return insert(root, parent, index + 1, at(root, path).model_copy(deep=True))


def set_node(root: Group, path: str, node: Node) -> Group:
    """All, any or none of a group's rules. The outermost group is all or any."""
    if node == "none" and not path:
        raise Invalid("Put the rules into a group of their own to turn them round.")
    return _edited(root, path, lambda group: group.model_copy(update={"node": node}))


def move(root: Group, path: str, to: str, index: int) -> Placed:
    """The rule at `path` to a place of the group at `to`; `index` counts before it is taken away."""
    if not path or to == path or to.startswith(f"{path}."):
        raise Invalid("A group cannot go into itself.")
    rule, index = at(root, path), min(max(index, 0), len(group_at(root, to).rules))
    added = _edited(root, to, lambda g: _with(g, [*g.rules[:index], rule, *g.rules[index:]]))
    old, new = _places(path), [*_places(to), index]
    level = len(new) - 1
    if old[:level] == new[:level] and len(old) > level and old[level] >= index:
        old[level] += 1
    gone = _places(_all_that_goes(added, _path(old)))
    level = len(gone) - 1
    if new[:level] == gone[:level] and new[level] > gone[level]:
        new[level] -= 1
    return _replaced(added, _path(gone), []), _path(new)


def _all_that_goes(root: Group, path: str) -> str:
    """The path of what is taken away with the rule at `path`: the groups around it that hold nothing else."""
    at(root, path)
    parent, _ = split(path)
    while parent and len(group_at(root, parent).rules) == 1:
        path = parent
        parent, _ = split(path)
    return path


def nudge(root: Group, path: str, direction: Direction) -> Placed:
    """One step with the keyboard: up or down among its neighbours, into the group beside it (a new
    one when there is none), or out of its group. Where there is no such step, nothing moves."""
    parent, index = split(path)
    siblings = group_at(root, parent).rules
    match direction:
        case "up" if index > 0:
            return move(root, path, parent, index - 1)
        case "down" if index < len(siblings) - 1:
            return move(root, path, parent, index + 2)
        case "in":
            for place, end in ((index - 1, True), (index + 1, False)):
                beside = siblings[place] if 0 <= place < len(siblings) else None
                if isinstance(beside, Group):
                    return move(root, path, join(parent, place), len(beside.rules) if end else 0)
            after = wrap(root, path)
            return after, f"{path}.0"
        case "out" if parent:
            above, place = split(parent)
            return move(root, path, above, place + 1)
    return root, path


def wrap(root: Group, path: str, node: Node = "any") -> Group:
    """The rule at `path` in a new group of its own."""
    rule = at(root, path)
    return _replaced(root, path, [Group(node=node, rules=[rule])])


def unwrap(root: Group, path: str) -> Group:
    """The rules of the group at `path` in its place."""
    return _replaced(root, path, group_at(root, path).rules)


def change(
    root: Group, path: str, part: str, value: str, kind: str, operators: tuple[str, ...] = ()
) -> Group:
    """One part of the rule at `path`; see `rule_edits.change_rule`."""
    parent, index = split(path)
    return _edited(root, parent, lambda group: change_rule(group, index, part, value, kind, operators))


def made(name: str, operators: tuple[str, ...] = ()) -> Rule:
    """A new rule: a field, a behaviour (`did:opened`), `segment`, `list`, or `group` with nothing in it."""
    if name == "group":
        return Group(node="any")
    return new_rule(name, operators)


def walk(root: Group, path: str = "") -> list[tuple[str, Rule]]:
    """Every rule below `root` with its path, in the order people read them."""
    found: list[tuple[str, Rule]] = []
    for index, rule in enumerate(root.rules):
        here = join(path, index)
        found.append((here, rule))
        if isinstance(rule, Group):
            found += walk(rule, here)
    return found


def split(path: str) -> tuple[str, int]:
    """The path of the group that holds the rule, and its place there. Raises Invalid."""
    places = _places(path)
    if not places:
        raise Invalid("The outermost group stays.")
    return _path(places[:-1]), places[-1]


def join(path: str, index: int) -> str:
    return f"{path}.{index}" if path else str(index)


def _path(places: list[int]) -> str:
    return ".".join(map(str, places))


def _places(path: str) -> list[int]:
    parts = path.split(".") if path else []
    if len(parts) > 50 or not all(part.isdecimal() and len(part) < 4 for part in parts):
        raise Invalid("That rule no longer exists.")
    return [int(part) for part in parts]


def _edited(root: Group, path: str, edit: Callable[[Group], Group]) -> Group:
    if not path:
        return edit(root)
    group_at(root, path)
    first, *rest = _places(path)
    inner = root.rules[first]
    assert isinstance(inner, Group)
    edited = _edited(inner, _path(rest), edit)
    return _with(root, [edited if n == first else rule for n, rule in enumerate(root.rules)])


def _replaced(root: Group, path: str, rules: list[Rule]) -> Group:
    at(root, path)
    parent, index = split(path)
    return _edited(root, parent, lambda g: _with(g, [*g.rules[:index], *rules, *g.rules[index + 1 :]]))


def _with(group: Group, rules: list[Rule]) -> Group:
    if len(rules) > MOST:
        raise Invalid(f"A group takes {MOST} rules at most.")
    return group.model_copy(update={"rules": rules})
