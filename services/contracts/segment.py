"""The segment grammar: what an audience rule may say (AUD-1, AUD-2). Data only, never code.

A rule is a tree. Groups nest without limit of kind (`all`, `any`, `none`); leaves are conditions
on one field of the shared data model or behaviours ("did X at least n times in d days").
Which fields exist, their types and operators is the catalogue in `services.audience.fields`;
clinical notes and AI Quality Monitor data are not in it, so no rule can name them (AUD-6).
"""

from __future__ import annotations

from typing import Annotated, Literal
from uuid import UUID

from pydantic import Field, field_validator

from services.contracts.envelope import Strict

Operator = Literal[
    "is", "is_not", "in", "not_in", "contains", "starts_with",
    "gt", "gte", "lt", "lte", "between",
    "within_last_days", "more_than_days_ago", "within_next_days", "before", "after",
    "is_set", "is_not_set",
]  # fmt: skip
Scalar = str | int | float | bool
Behaviour = Literal[
    "opened", "clicked", "replied", "booked", "attended", "missed", "cancelled",
    "proposal_created", "proposal_accepted", "messaged",
]  # fmt: skip


class Condition(Strict):
    """One field compared with a value; lists for `in`/`not_in`, two values for `between`."""

    node: Literal["field"] = "field"
    field: str = Field(min_length=1, max_length=80)
    op: Operator
    value: Scalar | list[Scalar] | None = None


UNCHOSEN = UUID(int=0)
"""Stands for a segment that nobody has chosen yet: the rule is unfinished."""


class Did(Strict):
    """A behaviour counted over the last `days` (0: ever, null: not said yet); `at_most` turns it round."""

    node: Literal["did"] = "did"
    what: Behaviour
    at_least: int | None = Field(1, ge=1, le=1000)
    at_most: int | None = Field(None, ge=0, le=1000)
    days: int | None = Field(0, ge=0, le=3650)


class InSegment(Strict):
    """Member of another saved segment."""

    node: Literal["segment"] = "segment"
    segment_id: UUID


class InList(Strict):
    """One of a fixed list of contact references."""

    node: Literal["list"] = "list"
    contacts: list[UUID] = Field(max_length=100_000)


class Group(Strict):
    """`all`: every rule holds; `any`: at least one; `none`: not one."""

    node: Literal["all", "any", "none"]
    rules: list[Rule] = Field(default_factory=list, max_length=100)


Rule = Annotated[Group | Condition | Did | InSegment | InList, Field(discriminator="node")]


class Audience(Strict):
    """Who a campaign is for: everyone of `kinds` who meets all includes and no exclude.

    Ten rules at most, include and exclude together (001 BR-CAM-002.6/7). No include rule means
    nobody: an audience is never everyone by omission.
    """

    kinds: list[Literal["lead", "patient", "partner"]] = Field(["lead", "patient"], min_length=1)
    include: list[Rule] = Field(default_factory=list)
    exclude: list[Rule] = Field(default_factory=list, validate_default=True)

    @field_validator("exclude")
    @classmethod
    def _ten_at_most(cls, exclude: list[Rule], info: object) -> list[Rule]:
        include = getattr(info, "data", {}).get("include", [])
        if len(include) + len(exclude) > 10:
            raise ValueError("An audience takes ten rules at most, include and exclude together.")
        return exclude


Group.model_rebuild()
Audience.model_rebuild()
