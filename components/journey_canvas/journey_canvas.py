"""Reflex wrapper of the canvas. Events report meanings, never pixels in motion (house rule 12)."""

from __future__ import annotations

from typing import Any

import reflex as rx

for _part in (
    "layout.js",
    "lanes.js",
    "graph.js",
    "geometry.js",
    "reports.js",
    "selection.js",
    "clipboard.js",
    "drag.js",
    "keys.js",
    "view.js",
    "kinds.jsx",
    "step_node.jsx",
    "step_edge.jsx",
    "note_node.jsx",
    "palette.jsx",
    "chooser.jsx",
    "search.jsx",
    "toolbar.jsx",
    "canvas.css",
    "comparison.css",
):
    rx.asset(_part, shared=True)
_CANVAS = rx.asset("canvas.jsx", shared=True)
_COMPARISON = rx.asset("comparison.jsx", shared=True)
_LIBRARIES = ["@xyflow/react@12.12.1", "@dagrejs/dagre@3.1.3"]

Report = rx.EventHandler[rx.event.passthrough_event_spec(dict[str, Any])]


class JourneyCanvas(rx.NoSSRComponent):
    """A journey as a graph.

    `steps`: [{id, kind, title, subtitle, find, ports: [{key, label, target}], problems, problem,
    severity, position: {x, y} | null, dim}]; `notes`: [{id, text, colour, position}]; `counts`:
    {step id: [{key, label, value}]} or null when the campaign has not run; `palette`: [{group, items:
    [{kind, label, hint, disabled}]}]; `clip`: {text, number}, what was copied last and how often.
    `places` in a report says where every step is drawn, by its id.
    """

    library = _CANVAS.importable_path
    tag = "JourneyCanvas"
    lib_dependencies: list[str] = _LIBRARIES

    steps: rx.Var[list[dict[str, Any]]]
    notes: rx.Var[list[dict[str, Any]]]
    counts: rx.Var[dict[str, list[dict[str, Any]]] | None]
    palette: rx.Var[list[dict[str, Any]]]
    clip: rx.Var[dict[str, Any]]
    selected: rx.Var[str]
    read_only: rx.Var[bool]
    dark: rx.Var[bool]
    label: rx.Var[str]

    on_step_added: Report  # {kind, after: {step, port} | null, position: {x, y} | null, places}
    on_step_moved: Report  # {places, notes: {id: position}}, when the drag of one or several ends
    on_step_put: Report  # {id, source, port}: a step taken to another line or open end
    on_linked: Report  # {source, port, target}
    on_unlinked: Report  # {source, port}
    on_removed: Report  # {ids, notes}
    on_selected: Report  # {id}, "" for none
    on_counted: Report  # {step, key}: the number of people there was chosen
    on_duplicated: Report  # {ids}
    on_copied: Report  # {ids, places}
    on_cut: Report  # {ids, places}
    on_pasted: Report  # {text | null: what was copied in this tab, position | null, places}
    on_note_added: Report  # {position}
    on_note_changed: Report  # {id, text?, colour?}
    on_tidied: rx.EventHandler[rx.event.no_args_event_spec]
    on_undo: rx.EventHandler[rx.event.no_args_event_spec]
    on_redo: rx.EventHandler[rx.event.no_args_event_spec]


class JourneyComparison(rx.NoSSRComponent):
    """Two journeys as one drawing, to be looked at (BLD-5).

    `steps`: as the canvas takes them, each with `mark` ("", "added", "changed", "removed"), `told` (what
    happened, a line each) and `was` (where a step that is gone had been put, or null); each port with
    `mark`. `goal`: {id, number}, the step to go to; a higher number asks again.
    """

    library = _COMPARISON.importable_path
    tag = "JourneyComparison"
    lib_dependencies: list[str] = _LIBRARIES

    steps: rx.Var[list[dict[str, Any]]]
    goal: rx.Var[dict[str, Any]]
    dark: rx.Var[bool]
    label: rx.Var[str]


journey_canvas = JourneyCanvas.create
journey_comparison = JourneyComparison.create
