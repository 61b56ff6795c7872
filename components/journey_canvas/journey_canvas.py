"""Reflex wrapper of the canvas. Events report meanings, never pixels in motion (house rule 12)."""

from __future__ import annotations

from typing import Any

import reflex as rx

for _part in (
    "layout.js",
    "graph.js",
    "geometry.js",
    "kinds.jsx",
    "step_node.jsx",
    "step_edge.jsx",
    "palette.jsx",
    "canvas.css",
):
    rx.asset(_part, shared=True)
_CANVAS = rx.asset("canvas.jsx", shared=True)

Report = rx.EventHandler[rx.event.passthrough_event_spec(dict[str, Any])]


class JourneyCanvas(rx.NoSSRComponent):
    """A journey as a graph.

    `steps`: [{id, kind, title, subtitle, ports: [{key, label, target}], problems, problem, severity,
    position: {x, y} | null, dim}]; `counts`: {step id: [{key, label, value}]} or null when the campaign
    has not run; `palette`: [{group, items: [{kind, label, hint, disabled}]}].
    """

    library = _CANVAS.importable_path
    tag = "JourneyCanvas"
    lib_dependencies: list[str] = ["@xyflow/react@12.12.1", "@dagrejs/dagre@3.1.3"]

    steps: rx.Var[list[dict[str, Any]]]
    counts: rx.Var[dict[str, list[dict[str, Any]]] | None]
    palette: rx.Var[list[dict[str, Any]]]
    selected: rx.Var[str]
    read_only: rx.Var[bool]
    dark: rx.Var[bool]
    label: rx.Var[str]

    on_step_added: Report  # {kind, after: {step, port} | null, position: {x, y} | null, places}
    on_step_moved: Report  # {id, position, places}, when the drag ends; places: where all are drawn
    on_linked: Report  # {source, port, target}
    on_unlinked: Report  # {source, port}
    on_removed: Report  # {ids}
    on_selected: Report  # {id}, "" for none
    on_counted: Report  # {step, key}: the number of people there was chosen
    on_duplicated: Report  # {ids}
    on_tidied: rx.EventHandler[rx.event.no_args_event_spec]
    on_undo: rx.EventHandler[rx.event.no_args_event_spec]
    on_redo: rx.EventHandler[rx.event.no_args_event_spec]


journey_canvas = JourneyCanvas.create
