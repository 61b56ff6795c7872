"""The second factor (D10): time-based one-time codes, each good once."""

import hmac
from typing import Any
from uuid import UUID

import pyotp

from services.access import queries
from services.access.contracts import SignedIn, TotpSetup
from services.access.errors import LockedOut, WrongCode
from services.access.sessions import (
    GONE,
    actor_for,
    actor_of,
    hashed,
    new_session,
    person_row,
    practice_of,
    refuse_if_locked_or_wrong,
    require_fresh,
    session_row,
)
from services.audit.append import record
from services.audit.tags import AuditTag
from services.bootstrap import App
from services.kit.actor import system
from services.kit.errors import NotSignedIn, StepUpNeeded
from services.kit.uow import Unit

ISSUER = "Campaign Manager"
WRONG_CODE = "That code is wrong or was used before. Wait for the next one and try again."


async def step_up(app: App, token: str, code: str, *, rotate: bool = False) -> SignedIn:
    """Check a one-time code; the session counts as fresh for five minutes.

    With `rotate` the answer carries a new token and the old one is dead: for callers who can set
    a cookie. Raises StepUpNeeded without an authenticator, WrongCode, LockedOut.
    """
    practice_id = await practice_of(app, token)
    async with app.uow(system(practice_id, "access")) as u:
        session = await session_row(u, token)
        if session is None:
            raise NotSignedIn(GONE)
        person = await person_row(u, session.person_id, lock=True)
        if person.totp_secret is None:
            raise StepUpNeeded("Set up an authenticator app in your settings first.")
        step = _step_of(_secret(u, person), code, u, person.totp_last_step)
        refusal = await refuse_if_locked_or_wrong(u, person, step is not None, WRONG_CODE)
        if refusal is None:
            u.actor = actor_for(practice_id, person)
            await _remember(u, person.person_id, step)
            token = await _freshen(u, token, session, rotate)
            await record(u, AuditTag.STEPPED_UP)
            return SignedIn(token, u.actor)
    raise refusal if isinstance(refusal, LockedOut) else WrongCode(WRONG_CODE)


async def begin_totp(app: App, token: str) -> TotpSetup:
    """A new secret for the signed-in person's authenticator app; nothing is stored yet.

    Replacing an authenticator needs a fresh code from the old one. Raises StepUpNeeded.
    """
    await _require_fresh_to_replace(app, token)
    who = await actor_of(app, token)
    secret = pyotp.random_base32()
    return TotpSetup(secret, pyotp.TOTP(secret).provisioning_uri(name=who.display_name, issuer_name=ISSUER))


async def confirm_totp(app: App, token: str, secret: str, code: str) -> None:
    """Keep the secret of `begin_totp` once a code made from it arrived. Raises WrongCode."""
    await _require_fresh_to_replace(app, token)
    who = await actor_of(app, token)
    async with app.uow(who) as u:
        step = _step_of(secret, code, u, None)
        if step is None or who.person_id is None:
            raise WrongCode(WRONG_CODE)
        await store_secret(u, who.person_id, secret)
        await _remember(u, who.person_id, step)
        await record(u, AuditTag.PERSON_CHANGED, person_id=who.person_id, what="authenticator")


async def store_secret(u: Unit, person_id: UUID, secret: str) -> None:
    await u.execute(
        "UPDATE cm.person SET totp_secret = :sealed, totp_last_step = NULL"
        " WHERE practice_id = :practice AND person_id = :person",
        practice=u.practice_id,
        person=person_id,
        sealed=u.keyring.seal(secret.encode(), place=place(person_id)),
    )


def place(person_id: UUID) -> str:
    return f"person.totp:{person_id}"


async def _require_fresh_to_replace(app: App, token: str) -> None:
    async with app.uow(system(await practice_of(app, token), "access")) as u:
        row = await session_row(u, token)
    if row is not None and row.has_totp:
        await require_fresh(app, token)


def _secret(u: Unit, person: Any) -> str:
    return u.keyring.open(person.totp_secret, place=place(person.person_id)).decode()


def _step_of(secret: str, code: str, u: Unit, last: int | None) -> int | None:
    """The time step whose code this is, half a minute early or late; None if it fits no step or
    is not newer than the last one used."""
    otp = pyotp.TOTP(secret)
    here = otp.timecode(u.now)
    given = code.replace(" ", "")
    for step in (here, here - 1, here + 1):
        if hmac.compare_digest(otp.generate_otp(step).encode(), given.encode()):
            return step if last is None or step > last else None
    return None


async def _remember(u: Unit, person_id: UUID, step: int | None) -> None:
    await u.execute(
        "UPDATE cm.person SET totp_last_step = :step, failed_count = 0, locked_until = NULL"
        " WHERE practice_id = :practice AND person_id = :person",
        practice=u.practice_id,
        person=person_id,
        step=step,
    )


async def _freshen(u: Unit, token: str, session: Any, rotate: bool) -> str:
    if rotate:
        await u.execute(queries.DROP_SESSION, practice=u.practice_id, hash=hashed(token))
        return await new_session(
            u,
            session.person_id,
            device=session.device,
            outside=session.outside,
            stepped_up=True,
            begun=session.created_at,
        )
    await u.execute(
        "UPDATE cm.session SET stepped_up_at = :now WHERE practice_id = :practice AND session_hash = :hash",
        practice=u.practice_id,
        hash=hashed(token),
        now=u.now,
    )
    return token
