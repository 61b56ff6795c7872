"""What callers see of numbers. Counts are whole; credits may be parts of one (INS-2)."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Literal, get_args

Model = Literal["first", "last", "linear", "position"]
By = Literal["channel", "variant", "version"]

MetricName = Literal[
    "entered", "requested", "refused", "accepted", "sent", "delivered", "opened", "clicked", "replied",
    "bounced", "complained", "failed", "unsubscribed", "cancelled", "completed", "exited", "converted",
]  # fmt: skip
NAMES: tuple[MetricName, ...] = get_args(MetricName)


@dataclass(frozen=True, slots=True)
class StepNumbers:
    """One step over a campaign's life. `waiting` and `held` are people there now; the rest counts
    arrivals and messages; `ports` how many left by which way out."""

    step_id: str
    waiting: int = 0
    held: int = 0
    entered: int = 0
    requested: int = 0
    refused: int = 0
    accepted: int = 0
    sent: int = 0
    delivered: int = 0
    opened: int = 0
    clicked: int = 0
    replied: int = 0
    bounced: int = 0
    complained: int = 0
    failed: int = 0
    unsubscribed: int = 0
    cancelled: int = 0
    completed: int = 0
    exited: int = 0
    converted: int = 0
    ports: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GroupNumbers:
    """Message numbers of one channel, variant or version."""

    key: str
    requested: int = 0
    sent: int = 0
    delivered: int = 0
    opened: int = 0
    clicked: int = 0
    replied: int = 0
    bounced: int = 0
    complained: int = 0
    failed: int = 0
    unsubscribed: int = 0
    converted: int = 0


@dataclass(frozen=True, slots=True)
class SeriesDay:
    """The numbers of one day (UTC), zeros included."""

    day: date
    values: dict[str, int]


@dataclass(frozen=True, slots=True)
class Attribution:
    """What a campaign is credited with, under one model.

    `revenue` is the value of opportunities won and proposals accepted; `booked_value` that of
    the appointments booked, kept apart because the same treatment may be in both. `involved`
    counts every outcome the campaign had a message before, whoever gets the credit. `by_step`:
    outcomes by the step whose message came last.
    """

    model: Model
    bookings: Decimal
    opportunities: Decimal
    revenue: Decimal
    booked_value: Decimal
    involved: int
    by_step: dict[str, int]
