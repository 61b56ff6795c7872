"""The team's accounts. Every change ends the sessions it makes wrong."""

import re
from collections.abc import Sequence
from uuid import UUID

from services.access import queries
from services.access.contracts import PersonRow
from services.access.passwords import guessable, hash_password, matches
from services.access.roles import refuse_unless_giveable, refuse_without_administrator, role_problem
from services.access.rules import PASSWORD_MINIMUM, may_not_give, permissions_of
from services.access.sessions import person_row
from services.audit.append import record
from services.audit.tags import AuditTag
from services.kit.errors import Conflict, Forbidden, Invalid, NotFound
from services.kit.ids import new_id
from services.kit.uow import Unit

NOBODY = "There is no such person in this practice."
LOGIN = re.compile(r"[a-z0-9][a-z0-9._-]{1,39}")


async def people(u: Unit) -> list[PersonRow]:
    """Everyone with an account, by name. Needs `people`."""
    u.actor.require("people")
    rows = await u.execute(queries.PEOPLE, practice=u.practice_id)
    return [PersonRow(**{**row, "roles": tuple(row["roles"])}) for row in rows.mappings()]


async def names(u: Unit) -> dict[str, str]:
    """`person:<id>` → display name, for lists that show who did something."""
    rows = await u.execute(queries.PEOPLE, practice=u.practice_id)
    return {f"person:{row.person_id}": row.display_name for row in rows}


async def add_person(u: Unit, *, login: str, display_name: str, password: str, roles: Sequence[str]) -> UUID:
    """Make an account. Raises Invalid with one sentence a problem, Conflict for a taken login."""
    u.actor.require("people")
    login, display_name = login.strip().lower(), display_name.strip()
    unknown = await role_problem(u, roles)
    _refuse(
        ("login", not LOGIN.fullmatch(login), "Use 2 to 40 letters, digits, dots or dashes."),
        ("display_name", not display_name, "Give the name colleagues will see."),
        *_password_problems(password, login, display_name),
        ("roles", bool(unknown), unknown),
    )
    await refuse_unless_giveable(u, roles, (), to_self=False)
    person_id = new_id()
    made = await u.execute(
        queries.NEW_PERSON,
        practice=u.practice_id,
        person=person_id,
        login=login,
        display_name=display_name,
        password_hash=await hash_password(password),
        totp=None,
        roles=list(roles),
        now=u.now,
    )
    if made.rowcount == 0:
        raise Conflict(f"The login “{login}” is taken. Choose another.")
    await record(u, AuditTag.PERSON_CHANGED, person_id=person_id, what="added", roles=sorted(roles))
    return person_id


async def change_roles(u: Unit, person_id: UUID, roles: Sequence[str]) -> None:
    """Give a person other roles, effective at their next click.

    Raises NotFound, Conflict for the last administrator, Invalid, and Forbidden for roles that let
    them do more than this person may give.
    """
    u.actor.require("people")
    person = await person_row(u, person_id)
    if person is None:
        raise NotFound(NOBODY)
    await refuse_unless_giveable(u, roles, person.roles, to_self=person_id == u.actor.person_id)
    await _update(u, person_id, "roles = :value", list(roles))
    await record(u, AuditTag.PERSON_CHANGED, person_id=person_id, what="roles", roles=sorted(roles))


async def set_active(u: Unit, person_id: UUID, active: bool) -> None:
    """Close or reopen an account; closing ends its sessions and stops its API keys.

    Raises NotFound, Conflict for the last administrator, Forbidden for an account that may do more.
    """
    u.actor.require("people")
    await _refuse_above(u, person_id)
    await _update(u, person_id, "active = :value", active)
    if not active:
        await u.execute(queries.DROP_SESSIONS_OF, practice=u.practice_id, person=person_id)
    await record(u, AuditTag.PERSON_CHANGED, person_id=person_id, what="opened" if active else "closed")


async def reset_password(u: Unit, person_id: UUID, password: str) -> None:
    """Set somebody's password and unlock them; their sessions end. Needs `people`.

    Raises NotFound, Invalid, Forbidden for an account that may do more: its password is a way in.
    """
    u.actor.require("people")
    await _refuse_above(u, person_id)
    await _set_password(u, person_id, password, what="password reset")


async def change_password(u: Unit, *, old: str, new: str) -> None:
    """Set one's own password; every session ends, this one too. Raises Invalid, Conflict."""
    person = await person_row(u, u.actor.person_id) if u.actor.person_id else None
    if person is None:
        raise NotFound("Only a person has a password.")
    if not await matches(person.password_hash, old):
        raise Invalid(
            "The old password is wrong.",
            [{"field": "old", "message": "This is not your password now."}],
        )
    await _set_password(u, person.person_id, new, what="password changed")


async def _set_password(u: Unit, person_id: UUID, password: str, *, what: str) -> None:
    person = await person_row(u, person_id)
    if person is None:
        raise NotFound(NOBODY)
    _refuse(*_password_problems(password, person.login, person.display_name))
    await _update(
        u,
        person_id,
        "password_hash = :value, failed_count = 0, locked_until = NULL",
        await hash_password(password),
    )
    await u.execute(queries.DROP_SESSIONS_OF, practice=u.practice_id, person=person_id)
    await record(u, AuditTag.PERSON_CHANGED, person_id=person_id, what=what)


async def _refuse_above(u: Unit, person_id: UUID) -> None:
    person = await person_row(u, person_id)
    if person is None:
        raise NotFound(NOBODY)
    theirs = permissions_of(person.roles, person.own_roles)
    if may_not_give(u.actor, theirs, to_self=False):
        raise Forbidden("This account may do more than yours. Ask an administrator.")


async def _update(u: Unit, person_id: UUID, change: str, value: object) -> None:
    done = await u.execute(
        f"UPDATE cm.person SET {change} WHERE practice_id = :practice AND person_id = :person",
        practice=u.practice_id,
        person=person_id,
        value=value,
    )
    if done.rowcount == 0:
        raise NotFound(NOBODY)
    await refuse_without_administrator(u)


def _password_problems(password: str, *known: str) -> list[tuple[str, bool, str]]:
    short = len(password) < PASSWORD_MINIMUM
    easy = "This password is easy to guess. Use several words that do not belong together."
    return [
        ("password", short, f"Use at least {PASSWORD_MINIMUM} characters."),
        ("password", not short and guessable(password, *known), easy),
    ]


def _refuse(*checks: tuple[str, bool, str]) -> None:
    problems = [{"field": field, "message": message} for field, wrong, message in checks if wrong]
    if problems:
        raise Invalid(problems[0]["message"], problems)
