"""What callers see of a forecast: what it assumes, what it finds, how two differ (BLD-9)."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Literal

from pydantic import Field

from services.contracts.envelope import Strict

Behaviour = Literal["goal", "opened", "clicked", "replied", "other_event", "left"]
BEHAVIOURS: tuple[Behaviour, ...] = ("goal", "opened", "clicked", "replied", "other_event", "left")
MOST_DAYS = 366


class Given(Strict):
    """What a person says instead of history or our assumption: shares of a hundred after each
    message, and for journeys that events or staff start, how many people a day."""

    goal: float | None = Field(None, ge=0, le=100)
    opened: float | None = Field(None, ge=0, le=100)
    clicked: float | None = Field(None, ge=0, le=100)
    replied: float | None = Field(None, ge=0, le=100)
    other_event: float | None = Field(None, ge=0, le=100)
    left: float | None = Field(None, ge=0, le=100)
    a_day: float | None = Field(None, ge=0, le=100_000)


@dataclass(frozen=True, slots=True)
class Rate:
    """How many do something: `share` from 0 to 1 (for `a_day`: people a day), half of them within
    `half_hours`, all within `whole_hours`. `source` says where it is from; `seen` how many
    messages (for `a_day`: days) the practice's own history has for it."""

    name: str
    share: float
    source: Literal["given", "history", "assumed"]
    seen: int = 0
    half_hours: float = 24
    whole_hours: float = 168


@dataclass(frozen=True, slots=True)
class Rates:
    """Every behaviour a forecast reckons with."""

    by_name: dict[str, Rate]

    def share(self, name: str) -> float:
        return self.by_name[name].share if name in self.by_name else 0.0

    @staticmethod
    def nobody_acts() -> "Rates":
        """Nobody books, opens, answers or leaves: the journey by itself."""
        return Rates({name: Rate(name, 0.0, "given") for name in (*BEHAVIOURS, "a_day")})


@dataclass
class StepFlow:
    """One step over the whole time. Counts are visits: in a circle a person has several. `ways` is
    people by port; `refused` messages by reason; `held` wait for a release that has no date."""

    step_id: str
    title: str
    kind: str
    arrived: int = 0
    sent: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    held: int = 0
    left: Counter[str] = field(default_factory=Counter)
    waiting: int = 0
    finished: int = 0
    ways: Counter[str] = field(default_factory=Counter)
    first: date | None = None
    last: date | None = None


@dataclass
class Day:
    """One day in the practice's zone. `requested` messages are decided that day, `goes_out` reach
    people that day (quiet hours put some off to the next)."""

    day: date
    entered: int = 0
    requested: int = 0
    goes_out: int = 0
    refused: int = 0
    goals: int = 0
    left: int = 0
    finished: int = 0


@dataclass(frozen=True, slots=True)
class Link:
    """People from one step to the next, for the picture. Targets in capitals are ends."""

    source: str
    target: str
    people: int


@dataclass
class Forecast:
    """`audience` people were looked at, `entered` came in; those on their way already are in
    `on_the_way`. `first_day` to `last_day` is the whole time looked at, in the practice's zone."""

    started_at: datetime
    zone: str
    first_day: date
    last_day: date
    audience: int = 0
    entered: int = 0
    on_the_way: int = 0
    refused_entry: Counter[str] = field(default_factory=Counter)
    steps: list[StepFlow] = field(default_factory=list)
    days: list[Day] = field(default_factory=list)
    links: list[Link] = field(default_factory=list)
    rates: list[Rate] = field(default_factory=list)
    limits: list[str] = field(default_factory=list)
    sent_per_day: Counter[tuple[date, str]] = field(default_factory=Counter)
    refused_per_day: Counter[tuple[date, str, str]] = field(default_factory=Counter)

    @property
    def requested(self) -> int:
        return sum(step.sent for step in self.steps)

    @property
    def refused(self) -> Counter[str]:
        """Messages by the reason they are held back, over all steps."""
        return sum((step.refused for step in self.steps), Counter())

    @property
    def goals(self) -> int:
        return sum(day.goals for day in self.days)

    @property
    def left(self) -> int:
        return sum(day.left for day in self.days)

    @property
    def finished(self) -> int:
        return sum(day.finished for day in self.days)

    @property
    def busiest(self) -> Day | None:
        return max(self.days, key=lambda day: day.goes_out, default=None)


@dataclass(frozen=True, slots=True)
class Difference:
    """One number in two forecasts; `what` is said as people read it."""

    what: str
    one: int
    other: int


@dataclass(frozen=True, slots=True)
class Compared:
    """Two versions over the same people, the same days and the same behaviour."""

    one: Forecast
    other: Forecast
    differences: list[Difference]


class StepView(Strict):
    """One step over the whole time; `refused` by reason, `ways` by port."""

    step_id: str
    title: str
    kind: str
    arrived: int
    sent: int
    refused: dict[str, int]
    held: int
    left: dict[str, int]
    waiting: int
    ways: dict[str, int]
    first_day: date | None
    last_day: date | None


class DayView(Strict):
    """One day in the practice's zone."""

    day: date
    entered: int
    requested: int
    goes_out: int
    refused: int
    goals: int
    left: int
    finished: int


class RateView(Strict):
    """What people are expected to do: `share` from 0 to 1, or people a day."""

    name: str
    share: float
    source: str
    seen: int


class ForecastView(Strict):
    """A forecast on the wire. Counts of people and messages; no person can be told from it."""

    started_at: datetime
    first_day: date
    last_day: date
    audience: int
    entered: int
    on_the_way: int
    requested: int
    refused: dict[str, int]
    refused_entry: dict[str, int]
    goals: int
    left: int
    finished: int
    steps: list[StepView]
    days: list[DayView]
    rates: list[RateView]
    limits: list[str]
