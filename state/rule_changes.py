"""One change from the rule editor, wherever it is used: an audience, a branch's path, a segment."""

from __future__ import annotations

from typing import Any, get_args

from services.builder import rule_tree
from services.contracts.segment import Group
from services.kit.errors import Invalid
from state.rule_rows import FIELDS


def changed_tree(root: Group, what: str, path: str, part: str, value: str) -> tuple[Group, str]:
    """A tree of rules after one change, and the path of the rule that was moved or made, if any.

    `what`: add, remove, duplicate, mode, change, move (`value`: the group's path, a colon, the place),
    nudge (`value`: up, down, in, out), wrap or unwrap. Raises Invalid.
    """
    match what:
        case "add":
            return rule_tree.add(root, path, rule_tree.made(value[:100], operators(value)))
        case "remove":
            return rule_tree.remove(root, path), ""
        case "duplicate":
            return rule_tree.duplicate(root, path)
        case "mode":
            return rule_tree.set_node(root, path, _one_of(value, rule_tree.NODES)), ""
        case "move":
            to, _, index = value.partition(":")
            return rule_tree.move(root, path, to, int(index) if index.isdecimal() else 0)
        case "nudge":
            return rule_tree.nudge(root, path, _one_of(value, get_args(rule_tree.Direction)))
        case "wrap":
            return rule_tree.wrap(root, path), f"{path}"
        case "unwrap":
            return rule_tree.unwrap(root, path), ""
        case "change":
            rule = rule_tree.at(root, path)
            field = FIELDS.get(value if part == "name" else getattr(rule, "field", ""))
            kind = field.type if field else "text"
            return rule_tree.change(root, path, part, value[:4000], kind, operators(value)), ""
    raise Invalid("The rules cannot do that.")


def said(root: Group, path: str) -> str:
    """Where a rule is now, for those who hear the page."""
    parent, index = rule_tree.split(path)
    group = rule_tree.group_at(root, parent)
    where = f"in a group, {'all' if group.node == 'all' else group.node} of these" if parent else "at the top"
    return f"Place {index + 1} of {len(group.rules)} {where}."


def operators(name: str) -> tuple[str, ...]:
    """A field's operators in order; the first is where a new rule begins."""
    return tuple(op for op, _words in FIELDS[name].operators) if name in FIELDS else ()


def key_of(where: str, what: str, path: str, part: str) -> str:
    """Typing in one field is one step of undo; anything else is one each ("")."""
    return f"{where}.{path}.{part}" if what == "change" and part not in ("toggle", "op", "name") else ""


def _one_of(value: str, known: tuple[str, ...]) -> Any:
    if value not in known:
        raise Invalid("The rules cannot do that.")
    return value
