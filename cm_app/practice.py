"""Puts the demonstration practice in place: its data, its row in Campaign Manager, its people."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from cm_app.console import Advance
from cm_app.demo import ensure_demo_campaigns
from services.access.service import keep_holidays
from services.bootstrap import App, bootstrap
from services.kit.actor import system
from services.kit.settings import Settings

PRACTICE = """
INSERT INTO cm.practice (practice_id, label, timezone, created_at)
SELECT practice_id, name, timezone, :now FROM canonical.practice WHERE practice_id = :practice
ON CONFLICT DO NOTHING
"""


@dataclass(frozen=True)
class Ready:
    """The practice that is there now; `people` are services.access.contracts.DemoPerson."""

    practice_id: UUID
    contacts: int
    people: list[Any]


async def ensure_practice(
    config: Settings, *, database_url: str, redis_url: str, progress: Advance = lambda *_: None
) -> Ready:
    """Generate the practice of the seed unless it is there, and make its demo people.

    Does nothing that is already done. In production there are no demo people.
    """
    from services.neighbours.platform.generator import generate

    here = {"config": config, "database_url": database_url, "redis_url": redis_url, "pooled": False}
    platform = bootstrap(role="cm_platform", **here)
    try:
        practice_id = await generate(
            platform.uow,
            contacts=config.contacts,
            seed=config.seed,
            now=platform.clock.now(),
            progress=progress,
        )
    finally:
        await platform.close()
    app = bootstrap(**here)
    try:
        contacts = await _register(app, practice_id)
        people = await _people(app, practice_id)
        if people and not config.qa:  # testers bring their own world
            await ensure_demo_campaigns(app, practice_id)
        return Ready(practice_id, contacts, people)
    finally:
        await app.close()


async def _register(app: App, practice_id: UUID) -> int:
    """Make the practice known to Campaign Manager; returns how many contacts it has."""
    async with app.uow(system(practice_id, "system")) as u:
        await u.execute(PRACTICE, practice=practice_id, now=u.now)
        await keep_holidays(u)
        found = await u.execute("SELECT count(*) FROM canonical.contact")
        return int(found.scalar_one())


async def _people(app: App, practice_id: UUID) -> list[Any]:
    from services.access.service import ensure_demo_people

    if app.settings.environment == "production":
        return []
    return list(await ensure_demo_people(app, practice_id))
