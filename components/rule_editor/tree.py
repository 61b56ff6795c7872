"""Reflex wrapper of the list in which rules are dragged; it reports where to, never pixels (house rule 12)."""

from __future__ import annotations

import reflex as rx

rx.asset("rule_tree.css", shared=True)
_TREE = rx.asset("rule_tree.jsx", shared=True)


class RuleTree(rx.NoSSRComponent):
    """Rows marked `data-rule-row` with their path; grips marked `data-grip`.

    `on_moved` reports (path, "group's path:place"), `on_nudged` (path, "up" | "down" | "in" | "out").
    """

    library = _TREE.importable_path
    tag = "RuleTree"

    label: rx.Var[str]
    editor_key: rx.Var[str]
    read_only: rx.Var[bool]

    on_moved: rx.EventHandler[rx.event.passthrough_event_spec(str, str)]
    on_nudged: rx.EventHandler[rx.event.passthrough_event_spec(str, str)]


rule_tree = RuleTree.create
