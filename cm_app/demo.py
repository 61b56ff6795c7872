"""Three campaigns for the demonstration practice: one that runs, one that waits for approval, one draft.

They are made through the same services as everybody's, by the demo people themselves, so that
their history reads like a practice's own.
"""

from uuid import UUID

from services.access.service import ROLES
from services.bootstrap import App
from services.campaigns.service import approve, create, request_approval
from services.kit.actor import Actor, system

RUNNING = ("demo-recall", "Time for a check-up", "recall_lapsed")
WAITING = ("demo-whitening", "Summer whitening", "whitening_promotion")
DRAFT = ("demo-missed", "After a missed appointment", "missed_appointment")

PERSON = (
    "SELECT person_id, display_name FROM cm.person WHERE practice_id = :practice AND lower(login) = :login"
)
KNOWN = "SELECT external_key FROM cm.campaign WHERE practice_id = :practice AND external_key IS NOT NULL"


async def ensure_demo_campaigns(app: App, practice_id: UUID) -> int:
    """Make what is missing; returns how many campaigns were made. Needs the demo people."""
    maya = await _person(app, practice_id, "maya", "marketer")
    alex = await _person(app, practice_id, "alex", "approver")
    if maya is None or alex is None:
        return 0
    async with app.uow(maya) as u:
        known = set((await u.execute(KNOWN, practice=practice_id)).scalars())
    made = 0
    for key, name, template in (DRAFT, WAITING, RUNNING):
        if key in known:
            continue
        async with app.uow(maya) as u:
            campaign = await create(u, name=name, template_key=template, external_key=key)
            made += 1
            request = None
            if key != DRAFT[0]:
                note = "Ready to go. The audience looks right to me."
                request = await request_approval(u, campaign.campaign_id, note=note)
        if key == RUNNING[0] and request is not None:
            async with app.uow(alex) as u:
                await approve(u, request.approval_id, note="Checked the words and the numbers.")
    return made


async def _person(app: App, practice_id: UUID, login: str, role: str) -> Actor | None:
    async with app.uow(system(practice_id, "system")) as u:
        row = (await u.execute(PERSON, practice=practice_id, login=login)).one_or_none()
    if row is None:
        return None
    return Actor(practice_id, f"person:{row.person_id}", ROLES[role], row.person_id, row.display_name)
