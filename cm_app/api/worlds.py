"""Named worlds for testers (QA mode): each leaves the product in a state its name promises."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from uuid import UUID

from services.access.contracts import DemoPerson
from services.access.service import ensure_demo_people, sign_in
from services.bootstrap import App
from services.campaigns import service as campaigns
from services.kit.actor import system
from services.kit.errors import NotFound, Unavailable


@dataclass(frozen=True)
class World:
    """What a tester needs to begin: the practice, how many contacts, and who can sign in."""

    name: str
    practice_id: UUID
    contacts: int
    people: list[DemoPerson]


Loader = Callable[[App, UUID], Awaitable[World]]


async def small(app: App, practice_id: UUID) -> World:
    """The practice that is there, known to Campaign Manager, with its five demo people."""
    async with app.uow(system(practice_id, "system")) as u:
        found = await u.execute(
            "SELECT (SELECT count(*) FROM canonical.practice) AS practices,"
            " (SELECT count(*) FROM canonical.contact) AS contacts"
        )
        row = found.one()
        if row.practices == 0:
            raise Unavailable("The Practice Platform has no such practice yet. Seed it, then try again.")
    people = await ensure_demo_people(app, practice_id)
    return World("small", practice_id, row.contacts, people)


async def approval(app: App, practice_id: UUID) -> World:
    """`small`, and a campaign of the marketer that waits in the approver's inbox."""
    world = await small(app, practice_id)
    maya = next(person for person in world.people if person.role == "marketer")
    actor = (await sign_in(app, maya.login, maya.password)).actor
    async with app.uow(actor) as u:
        row = await campaigns.create(
            u, name="Welcome new patients", template_key="new_patient_welcome", external_key="qa-approval"
        )
        if row.state == "draft" and row.open_approval_id is None:
            await campaigns.request_approval(u, row.campaign_id, note="Ready for the new patients of June.")
    return replace(world, name="approval")


WORLDS: dict[str, Loader] = {"small": small, "approval": approval}


async def load(app: App, name: str, practice_id: UUID) -> World:
    """Bring a world about. Loading one twice changes nothing. Raises NotFound, Unavailable."""
    if name not in WORLDS:
        raise NotFound(f"There is no world called “{name}”. There are: {', '.join(sorted(WORLDS))}.")
    return await WORLDS[name](app, practice_id)
