"""A slow, obvious model of audience rules over plain Python rows, to compare the SQL with.

It shares nothing with the compiler but the grammar: every field is looked up by hand.
"""

from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from services.contracts.segment import Audience, Condition, Did, Group, InList, InSegment, Rule

Row = dict[str, Any]
RECORDS = {
    "pipeline.stage": ("opportunity", "stage"),
    "pipeline.stack": ("opportunity", "stack"),
    "pipeline.outcome": ("opportunity", "outcome"),
    "pipeline.treatment": ("opportunity", "treatment"),
    "pipeline.value": ("opportunity", "value"),
    "pipeline.opened": ("opportunity", "opened_at"),
    "pipeline.closed": ("opportunity", "closed_at"),
    "pipeline.deferred_until": ("opportunity", "deferred_until"),
    "proposal.status": ("proposal", "status"),
    "proposal.value": ("proposal", "value"),
    "proposal.age_days": ("proposal", "created_at"),
    "loyalty.tier": ("loyalty", "tier"),
    "loyalty.points": ("loyalty", "points"),
    "loyalty.joined": ("loyalty", "joined_on"),
    "care_plan.status": ("care_plan", "status"),
    "care_plan.plan": ("care_plan", "plan"),
    "care_plan.started": ("care_plan", "started_on"),
}
COLUMNS = {
    "contact.kind": "kind", "contact.gender": "gender", "contact.postcode": "postcode",
    "contact.locale": "locale", "contact.company": "company", "contact.app_user": "app_user",
    "contact.registered": "registered_at", "contact.source_channel": "source_channel",
    "contact.source_system": "source_system", "contact.source_list": "source_list",
    "contact.utm_campaign": "utm_campaign", "contact.lead_status": "lead_status",
    "contact.first_touch": "first_touch_at",
}  # fmt: skip
HAS = {"contact.has_email": "email", "contact.has_phone": "phone", "contact.in_household": "household_id"}
TEXTS = {"contact.postcode", "contact.company", "contact.source_list", "contact.utm_campaign"}
POSITIVE = {"is_not": "is", "not_in": "in", "is_not_set": "is_set"}


@dataclass
class World:
    now: datetime
    zone: str
    contacts: list[Row]
    tables: dict[str, list[Row]] = field(default_factory=dict)
    segments: dict[UUID, Audience] = field(default_factory=dict)

    @property
    def today(self) -> date:
        return self.day(self.now)

    def day(self, value: date | datetime) -> date:
        return value.astimezone(ZoneInfo(self.zone)).date() if isinstance(value, datetime) else value

    def rows(self, table: str, contact: Row) -> list[Row]:
        return [r for r in self.tables.get(table, []) if r["contact_id"] == contact["contact_id"]]

    def members(self, audience: Audience) -> set[UUID]:
        alive = [c for c in self.contacts if not c["deceased"] and c["merged_into"] is None]
        return {c["contact_id"] for c in alive if self.belongs(audience, c)}

    def belongs(self, audience: Audience, contact: Row) -> bool:
        return (
            bool(audience.include)
            and contact["kind"] in audience.kinds
            and all(self.holds(rule, contact) for rule in audience.include)
            and not any(self.holds(rule, contact) for rule in audience.exclude)
        )

    def holds(self, rule: Rule, contact: Row) -> bool:
        if isinstance(rule, InList):
            return contact["contact_id"] in rule.contacts
        if isinstance(rule, InSegment):
            return self.belongs(self.segments[rule.segment_id], contact)
        if isinstance(rule, Did):
            return self.did(rule, contact)
        if isinstance(rule, Condition):
            return self.single(rule, contact)
        if rule.node == "all":
            return self.all_of(rule, contact)
        found = [self.holds(inner, contact) for inner in rule.rules]
        return any(found) if rule.node == "any" else not any(found)

    def all_of(self, group: Group, contact: Row) -> bool:
        """Conditions on one kind of record must hold of one and the same record."""
        by_table: dict[str, list[Condition]] = {}
        for rule in group.rules:
            if isinstance(rule, Condition) and rule.field in RECORDS:
                by_table.setdefault(RECORDS[rule.field][0], []).append(rule)
            elif not self.holds(rule, contact):
                return False
        for table, conditions in by_table.items():
            if all(c.op in POSITIVE for c in conditions):
                if not all(self.single(c, contact) for c in conditions):
                    return False
            elif not any(
                all(self.of_record(c, row) for c in conditions) for row in self.rows(table, contact)
            ):
                return False
        return True

    def of_record(self, condition: Condition, row: Row) -> bool:
        table_column = RECORDS[condition.field][1]
        value = row[table_column]
        if condition.field == "proposal.age_days":
            value = (self.today - self.day(value)).days
        found = self.compare(condition, value)
        return not found if condition.op in POSITIVE else found

    def single(self, condition: Condition, contact: Row) -> bool:
        found = self.positive(condition, contact)
        return not found if condition.op in POSITIVE else found

    def positive(self, condition: Condition, contact: Row) -> bool:
        name = condition.field
        if name in RECORDS:
            flipped = condition.model_copy(update={"op": POSITIVE.get(condition.op, condition.op)})
            return any(self.of_record(flipped, row) for row in self.rows(RECORDS[name][0], contact))
        if name.startswith("consent."):
            states = [r["state"] for r in self.rows("consent", contact)
                      if r["channel"] == name.split(".")[1] and r["purpose"] == "marketing"]  # fmt: skip
            return self.compare(condition, states[0] if states else "unknown")
        return self.compare(condition, self.value(name, contact))

    def value(self, name: str, contact: Row) -> Any:
        if name in COLUMNS:
            return contact[COLUMNS[name]]
        if name in HAS:
            return contact[HAS[name]] is not None
        if name in ("contact.age", "contact.birthday"):
            born = contact["date_of_birth"]
            return born if born is None or name.endswith("birthday") else age(born, self.today)
        visits = self.rows("appointment", contact)
        past = [v["starts_at"] for v in visits if v["status"] == "attended" and v["starts_at"] <= self.now]
        if name == "appointment.count_attended":
            return len(past)
        if name == "appointment.last_attended":
            return max(past, default=None)
        if name == "appointment.last_no_show":
            return max((v["starts_at"] for v in visits
                        if v["status"] == "no_show" and v["starts_at"] <= self.now), default=None)  # fmt: skip
        if name == "appointment.next_booked":
            return min((v["starts_at"] for v in visits
                        if v["status"] == "booked" and v["starts_at"] > self.now), default=None)  # fmt: skip
        kind = name.removeprefix("engagement.last_")
        assert kind in ("messaged", "opened", "clicked", "replied"), name
        return max((r["at"] for r in self.rows("engagement", contact)
                    if r["kind"] == kind and r["at"] <= self.now), default=None)  # fmt: skip

    def compare(self, condition: Condition, have: Any) -> bool:
        """The positive form of the operator; unknown is never true."""
        want, op = condition.value, POSITIVE.get(condition.op, condition.op)
        if have is None or op == "is_set":
            return have not in (None, "")
        if condition.field == "contact.birthday":
            return self.birthday(op, want, have)
        if isinstance(have, date | datetime):
            return self.compare_day(op, want, self.day(have))
        if isinstance(have, str):
            fold = str.lower if condition.field in TEXTS else str
            have, wanted = fold(have), [fold(w) for w in (want if isinstance(want, list) else [want])]
            return {"is": have in wanted, "in": have in wanted, "contains": wanted[0].lower() in have,
                    "starts_with": have.startswith(wanted[0].lower())}[op]  # fmt: skip
        if isinstance(have, bool):
            return have is want
        low, high = want if isinstance(want, list) else (want, want)
        low, high, have = Decimal(str(low)), Decimal(str(high)), Decimal(str(have))
        return {"is": have == low, "gt": have > low, "gte": have >= low, "lt": have < low,
                "lte": have <= low, "between": low <= have <= high}[op]  # fmt: skip

    def compare_day(self, op: str, want: Any, have: date) -> bool:
        ago = (self.today - have).days
        if op == "within_last_days":
            return 0 <= ago <= want
        if op == "more_than_days_ago":
            return ago > want
        if op == "within_next_days":
            return 0 <= -ago <= want
        days = [date.fromisoformat(w) for w in (want if isinstance(want, list) else [want])]
        return {"before": have < days[0], "after": have > days[0], "between": days[0] <= have <= days[-1]}[op]

    def birthday(self, op: str, want: int, born: date) -> bool:
        step = 1 if op == "within_next_days" else -1
        return any(is_birthday(born, self.today + timedelta(days=step * n)) for n in range(want + 1))

    def did(self, did: Did, contact: Row) -> bool:
        times = [at for at in self.happened(did.what, contact) if at <= self.now]
        if did.days:
            times = [at for at in times if (self.today - self.day(at)).days <= did.days]
        low = did.at_least or 0
        if did.at_most is None:
            return len(times) >= low
        return len(times) <= did.at_most and (low > did.at_most or len(times) >= low)

    def happened(self, what: str, contact: Row) -> list[datetime]:
        if what in ("opened", "clicked", "replied", "messaged"):
            return [r["at"] for r in self.rows("engagement", contact) if r["kind"] == what]
        if what.startswith("proposal"):
            rows = self.rows("proposal", contact)
            if what == "proposal_created":
                return [r["created_at"] for r in rows]
            return [r["status_at"] for r in rows if r["status"] == "accepted"]
        visits = self.rows("appointment", contact)
        if what == "booked":
            return [v["booked_at"] for v in visits]
        status = {"attended": "attended", "missed": "no_show", "cancelled": "cancelled"}[what]
        return [v["starts_at"] for v in visits if v["status"] == status]


def age(born: date, today: date) -> int:
    return today.year - born.year - ((today.month, today.day) < (born.month, born.day))


def is_birthday(born: date, day: date) -> bool:
    try:
        date(day.year, born.month, born.day)
    except ValueError:
        return (day.month, day.day) == (3, 1)
    return (born.month, born.day) == (day.month, day.day)
