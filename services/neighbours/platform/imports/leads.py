"""Rows of a CRM's export as leads: what comes in, what is refused, and why (AUD-7; no I/O)."""

import hashlib
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any
from uuid import UUID

from services.contracts.journey import Channel
from services.contracts.platform_api import ConfirmImport, ConsentDeclaration, LeadField, Severity
from services.kit.ids import new_id
from services.neighbours.platform.imports import rules
from services.neighbours.platform.imports.addresses import Checked, check_email, check_phone

RANK: dict[Severity, int] = {"note": 0, "warning": 1, "error": 2}
OWN_COLUMNS: dict[LeadField, Channel] = {
    "consent_email": "email",
    "consent_sms": "sms",
    "consent_whatsapp": "whatsapp",
}
DATE_FORMATS = ("%Y-%m-%d", "%d/%m/%Y", "%d-%m-%Y", "%d.%m.%Y", "%d %b %Y", "%d %B %Y", "%Y/%m/%d")


@dataclass(frozen=True, slots=True)
class Problem:
    row_number: int
    field: str
    severity: Severity
    problem: str


@dataclass(slots=True)
class Lead:
    """One person to write. `granted` are the channels with declared consent."""

    row_number: int
    contact_id: UUID
    columns: dict[str, Any]
    identity: str
    opportunity: dict[str, Any] | None
    granted: list[str]


@dataclass
class Reading:
    """A file read as leads. `duplicates` counts rows that repeat an earlier one of the file."""

    leads: list[Lead] = field(default_factory=list)
    problems: dict[tuple[int, str], Problem] = field(default_factory=dict)
    duplicates: int = 0
    errors: int = 0

    def report(self, row: int, name: str, severity: Severity, sentence: str) -> None:
        """Keep the gravest problem of a row's field, with the sentences of both."""
        earlier = self.problems.get((row, name))
        if earlier:
            severity = max(severity, earlier.severity, key=RANK.__getitem__)
            sentence = f"{earlier.problem} {sentence}"
        self.problems[row, name] = Problem(row, name, severity, sentence)

    @property
    def warned_rows(self) -> int:
        """Rows that came in with something left out."""
        wrong = {row for (row, _), p in self.problems.items() if p.severity == "warning"}
        return len(wrong & {lead.row_number for lead in self.leads})


def identity_hash(email: str) -> str:
    """What duplicates are told by: 16 hex digits of the lower-case address's SHA-256."""
    return hashlib.sha256(email.lower().encode()).hexdigest()[:16]


@dataclass(frozen=True)
class LeadReader:
    """Reads rows by a confirmed mapping. `now` is when the import happens."""

    confirm: ConfirmImport
    file_name: str
    now: datetime

    def read(self, records: list[dict[str, str]]) -> Reading:
        reading, seen = Reading(), dict[str, int]()
        for number, record in enumerate(records, 1):
            lead = self._lead(number, record, reading)
            if lead is None:
                reading.errors += 1
            elif lead.identity in seen:
                reading.duplicates += 1
                first = seen[lead.identity]
                reading.report(
                    number, "email", "error", f"The same person as row {first}; not imported again."
                )
            else:
                if lead.identity:
                    seen[lead.identity] = number
                reading.leads.append(lead)
        return reading

    def _value(self, record: dict[str, str], name: LeadField) -> str:
        return record.get(self.confirm.mapping.get(name, ""), "").strip()

    def _lead(self, number: int, record: dict[str, str], reading: Reading) -> Lead | None:
        email = self._best(number, record, reading, "email")
        phone = self._best(number, record, reading, "phone")
        if not email and not phone:
            reading.report(
                number, "row", "error", "No usable email address or phone number: nobody to reach."
            )
            return None
        first, last = self._value(record, "first_name"), self._value(record, "last_name")
        if not first and not last:
            first, last = rules.split_name(self._value(record, "full_name"))
        if not first and not last:
            reading.report(number, "name", "error", "No name.")
            return None
        contact_id = new_id()
        opportunity = self._opportunity(number, record, reading, contact_id)
        identity = identity_hash(email or f"tel:{phone}")
        touched = self._date(number, record, reading, "first_touch_at")
        columns = {
            "contact_id": contact_id, "kind": "lead", "first_name": first[:200], "last_name": last[:200],
            "email": email, "phone": phone, "company": self._value(record, "company"),
            "postcode": self._value(record, "postcode"),
            "date_of_birth": self._date(number, record, reading, "date_of_birth"),
            "lead_status": opportunity["stage"] if opportunity else "new",
            "source_system": "csv_import", "source_list": self.file_name,
            "source_ref": self._value(record, "source_ref"),
            "source_channel": self._value(record, "source_channel"),
            "utm_campaign": self._value(record, "utm_campaign"),
            "utm_content": self._value(record, "utm_content"), "identity_hash": identity,
            "first_touch_at": _midnight(touched) if touched else self.now, "registered_at": self.now,
        }  # fmt: skip
        granted = self._granted(number, record, reading)
        return Lead(number, contact_id, columns, identity, opportunity, granted)

    def _best(self, number: int, record: dict[str, str], reading: Reading, kind: LeadField) -> str | None:
        """The first usable address of a kind; what is wrong with the others is kept."""
        second: LeadField = "email_2" if kind == "email" else "phone_2"
        for name in (kind, second):
            found = self._checked(kind, self._value(record, name))
            if found.problem:
                reading.report(number, name, "warning", found.problem)
            if found.note:
                reading.report(number, name, "note", found.note)
            if found.value:
                return found.value
        return None

    def _checked(self, kind: LeadField, text: str) -> Checked:
        return check_email(text) if kind == "email" else check_phone(text, self.confirm.default_region)

    def _opportunity(
        self, number: int, record: dict[str, str], reading: Reading, contact_id: UUID
    ) -> dict[str, Any] | None:
        if not {"stage", "stack", "treatment", "value"} & self.confirm.mapping.keys():
            return None
        named = self._value(record, "stage")
        known = rules.stage_of(named) if named else ("new", "open")
        if known is None:
            reading.report(number, "stage", "warning", f"The stage “{named}” is not known; taken as open.")
            known = (rules.stack_of(named), "open")
        stage, outcome = known
        return {
            "opportunity_id": new_id(), "contact_id": contact_id, "stage": stage, "outcome": outcome,
            "stack": rules.stack_of(self._value(record, "stack")),
            "treatment": self._value(record, "treatment"),
            "value": self._amount(number, record, reading), "opened_at": self.now,
            "closed_at": None if outcome in ("open", "deferred") else self.now,
        }  # fmt: skip

    def _amount(self, number: int, record: dict[str, str], reading: Reading) -> float:
        text = self._value(record, "value").strip("£$€ ").replace(",", "")
        if not text:
            return 0.0
        try:
            amount = float(text)
        except ValueError:
            amount = -1.0
        if not 0 <= amount < 1e8:
            reading.report(number, "value", "warning", f"“{text}” is not an amount; left out.")
            return 0.0
        return round(amount, 2)

    def _date(self, number: int, record: dict[str, str], reading: Reading, name: LeadField) -> date | None:
        text = self._value(record, name)
        for form in DATE_FORMATS if text else ():
            try:
                found = datetime.strptime(text[:10] if form == "%Y-%m-%d" else text, form).replace(tzinfo=UTC)
            except ValueError:
                continue
            if found <= self.now:
                return found.date()
        if text:
            reading.report(number, name, "warning", f"“{text}” is not a past date; left out.")
        return None

    def _granted(self, number: int, record: dict[str, str], reading: Reading) -> list[str]:
        """Channels this row has consent for: declared for all, or as its own columns say (D21)."""
        declared: ConsentDeclaration | None = self.confirm.consent
        mapped = self.confirm.mapping.keys()
        granted = list(declared.channels) if declared else []
        if "consent" in mapped and not self._yes(number, record, reading, "consent"):
            granted = []
        for name, channel in OWN_COLUMNS.items():
            if name in mapped:
                granted = [c for c in granted if c != channel]
                if self._yes(number, record, reading, name):
                    granted.append(channel)
        return list[str](granted)

    def _yes(self, number: int, record: dict[str, str], reading: Reading, name: LeadField) -> bool:
        text = self._value(record, name)
        answer = rules.said_yes(text)
        if answer is None:
            reading.report(number, name, "warning", f"“{text}” is neither yes nor no; taken as no consent.")
        return bool(answer)


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC)
