"""Ambient activity: now and then something ordinary happens to somebody (off unless a rate is set)."""

from uuid import UUID

from services.contracts.platform_api import Happening, Simulate, Simulated
from services.kit.actor import system
from services.kit.chance import Chance, id_at
from services.kit.uow import UnitOfWork
from services.neighbours.platform.simulator.service import simulate

WEIGHTS: dict[str, dict[Happening, int]] = {
    "patient": {
        "book": 30, "attend": 20, "cancel": 6, "no_show": 5, "reschedule": 6, "consent_revoke": 2,
        "proposal_created": 6, "proposal_stalled": 4, "loyalty_milestone": 5, "careplan_nudge": 3,
        "recall_enrol": 3, "recall_exit": 3,
    },
    "lead": {
        "book": 14, "lead_cold": 16, "nurture_eligible": 10, "opportunity_lost": 8,
        "opportunity_converted": 6, "opportunity_deferred": 4, "emergency_lead": 2, "consent_revoke": 2,
        "concierge_recovery": 3, "concierge_no_answer": 3,
    },
}  # fmt: skip


async def ambient_once(uow: UnitOfWork, practice_id: UUID, chance: Chance) -> Simulated | None:
    """One ordinary happening to one person drawn from `chance`; None when nobody was found."""
    async with uow(system(practice_id, "platform")) as u:
        found = await u.execute(
            "SELECT contact_id, kind FROM canonical.contact WHERE practice_id = :practice"
            " AND kind IN ('lead', 'patient') AND NOT deceased AND NOT do_not_contact"
            " AND contact_id >= :pivot ORDER BY contact_id LIMIT 1",
            practice=practice_id,
            # Ids sort by the time people came: any moment up to now is a place to start looking.
            pivot=id_at(chance, chance.uniform(u.now.timestamp() - 10 * 365 * 86_400, u.now.timestamp())),
        )
        person = found.one_or_none()
        if person is None:
            return None
        weights = WEIGHTS[person.kind]
        what = chance.choices(list(weights), list(weights.values()))[0]
        asked = Simulate(practice_id=practice_id, contact_id=person.contact_id, what=what)
        return await simulate(u, asked)
