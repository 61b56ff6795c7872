"""A journey as the engine walks it: where each way out leads, and when the next step is due.

Everything here is pure: it turns a step into SQL text and bound parameters, once a batch.
Columns that the expressions may use: `contact_id` and `zone` of the relation being moved.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import assert_never
from zoneinfo import ZoneInfo

from services.contracts.journey import (
    Branch,
    Entry,
    Exit,
    GoalStep,
    Journey,
    Message,
    Pace,
    SendWindow,
    Split,
    Step,
    SubCampaign,
    Wait,
    WaitEvent,
    WaitFor,
    WaitUntilDate,
    WaitUntilField,
    WaitUntilWindow,
    ports,
)
from services.engine.binding import Binding
from services.engine.windows import arrival_sql
from services.kit.errors import Invalid

# The next date of the person's own that a wait may aim at, as a scalar subquery.
DATE_FIELDS: dict[str, str] = {
    # A 29 February birthday falls on 1 March in other years, as in the audience rules.
    "contact.birthday": """(SELECT b.day + CASE WHEN to_char(c.date_of_birth, 'MMDD') = '0229'
          AND to_char(b.day, 'MMDD') = '0228' THEN 1 ELSE 0 END
        FROM canonical.contact c CROSS JOIN LATERAL (
          SELECT (c.date_of_birth + make_interval(years => extract(year FROM
            age((:now AT TIME ZONE m.zone)::date, c.date_of_birth))::integer
            + CASE WHEN to_char(c.date_of_birth, 'MMDD') = to_char(:now AT TIME ZONE m.zone, 'MMDD')
                   THEN 0 ELSE 1 END))::date AS day) b
        WHERE c.practice_id = :practice AND c.contact_id = m.contact_id)""",
    "appointment.next_booked": """(SELECT min(a.starts_at AT TIME ZONE m.zone)::date FROM canonical.appointment a
        WHERE a.practice_id = :practice AND a.contact_id = m.contact_id AND a.status = 'booked' AND a.starts_at > :now)""",
    "appointment.last_attended": """(SELECT max(a.starts_at AT TIME ZONE m.zone)::date FROM canonical.appointment a
        WHERE a.practice_id = :practice AND a.contact_id = m.contact_id AND a.status = 'attended')""",
}


@dataclass(frozen=True)
class Plan:
    """A version ready to run. Versions never change, so plans are kept as long as memory allows."""

    journey: Journey
    steps: dict[str, Step]

    @staticmethod
    def of(journey: Journey) -> "Plan":
        return Plan(journey, {step.id: step for step in journey.steps})

    @property
    def entry(self) -> Entry:
        for step in self.journey.steps:
            if isinstance(step, Entry):
                return step
        raise Invalid("This journey has no start. Add an entry step.")

    def target(self, step: Step, port: str) -> Step | None:
        for key, _, target in ports(step):
            if key == port and target is not None:
                return self.steps.get(target)
        return None

    def move(self, step: Step, binding: Binding) -> tuple[str, str]:
        """SQL of (next step id or null, its due time) by the column `m.port`."""
        nexts, dues = ["CASE m.port"], ["CASE m.port"]
        for key, _, _ in ports(step):
            target = self.target(step, key)
            if target is None:
                continue
            name = binding.add(key)
            nexts.append(f"WHEN {name} THEN CAST({binding.add(target.id)} AS text)")
            dues.append(f"WHEN {name} THEN {due_sql(target, binding)}")
        if len(nexts) == 1:
            return "CAST(NULL AS text)", "CAST(NULL AS timestamptz)"
        return " ".join([*nexts, "END"]), " ".join([*dues, "END"])


def due_sql(step: Step, binding: Binding) -> str:
    """When somebody who arrives at `step` now is due there."""
    if isinstance(step, Message) and step.pace.spread_minutes:
        calm = step.model_copy(update={"pace": Pace()})
        whole, salt = (
            binding.add(timedelta(minutes=step.pace.spread_minutes)),
            binding.add(f"spread/{step.id}"),
        )
        return f"({due_sql(calm, binding)} + {whole} * (cm.bucket({salt}, m.contact_id) / 10000.0))"
    match step:
        case Message(window=SendWindow() as window) | Wait(until=WaitUntilWindow(window=window)):
            return arrival_sql(window, binding)
        case Wait(until=WaitFor(minutes=minutes)):
            return f"(:now + {binding.add(timedelta(minutes=minutes))})"
        case Wait(until=WaitUntilDate(on=on, at=at)):
            return f"(CAST({binding.add(datetime.combine(on, at))} AS timestamp) AT TIME ZONE m.zone)"
        case Wait(until=WaitUntilField(field=name, offset_days=days, at=at)):
            day = DATE_FIELDS.get(name)
            if day is None:
                raise Invalid(f"A wait cannot aim at “{name}”: it is not a date the platform shares.")
            offset = binding.add(timedelta(days=days))
            clock = f"CAST({binding.add(at)} AS time)"
            return f"coalesce(({day} + {offset} + {clock}) AT TIME ZONE m.zone, :now)"
        case WaitEvent(timeout_minutes=minutes):
            return f"(:now + {binding.add(timedelta(minutes=minutes))})"
        case Entry() | Message() | Branch() | Split() | SubCampaign() | GoalStep() | Exit():
            return ":now"
        case _ as never:
            assert_never(never)  # type: ignore[arg-type]


def local(at: datetime, zone: str) -> datetime:
    """The wall clock of a zone, for sentences."""
    return at.astimezone(ZoneInfo(zone))
