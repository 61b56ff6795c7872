"""What a forecast counts: people by step, way, day and reason."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from services.contracts.journey import GoalStep, Message, Step
from services.contracts.step_names import step_name
from services.engine.plan import Plan
from services.forecast.contracts import Forecast, StepFlow
from services.forecast.places import Place
from services.forecast.rules import in_order


@dataclass
class Tally:
    """Where people came and what became of them, and who is still to be moved: `pending` holds, by
    step, the places where people are who come to it."""

    plan: Plan
    found: Forecast
    steps: dict[str, StepFlow] = field(default_factory=dict)
    pending: dict[str, list[Place]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for step in in_order(self.plan.journey):
            self.steps[step.id] = StepFlow(step.id, step_name(step), step.kind)

    def count(self, step: Step, place: Place | None, rows: list[Any]) -> None:
        flow = self.steps[step.id]
        for row in rows:
            flow.arrived += row.people * (row.outcome != "later")
            if self._stayed(flow, row):
                continue
            _seen(flow, row.day)
            flow.ways[row.detail] += row.people
            target = self.plan.target(step, row.detail) if row.detail else None
            if target is None:
                flow.finished += row.people
                self._day(row.day).finished += row.people
            elif place:
                self.goes(target.id, place)
        if isinstance(step, GoalStep):
            for row in rows:
                if row.outcome == "way":
                    self._day(row.day).goals += row.people

    def count_message(self, step: Message, place: Place, rows: list[Any]) -> None:
        flow, target = self.steps[step.id], self.plan.target(step, "next")
        for row in rows:
            flow.arrived += row.people * (row.outcome != "later")
            if self._stayed(flow, row):
                continue
            _seen(flow, row.day)
            day = self._day(row.day)
            if row.outcome == "sent":
                flow.sent += row.people
                day.requested += row.people
                self._day(row.out_day).goes_out += row.people
                self.found.sent_per_day[row.day, step.id] += row.people
            else:
                flow.refused[row.detail] += row.people
                day.refused += row.people
                self.found.refused_per_day[row.day, step.id, row.detail] += row.people
            match row.outcome:
                case "refused:again":
                    self.goes(step.id, place)
                case "refused:hold":
                    flow.held += row.people
                case "refused:exit":
                    flow.ways["exit"] += row.people
                case _ if target is None:
                    flow.ways["next"] += row.people
                    flow.finished += row.people
                    day.finished += row.people
                case _:
                    flow.ways["next"] += row.people
                    self.goes(target.id, place)

    def entered(self, rows: list[Any], place: Place, first: Step | None) -> None:
        """Count who came in, and send them to the first step."""
        flow = self.steps[self.plan.entry.id]
        for row in rows:
            if row.reason is not None:
                self.found.refused_entry[row.reason] += row.people
                continue
            self.found.entered += row.people
            self._day(row.day).entered += row.people
            flow.arrived += row.people * (first is None or first.id != flow.step_id)
            _seen(flow, row.day)
            if first is None:
                self._day(row.day).finished += row.people
                continue
            flow.ways["next"] += row.people * (first.id != flow.step_id)
            self.goes(first.id, place)

    def _stayed(self, flow: StepFlow, row: Any) -> bool:
        if row.outcome in ("left", "later"):
            if row.outcome == "left":
                flow.left[row.detail] += row.people
            day = self._day(row.day)
            if row.detail == "goal":
                day.goals += row.people
            else:
                day.left += row.people
        elif row.outcome == "waiting":
            flow.waiting += row.people
        else:
            return False
        return True

    def goes(self, step_id: str, place: Place) -> None:
        places = self.pending.setdefault(step_id, [])
        if place not in places:
            places.append(place)

    def _day(self, day: date) -> Any:
        at = (day - self.found.first_day).days
        return self.found.days[min(max(at, 0), len(self.found.days) - 1)]


def _seen(flow: StepFlow, day: date) -> None:
    flow.first = min(flow.first or day, day)
    flow.last = max(flow.last or day, day)
