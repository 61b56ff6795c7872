"""Reflex wrapper of the outline. Focus and what is folded stay in the browser; meanings are reported."""

from __future__ import annotations

from typing import Any

import reflex as rx

from components.journey_canvas.journey_canvas import Report

for _part in ("keys.js", "chooser.jsx", "toolbar.jsx", "outline.css"):
    rx.asset(_part, shared=True)
_OUTLINE = rx.asset("outline.jsx", shared=True)


class JourneyOutline(rx.NoSSRComponent):
    """A journey as a tree (WAI-ARIA tree pattern).

    `rows`: one a line, as `services.builder.outline` and its words make them; `palette` as the
    canvas has it; `said`: the last announcement, `said_count` tells repeats apart; `focus`: the key
    of the line that takes the focus with it.
    """

    library = _OUTLINE.importable_path
    tag = "JourneyOutline"

    rows: rx.Var[list[dict[str, Any]]]
    palette: rx.Var[list[dict[str, Any]]]
    counts: rx.Var[dict[str, list[dict[str, Any]]] | None]
    selected: rx.Var[str]
    read_only: rx.Var[bool]
    label: rx.Var[str]
    said: rx.Var[str]
    said_count: rx.Var[int]
    focus: rx.Var[str]

    on_added: Report  # {kind, after: {step, port} | null}
    on_moved: Report  # {id, way: "up" | "down"} or {id, to: {step, port}}
    on_linked: Report  # {source, port, target}
    on_unlinked: Report  # {source, port}
    on_removed: Report  # {id}
    on_duplicated: Report  # {id}
    on_selected: Report  # {id}
    on_travelled: rx.EventHandler[rx.event.passthrough_event_spec(str)]  # "undo" | "redo"


journey_outline = JourneyOutline.create
