"""What the builder's page shows, made from a journey: plain rows and words, no behaviour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from services.builder import step_words
from services.builder.contracts import Problem
from services.builder.rule_edits import audience_group, path_group
from services.contracts.journey import Branch, Journey, Step, ports
from state.rule_rows import open_choice_fields

ABOUT_SETTINGS = {"unknown_type", "secret"}
"""Problems of the campaign as a whole that are settled in its settings; the others are its audience's."""
MOST = 5  # counts that fit a card
PALETTE: list[tuple[str, list[tuple[str, str, str]]]] = [
    ("Start", [("entry", "Start", "How people come in")]),
    ("Messages", [("message", "Message", "Email, SMS, WhatsApp or in-app")]),
    (
        "Timing",
        [
            ("wait", "Wait", "A length of time, a date, office hours"),
            ("wait_event", "Wait for event", "Until they act, or time runs out"),
        ],
    ),
    (
        "Decisions",
        [
            ("branch", "Branch", "Different paths for different people"),
            ("split", "Split", "A share of people for each arm"),
        ],
    ),
    ("Hand over", [("sub_campaign", "Another campaign", "They start it, and go on here")]),
    ("End", [("goal", "Goal reached", "The aim is met"), ("exit", "End", "The journey ends here")]),
]


def palette(has_entry: bool) -> list[dict[str, Any]]:
    """The palette's groups; the start is greyed out once there is one."""
    return [
        {
            "group": group,
            "items": [
                {"kind": kind, "label": label, "hint": hint, "disabled": kind == "entry" and has_entry}
                for kind, label, hint in items
            ],
        }
        for group, items in PALETTE
    ]


Taken = dict[str, dict[str, int]]
"""Step → way out → how many people took it."""


def canvas_steps(
    journey: Journey, problems: list[dict[str, Any]], *, ended: bool, taken: Taken | None = None
) -> list[dict[str, Any]]:
    """Steps as the canvas draws them; `ended` dims a campaign that is over; `taken` is said on the links."""
    return [
        canvas_step(step, [p for p in problems if p["step_id"] == step.id], ended, (taken or {}).get(step.id))
        for step in journey.steps
    ]


def canvas_step(
    step: Step, problems: list[dict[str, Any]], dim: bool, taken: dict[str, int] | None = None
) -> dict[str, Any]:
    severity = ""
    if problems:
        severity = "blocking" if any(p["severity"] == "blocking" for p in problems) else "warning"
    return {
        "id": step.id,
        "kind": step.kind,
        "title": step_words.title(step),
        "subtitle": step_words.subtitle(step),
        "ports": [
            {"key": key, "label": _way(label, taken, key), "target": target}
            for key, label, target in ports(step)
        ],
        "problems": len(problems),
        "problem": problems[0]["sentence"] if problems else "",
        "severity": severity,
        "position": step.position.model_dump() if step.position else None,
        "dim": dim,
        "find": step_words.findable(step),
    }


def canvas_notes(journey: Journey) -> list[dict[str, Any]]:
    """Sticky notes as the canvas draws them."""
    return [note.model_dump() for note in journey.notes]


def _way(label: str, taken: dict[str, int] | None, port: str) -> str:
    """A link's label with how many took it, where anybody did."""
    number = f"{taken[port]:,}" if taken and taken.get(port) else ""
    return " · ".join(part for part in (label, number) if part)


def taken(numbers: Any) -> Taken:
    """How many took each way out, from insights' rows a step."""
    return {row.step_id: dict(row.ports) for row in numbers if row.ports}


def where(step: Step | None) -> str:
    """Which step a problem is about, as its list names it."""
    return step_words.title(step) if step else "Campaign"


def counts(journey: Journey, numbers: Any) -> dict[str, list[dict[str, Any]]]:
    """Live numbers a step, as few as say something: `numbers` are insights' rows a step."""
    found = {row.step_id: row for row in numbers}
    return {step.id: _counts(step, found[step.id]) for step in journey.steps if step.id in found}


def _counts(step: Step, row: Any) -> list[dict[str, Any]]:
    if step.kind == "message":
        shown = [
            ("sent", row.sent),
            ("delivered", row.delivered),
            ("opened", row.opened),
            ("clicked", row.clicked),
        ]
    elif step.kind in ("wait", "wait_event"):
        shown = [("waiting", row.waiting), ("moved on", sum(row.ports.values()))]
    else:
        shown = [("came by", row.entered)]
    if step.kind == "message" and row.waiting:
        shown.insert(0, ("waiting", row.waiting))
    if row.refused:
        shown.append(("not sent", row.refused))
    if row.held:
        shown.append(("held", row.held))
    if len(shown) > MOST:
        shown = [pair for pair in shown if pair[0] != "delivered"]
    return [{"key": words, "label": words, "value": int(value or 0)} for words, value in shown]


@dataclass(frozen=True)
class ProblemRow:
    step_id: str
    sentence: str
    severity: str
    where: str
    fix: str = ""
    index: int = 0
    note: str = ""
    panel: str = "audience"


def problem_rows(journey: Journey, found: Sequence[Problem]) -> list[ProblemRow]:
    """The list of problems, each with where it is and what would remove it."""
    steps = {step.id: step for step in journey.steps}
    return [
        ProblemRow(
            p.step_id or "",
            p.sentence,
            p.severity,
            "A note" if p.note_id else where(steps.get(p.step_id or "")),
            p.fix.label if p.fix else "",
            n,
            p.note_id or "",
            "settings" if p.code in ABOUT_SETTINGS else "audience",
        )
        for n, p in enumerate(found)
    ]


def open_choices(journey: Journey) -> set[str]:
    """Fields of the journey's rules whose choices are to be read from the data."""
    groups = [audience_group(journey.audience, part) for part in ("include", "exclude")]
    for step in journey.steps:
        if isinstance(step, Branch):
            groups += [path_group(journey, step.id, n) for n in range(len(step.paths))]
    return set().union(*(open_choice_fields(group) for group in groups))
