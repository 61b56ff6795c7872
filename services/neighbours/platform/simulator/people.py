"""Consent, recall, concierge, loyalty, care plans and erasure, acted out."""

from datetime import timedelta
from functools import partial
from typing import Any

from services.contracts.platform_api import Happening, Simulate
from services.kit.errors import Invalid, NotFound
from services.kit.ids import new_id
from services.kit.uow import Unit
from services.neighbours.platform.records import ALL_CHANNELS, grant, insert, revoke


async def consent(u: Unit, asked: Simulate) -> None:
    channels = ALL_CHANNELS if asked.channel == "all" else (asked.channel,)
    await grant(
        u, [(asked.contact_id, channel) for channel in channels],
        purpose=asked.purpose, method="reception", evidence="Asked and noted at reception",
        effective_at=u.now,
    )  # fmt: skip


async def withdraw(u: Unit, asked: Simulate) -> None:
    await revoke(
        u, asked.contact_id, channel=asked.channel, purpose=asked.purpose,
        method="reception", evidence="Asked and noted at reception",
    )  # fmt: skip


async def recall(u: Unit, asked: Simulate, event: str, **more: str) -> None:
    at = "enrolled_at" if event == "recall.patient.enrolled" else "ended_at"
    _say(u, asked, event, "patient_id", journey_id="six_month_recall", **{at: u.now.isoformat()}, **more)


async def concierge(u: Unit, asked: Simulate, event: str) -> None:
    _say(u, asked, event, "contact_id", goal=asked.goal or "booking")


async def handoff(u: Unit, asked: Simulate) -> None:
    _say(
        u, asked, "loyalty.handoff.campaign_eligible", "patient_id",
        handoff_id=str(new_id()), campaign_type=(asked.campaign_types or ["loyalty"])[0], priority=1,
        reason="tier_reached", expires_at=(u.now + timedelta(days=max(1, asked.days))).isoformat(),
    )  # fmt: skip


async def milestone(u: Unit, asked: Simulate) -> None:
    await insert(u, "canonical.loyalty", [_member(u, asked)], once=True)
    await u.execute(
        "UPDATE canonical.loyalty SET points = points + 100"
        " WHERE practice_id = :practice AND contact_id = :contact",
        practice=u.practice_id, contact=asked.contact_id,
    )  # fmt: skip
    _say(u, asked, "loyalty.milestone.reached", "patient_id", name="100_points")


async def anniversary(u: Unit, asked: Simulate) -> None:
    _say(u, asked, "loyalty.anniversary", "patient_id", name="years_with_us", years=1)


def _member(u: Unit, asked: Simulate) -> dict[str, Any]:
    return {"contact_id": asked.contact_id, "tier": "bronze", "points": 0, "joined_on": u.now.date()}


async def care_plan(u: Unit, asked: Simulate, event: str, status: str) -> None:
    row = {"contact_id": asked.contact_id, "plan": "Essential care", "status": status}
    await insert(u, "canonical.care_plan", [row], once=True)
    _say(u, asked, event, "patient_id", plan="Essential care")


async def erase(u: Unit, asked: Simulate) -> None:
    """Everything that names the person goes; what remains is a row that may not be contacted."""
    for table in ("consent", "consent_history", "engagement", "loyalty", "care_plan", "proposal"):
        await u.execute(
            f"DELETE FROM canonical.{table} WHERE practice_id = :practice AND contact_id = :contact",
            practice=u.practice_id, contact=asked.contact_id,
        )  # fmt: skip
    await u.execute(
        "UPDATE canonical.contact SET first_name = '', last_name = '', email = NULL, phone = NULL,"
        " date_of_birth = NULL, gender = '', postcode = '', company = '', source_ref = '',"
        " identity_hash = '', household_id = NULL, app_user = false, whatsapp_verified = false,"
        " do_not_contact = true WHERE practice_id = :practice AND contact_id = :contact",
        practice=u.practice_id, contact=asked.contact_id,
    )  # fmt: skip
    _say(u, asked, "contact.erased", "contact_id")


async def merge(u: Unit, asked: Simulate) -> None:
    """Two records of one person become one: history moves, consent stays where it was given."""
    if asked.other_id is None or asked.other_id == asked.contact_id:
        raise Invalid("Say which record lives on.")
    known = await u.execute(
        "SELECT 1 FROM canonical.contact WHERE practice_id = :practice AND contact_id = :into"
        " AND merged_into IS NULL FOR UPDATE",
        practice=u.practice_id, into=asked.other_id,
    )  # fmt: skip
    if known.one_or_none() is None:
        raise NotFound("The record that should live on is not in this practice.")
    for table in ("appointment", "opportunity", "proposal", "engagement"):
        await u.execute(
            f"UPDATE canonical.{table} SET contact_id = :into"
            " WHERE practice_id = :practice AND contact_id = :contact",
            into=asked.other_id, practice=u.practice_id, contact=asked.contact_id,
        )  # fmt: skip
    await u.execute(
        "UPDATE canonical.contact SET merged_into = :into, do_not_contact = true"
        " WHERE practice_id = :practice AND contact_id = :contact",
        into=asked.other_id, practice=u.practice_id, contact=asked.contact_id,
    )  # fmt: skip
    data = {
        "contact_id": str(asked.other_id), "merged_id": str(asked.contact_id),
        "practice_id": str(u.practice_id),
    }  # fmt: skip
    u.emit("contact.merged", data, contact_id=asked.contact_id)


PLAYS: dict[Happening, Any] = {
    "consent_grant": consent,
    "consent_revoke": withdraw,
    "recall_enrol": partial(recall, event="recall.patient.enrolled"),
    "recall_complete": partial(recall, event="recall.journey.completed", exit_reason="completed"),
    "recall_exit": partial(recall, event="recall.patient.exited", exit_reason="left"),
    "concierge_recovery": partial(concierge, event="concierge.recovery.started"),
    "concierge_reached": partial(concierge, event="concierge.contact.reached"),
    "concierge_accepted": partial(concierge, event="concierge.contact.accepted"),
    "concierge_declined": partial(concierge, event="concierge.contact.declined"),
    "concierge_no_answer": partial(concierge, event="concierge.contact.no_answer"),
    "loyalty_handoff": handoff,
    "loyalty_milestone": milestone,
    "loyalty_anniversary": anniversary,
    "careplan_nudge": partial(care_plan, event="careplan.enrolment_nudge", status="eligible"),
    "careplan_upgrade": partial(care_plan, event="careplan.upgrade_recommended", status="active"),
    "contact_merged": merge,
    "contact_erased": erase,
}


def _say(u: Unit, asked: Simulate, event: str, whose: str, **more: Any) -> None:
    data = {whose: str(asked.contact_id), "practice_id": str(u.practice_id), **more}
    u.emit(event, data, contact_id=asked.contact_id)
