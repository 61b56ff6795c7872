"""Signing in and out, and the sessions between.

A session's token is random, lives in a cookie and is stored as its SHA-256 only. Looking one up
finds the practice first (a function that sees nothing else), then reads inside that practice.
"""

import hashlib
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from services.access import queries
from services.access.contracts import Me, SessionRow, SignedIn
from services.access.errors import LockedOut
from services.access.passwords import hash_password, matches, outdated
from services.access.rules import (
    FRESH_FOR,
    SEEN_EVERY,
    after_failure,
    device_of,
    is_locked,
    label_of,
    permissions_of,
    session_end,
)
from services.audit.append import record
from services.audit.tags import AuditTag
from services.bootstrap import App
from services.kit.actor import Actor, system
from services.kit.errors import NotSignedIn, StepUpNeeded
from services.kit.ids import new_token
from services.kit.uow import Unit

WRONG = "That login and password do not match. Check both and try again."
GONE = "You are not signed in, or your session has ended. Please sign in."


async def sign_in(app: App, login: str, password: str, *, user_agent: str = "") -> SignedIn:
    """Check a password and open a session. Raises NotSignedIn, LockedOut after five failures.

    A password whose hash was made with weaker parameters is hashed again.
    """
    found = await find(app, queries.FIND_LOGIN, who=login.strip())
    if found is None or found.practice_id is None:
        await matches(None, password)
        raise NotSignedIn(WRONG)
    async with app.uow(system(found.practice_id, "access")) as u:
        person = await person_row(u, found.person_id)
    right = await matches(person.password_hash if person else None, password)
    again = await hash_password(password) if right and outdated(person.password_hash) else None
    # The lock is read again under the row's lock: guesses sent at the same moment all count.
    async with app.uow(system(found.practice_id, "access")) as u:
        person = await person_row(u, found.person_id, lock=True)
        refusal = await refuse_if_locked_or_wrong(u, person, right, WRONG)
        if refusal is None:
            if again is not None:
                await u.execute(queries.REHASHED, practice=u.practice_id, person=person.person_id, hash=again)
            return await open_session(u, person, user_agent)
    raise refusal


async def person_row(u: Unit, person_id: UUID, *, lock: bool = False) -> Any:
    sql = queries.PERSON_LOCKED if lock else queries.PERSON
    return (await u.execute(sql, practice=u.practice_id, person=person_id)).one_or_none()


async def refuse_if_locked_or_wrong(u: Unit, person: Any, right: bool, sentence: str) -> NotSignedIn | None:
    """Count a failure, and say what to answer; the caller raises it once the count is stored."""
    if is_locked(person.locked_until, u.now):
        left = -(-(person.locked_until - u.now) // timedelta(minutes=1))
        return LockedOut(f"Too many wrong attempts. Try again in {left} minutes.")
    if right and person.active:
        return None
    failed, locked = after_failure(person.failed_count, person.locked_until, u.now)
    await _count(u, person.person_id, failed, locked)
    await record(
        u,
        AuditTag.SIGN_IN_FAILED,
        person_id=person.person_id,
        failures=failed,
        locked=locked is not None,
    )
    return NotSignedIn(sentence)


async def _count(u: Unit, person_id: UUID, failed: int, locked: Any) -> None:
    await u.execute(queries.FAILED, practice=u.practice_id, person=person_id, failed=failed, locked=locked)


async def open_session(u: Unit, person: Any, user_agent: str, *, outside: bool = False) -> SignedIn:
    """Somebody has proved who they are: a new session, whatever other there was."""
    u.actor = actor_for(u.practice_id, person)
    await _count(u, person.person_id, 0, None)
    await u.execute(queries.DROP_EXPIRED, practice=u.practice_id, now=u.now)
    token = await new_session(u, person.person_id, device=device_of(user_agent), outside=outside)
    await record(u, AuditTag.SIGNED_IN)
    return SignedIn(token, u.actor)


async def new_session(
    u: Unit,
    person_id: UUID,
    *,
    device: str = "",
    outside: bool = False,
    stepped_up: bool = False,
    begun: datetime | None = None,
) -> str:
    """Store a fresh session and return its token. `begun`: of the session it takes the place of."""
    token = new_token()
    await u.execute(
        queries.NEW_SESSION,
        practice=u.practice_id,
        hash=hashed(token),
        person=person_id,
        now=u.now,
        begun=begun or u.now,
        expires=session_end(begun or u.now, u.now),
        stepped_up=u.now if stepped_up else None,
        device=device,
        outside=outside,
    )
    return token


async def actor_of(app: App, token: str) -> Actor:
    """The person behind a session token, with the permissions their roles give now.

    Each use moves the end of the session twelve hours ahead, up to seven days after sign-in. Raises
    NotSignedIn.
    """
    return (await me(app, token)).actor


async def me(app: App, token: str) -> Me:
    """`actor_of`, with what the portal shows about the person. Raises NotSignedIn."""
    practice_id = await practice_of(app, token)
    async with app.uow(system(practice_id, "access")) as u:
        row = await session_row(u, token)
        if row is not None and row.seen_at <= u.now - SEEN_EVERY:
            await u.execute(
                queries.SEEN,
                practice=practice_id,
                hash=hashed(token),
                now=u.now,
                expires=session_end(row.created_at, u.now),
            )
    if row is None:
        raise NotSignedIn(GONE)
    return Me(
        actor=actor_for(practice_id, row),
        login=row.login,
        roles=tuple(row.roles),
        role_labels=tuple(label_of(role, row.own_labels or {}) for role in row.roles),
        practice_label=row.label,
        timezone=row.timezone,
        has_totp=row.has_totp,
        has_password=row.has_password,
        fresh_until=row.stepped_up_at + FRESH_FOR if row.stepped_up_at else None,
    )


async def sign_out(app: App, token: str) -> bool:
    """End a session; whether a provider had opened it. One that is already over is no problem."""
    found = await find(app, queries.FIND_SESSION, hash=hashed(token))
    if found is None or found.practice_id is None:
        return False
    async with app.uow(system(found.practice_id, "access")) as u:
        row = await session_row(u, token)
        await u.execute(queries.DROP_SESSION, practice=u.practice_id, hash=hashed(token))
        if row is not None:
            u.actor = actor_for(u.practice_id, row)
            await record(u, AuditTag.SIGNED_OUT)
    return bool(row is not None and row.outside)


async def own_sessions(app: App, token: str) -> list[SessionRow]:
    """Where the person is signed in, the last used first. Raises NotSignedIn."""
    who = await actor_of(app, token)
    async with app.uow(who) as u:
        rows = await u.execute(
            queries.SESSIONS_OF, practice=u.practice_id, person=who.person_id, hash=hashed(token), now=u.now
        )
        return [SessionRow(**row) for row in rows.mappings()]


async def sign_out_elsewhere(app: App, token: str) -> int:
    """End every other session of this person; returns how many. Raises NotSignedIn."""
    who = await actor_of(app, token)
    async with app.uow(who) as u:
        done = await u.execute(
            queries.DROP_OTHER_SESSIONS, practice=u.practice_id, person=who.person_id, hash=hashed(token)
        )
        await record(u, AuditTag.SIGNED_OUT, elsewhere=done.rowcount)
        ended: int = done.rowcount
        return ended


async def require_fresh(app: App, token: str) -> None:
    """Raise StepUpNeeded unless a one-time code was given in the last five minutes (D10)."""
    until = (await me(app, token)).fresh_until
    if until is None or until <= app.clock.now():
        raise StepUpNeeded("This needs a fresh code from your authenticator app. Enter it, then try again.")


async def carry_sessions(u: Unit, by: timedelta) -> None:
    """QA mode moved the clock: move the ends of the practice's sessions with it, so that a tester
    who skips three days is still signed in."""
    await u.execute(
        "UPDATE cm.session SET expires_at = expires_at + :by, created_at = created_at + :by WHERE practice_id = :practice",
        practice=u.practice_id,
        by=by,
    )


async def session_row(u: Unit, token: str) -> Any:
    result = await u.execute(queries.SESSION, practice=u.practice_id, hash=hashed(token), now=u.now)
    return result.one_or_none()


async def practice_of(app: App, token: str) -> UUID:
    """The practice a session belongs to. Raises NotSignedIn."""
    found = await find(app, queries.FIND_SESSION, hash=hashed(token))
    if found is None or found.practice_id is None:
        raise NotSignedIn(GONE)
    practice_id: UUID = found.practice_id
    return practice_id


def actor_for(practice_id: UUID, row: Any) -> Actor:
    return Actor(
        practice_id,
        f"person:{row.person_id}",
        permissions_of(row.roles, row.own_roles),
        person_id=row.person_id,
        display_name=row.display_name,
    )


def hashed(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()


async def find(app: App, sql: str, **values: Any) -> Any:
    """Ask one of the finder functions: the only reads before the practice is known."""
    async with AsyncSession(app.uow.engine) as session:
        return (await session.execute(text(sql), values)).one_or_none()
