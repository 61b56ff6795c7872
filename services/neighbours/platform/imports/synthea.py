"""Synthea's patients and encounters as patients and attended visits; reachable in the app only."""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any
from uuid import UUID

from services.kit.errors import Invalid
from services.neighbours.platform.imports.leads import Problem
from services.neighbours.platform.imports.reading import Table, read_table, unpack
from services.neighbours.platform.imports.rules import without_digits

GENDERS = {"M": "male", "F": "female"}
PATIENT_COLUMNS = {"Id", "BIRTHDATE", "DEATHDATE", "FIRST", "LAST", "GENDER", "ZIP"}
VISIT_COLUMNS = {"Id", "START", "PATIENT", "ENCOUNTERCLASS"}
KINDS = {"wellness": "check_up", "emergency": "emergency", "urgentcare": "emergency"}
VISIT_VALUE = 60
"""Pounds. Synthea's costs are of American hospitals and mean nothing here."""


@dataclass
class Patients:
    contacts: list[dict[str, Any]] = field(default_factory=list)
    visits: list[dict[str, Any]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    rows: int = 0
    errors: int = 0


def tables(archive: bytes) -> tuple[Table, Table | None]:
    """The patients and, when given, the encounters of an archive. Raises Invalid."""
    files = unpack(archive)
    if "patients.csv" not in files:
        raise Invalid("patients.csv is missing; upload it together with encounters.csv.")
    patients = _table(files["patients.csv"], PATIENT_COLUMNS, "patients.csv")
    visits = files.get("encounters.csv")
    return patients, _table(visits, VISIT_COLUMNS, "encounters.csv") if visits else None


def _table(content: bytes, needed: set[str], name: str) -> Table:
    table = read_table(content)
    missing = needed - set(table.headers)
    if missing:
        raise Invalid(f"{name} has no column {', '.join(sorted(missing))}; is it Synthea's own export?")
    return table


def read_patients(patients: Table, visits: Table | None, now: datetime, archive: str) -> Patients:
    """People and their past visits. Synthea's ids are kept, so a second import finds them again."""
    found = Patients(rows=len(patients.rows) + (len(visits.rows) if visits else 0))
    starts: dict[str, datetime] = {}
    for number, row in enumerate(visits.records() if visits else [], 1):
        visit = _visit(row, now)
        if isinstance(visit, str):
            found.errors += 1
            found.problems.append(Problem(number, "encounter", "error", visit))
            continue
        found.visits.append(visit)
        person = str(visit["contact_id"])
        starts[person] = min(visit["starts_at"], starts.get(person, visit["starts_at"]))
    for number, row in enumerate(patients.records(), 1):
        contact = _contact(row, starts, now, archive)
        if isinstance(contact, str):
            found.errors += 1
            found.problems.append(Problem(number, "patient", "error", contact))
        else:
            found.contacts.append(contact)
    known = {contact["contact_id"] for contact in found.contacts}
    strays = [visit for visit in found.visits if visit["contact_id"] not in known]
    found.visits = [visit for visit in found.visits if visit["contact_id"] in known]
    if strays:
        found.errors += len(strays)
        found.problems.append(
            Problem(0, "encounter", "error", f"{len(strays)} visits name no patient of this file.")
        )
    return found


def _contact(
    row: dict[str, str], starts: dict[str, datetime], now: datetime, archive: str
) -> dict[str, Any] | str:
    try:
        contact_id, born = UUID(row["Id"]), date.fromisoformat(row["BIRTHDATE"])
    except ValueError as error:
        return f"This patient cannot be read: {error}."
    return {
        "contact_id": contact_id, "kind": "patient", "first_name": without_digits(row["FIRST"]),
        "last_name": without_digits(row["LAST"]), "date_of_birth": born,
        "gender": GENDERS.get(row["GENDER"], ""), "app_user": True, "postcode": row["ZIP"],
        "deceased": bool(row["DEATHDATE"]), "source_system": "synthea", "source_list": archive,
        "source_ref": row["Id"], "registered_at": min(now, starts.get(str(contact_id), now)),
        "whatsapp_verified": False, "locale": "en-GB", "timezone": "Europe/London",
    }  # fmt: skip


def _visit(row: dict[str, str], now: datetime) -> dict[str, Any] | str:
    try:
        visit_id, person = UUID(row["Id"]), UUID(row["PATIENT"])
        starts = datetime.fromisoformat(row["START"])
    except ValueError as error:
        return f"This encounter cannot be read: {error}."
    if starts.tzinfo is None or starts > now:
        return f"This encounter starts at {row['START']}, which is not a past moment with a time zone."
    kind = KINDS.get(row["ENCOUNTERCLASS"], "treatment")
    return {
        "appointment_id": visit_id, "contact_id": person, "kind": kind, "status": "attended",
        "treatment": "", "booked_at": starts, "starts_at": starts, "value": VISIT_VALUE,
    }  # fmt: skip
