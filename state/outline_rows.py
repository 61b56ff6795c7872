"""What the outline shows, made from a journey: one plain row a line."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from services.builder.contracts import Problem
from services.builder.outline import outline
from services.builder.outline_words import told
from services.contracts.journey import Journey


def outline_rows(journey: Journey, problems: Sequence[Problem]) -> list[dict[str, Any]]:
    """The lines of the outline with their words, as the tree in the browser takes them."""
    rows = outline(journey)
    words = told(journey, rows, problems)
    return [{**asdict(row), **asdict(said)} for row, said in zip(rows, words, strict=True)]
