"""Appointment Manager, acted out: bookings and what becomes of them."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from services.contracts.platform_api import Happening, Simulate
from services.kit.ids import new_id
from services.kit.uow import Unit
from services.neighbours.platform.records import insert

OPENING = 10  # o'clock UTC at which a simulated booking starts
COLUMNS = "appointment_id, kind, starts_at, value"


async def book(u: Unit, asked: Simulate) -> None:
    appointment = await _make(u, asked, "booked", days=max(1, asked.days))
    await u.execute(
        "UPDATE canonical.contact SET lead_status = 'booked'"
        " WHERE practice_id = :practice AND contact_id = :contact AND kind = 'lead'",
        practice=u.practice_id, contact=asked.contact_id,
    )  # fmt: skip
    _say(u, asked.contact_id, "booked", appointment)


async def reschedule(u: Unit, asked: Simulate) -> None:
    held = await _next(u, asked)
    moved = await u.execute(
        f"UPDATE canonical.appointment SET starts_at = starts_at + :by WHERE practice_id = :practice"
        f" AND appointment_id = :id RETURNING {COLUMNS}",
        practice=u.practice_id, id=held["appointment_id"], by=timedelta(days=max(1, asked.days)),
    )  # fmt: skip
    _say(u, asked.contact_id, "rescheduled", dict(moved.one()._mapping))


async def cancel(u: Unit, asked: Simulate) -> None:
    _say(u, asked.contact_id, "cancelled", await _end(u, await _next(u, asked), "cancelled"))


async def attend(u: Unit, asked: Simulate) -> None:
    _say(u, asked.contact_id, "attended", await _end(u, await _next(u, asked), "attended"))


async def miss(u: Unit, asked: Simulate) -> None:
    _say(u, asked.contact_id, "no_show", await _end(u, await _next(u, asked), "no_show"))


PLAYS: dict[Happening, Any] = {
    "book": book, "reschedule": reschedule, "cancel": cancel, "attend": attend, "no_show": miss,
}  # fmt: skip


async def _next(u: Unit, asked: Simulate) -> dict[str, Any]:
    """The person's booked appointment that comes first; one is made when there is none."""
    found = await u.execute(
        f"SELECT {COLUMNS} FROM canonical.appointment WHERE practice_id = :practice"
        " AND contact_id = :contact AND status = 'booked' ORDER BY starts_at LIMIT 1 FOR UPDATE",
        practice=u.practice_id, contact=asked.contact_id,
    )  # fmt: skip
    row = found.one_or_none()
    return dict(row._mapping) if row else await _make(u, asked, "booked", days=1)


async def _end(u: Unit, appointment: dict[str, Any], status: str) -> dict[str, Any]:
    """Close an appointment; one that is attended or missed has started by now."""
    done = await u.execute(
        "UPDATE canonical.appointment SET status = CAST(:status AS text), starts_at ="
        " CASE WHEN :status = 'cancelled' THEN starts_at ELSE least(starts_at, :now) END,"
        " booked_at = least(booked_at, :now) WHERE practice_id = :practice AND appointment_id = :id"
        f" RETURNING {COLUMNS}",
        practice=u.practice_id, id=appointment["appointment_id"], status=status, now=u.now,
    )  # fmt: skip
    return dict(done.one()._mapping)


async def _make(u: Unit, asked: Simulate, status: str, *, days: int) -> dict[str, Any]:
    starts = (u.now + timedelta(days=days)).replace(hour=OPENING, minute=0, second=0, microsecond=0)
    row = {
        "appointment_id": new_id(), "contact_id": asked.contact_id, "kind": "check_up",
        "status": status, "booked_at": u.now, "starts_at": starts, "treatment": "",
        "value": 60.0 if asked.value is None else asked.value,
    }  # fmt: skip
    await insert(u, "canonical.appointment", [row])
    return row


def _say(u: Unit, contact_id: UUID, what: str, appointment: dict[str, Any]) -> None:
    data = {
        "appointment_id": str(appointment["appointment_id"]), "patient_id": str(contact_id),
        "practice_id": str(u.practice_id), "kind": appointment["kind"],
        "starts_at": appointment["starts_at"].isoformat(), "value": float(appointment["value"]),
    }  # fmt: skip
    u.emit(f"appointment.{what}", data, contact_id=contact_id)
