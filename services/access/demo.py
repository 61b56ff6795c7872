"""The five people of the demonstration practice. Readable passwords, so never in production."""

import base64
from uuid import UUID

import pyotp

from services.access import queries
from services.access.contracts import DemoPerson, RoleName
from services.access.passwords import hash_password
from services.access.sessions import find, me
from services.access.step_up import place
from services.audit.append import record
from services.audit.tags import AuditTag
from services.bootstrap import App
from services.kit.actor import system
from services.kit.errors import AppError
from services.kit.ids import new_id
from services.kit.uow import Unit

_CAST: tuple[tuple[str, str, RoleName, str], ...] = (
    ("maya", "Maya Okafor", "marketer", "builds campaigns and asks for approval"),
    ("alex", "Alex Lindqvist", "approver", "approves campaigns, pauses them, sends them back"),
    ("fiona", "Fiona Walsh", "front_desk", "looks people up and stops marketing to them"),
    ("anil", "Anil Mehta", "analyst", "reads results"),
    ("ada", "Ada Moreau", "administrator", "manages accounts, settings and the audit"),
)


async def ensure_demo_people(app: App, practice_id: UUID) -> list[DemoPerson]:
    """Make whichever of the five is missing, and return all five. Safe to repeat.

    A second practice on the same database gets logins with its own ending: a login names one
    person everywhere. Raises AppError in production.
    """
    if app.settings.environment == "production":
        raise AppError("Demonstration people have public passwords; production refuses them.")
    cast = await _cast(app, practice_id)
    async with app.uow(system(practice_id, "system")) as u:
        known = await u.execute(
            "SELECT login FROM cm.person WHERE practice_id = :practice", practice=practice_id
        )
        have = set(known.scalars())
        for person in cast:
            if person.login not in have:
                await _add(u, person)
    return cast


async def demo_people(app: App) -> list[DemoPerson]:
    """The demonstration people who exist, for the sign-in page; nobody in production."""
    if app.settings.environment == "production":
        return []
    first = await find(app, "SELECT cm.practice_ids() AS practice_id LIMIT 1")
    if first is None:
        return []
    async with app.uow(system(first.practice_id, "access")) as u:
        known = await u.execute(
            "SELECT login FROM cm.person WHERE practice_id = :practice AND active", practice=u.practice_id
        )
        have = set(known.scalars())
    return [person for person in await _cast(app, first.practice_id) if person.login in have]


async def demo_code(app: App, token: str) -> str:
    """The one-time code a demonstration person would read off their phone now; empty for anyone
    else, and always in production."""
    if app.settings.environment == "production":
        return ""
    who = await me(app, token)
    cast = await _cast(app, who.actor.practice_id)
    secrets = {person.login: person.totp_secret for person in cast}
    return pyotp.TOTP(secrets[who.login]).at(app.clock.now()) if who.login in secrets else ""


async def _cast(app: App, practice_id: UUID) -> list[DemoPerson]:
    first = await find(app, queries.FIND_LOGIN, who=_CAST[0][0])
    ours = first is None or first.practice_id in (None, practice_id)
    ending = "" if ours else f"-{practice_id.hex[-6:]}"
    return [
        DemoPerson(
            login=login + ending,
            password=f"demo-{login}-2026",
            display_name=name,
            role=role,
            what=what,
            totp_secret=base64.b32encode(app.keyring.derive(f"demo-totp/{practice_id}/{login}", 20)).decode(),
        )
        for login, name, role, what in _CAST
    ]


async def _add(u: Unit, person: DemoPerson) -> None:
    person_id = new_id()
    await u.execute(
        queries.NEW_PERSON,
        practice=u.practice_id,
        person=person_id,
        login=person.login,
        display_name=person.display_name,
        password_hash=await _hash_once(person.password),
        totp=u.keyring.seal(person.totp_secret.encode(), place=place(person_id)),
        roles=[person.role],
        now=u.now,
    )
    await record(u, AuditTag.PERSON_CHANGED, person_id=person_id, what="demo", roles=[person.role])


_hashes: dict[str, str] = {}


async def _hash_once(password: str) -> str:
    """These passwords are public, so one hash of each a process is as good as a fresh one."""
    if password not in _hashes:
        _hashes[password] = await hash_password(password)
    return _hashes[password]
