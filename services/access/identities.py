"""Whom a provider's word signs in here: people it is linked to, people invited, people of a domain.

Nobody gets an account by merely existing at the provider. An invitation holds a keyed hash of the
address, never the address.
"""

import hmac
import re
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Any
from uuid import UUID

from services.access import queries
from services.access.contracts import OutsideSignIn, SignedIn
from services.access.errors import SignInRefused
from services.access.practice import practice_settings
from services.access.roles import known_roles, refuse_unless_giveable, somebody_administers
from services.access.sessions import find, open_session, person_row
from services.audit.append import record
from services.audit.tags import AuditTag
from services.bootstrap import App
from services.kit.actor import system
from services.kit.crypto import Keyring
from services.kit.errors import Invalid
from services.kit.ids import new_id
from services.kit.uow import Unit

ADDRESS = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")


def address_hash(keyring: Keyring, address: str) -> bytes:
    return hmac.new(keyring.derive("invitation"), address.strip().lower().encode(), sha256).digest()


async def invite(u: Unit, *, address: str, roles: Sequence[str]) -> None:
    """Let whoever proves this address at the provider in, once, with these roles. Needs `people`.

    Inviting again replaces the roles. Raises Invalid, Forbidden for roles beyond one's own.
    """
    u.actor.require("people")
    if not ADDRESS.fullmatch(address.strip()):
        raise Invalid("Give the email address they have at the provider.")
    await refuse_unless_giveable(u, roles, (), to_self=False)
    await u.execute(
        queries.INVITE, practice=u.practice_id, hash=address_hash(u.keyring, address), roles=list(roles),
        by=u.actor.ref, now=u.now,
    )  # fmt: skip
    await record(u, AuditTag.PERSON_CHANGED, what="invited", roles=sorted(roles))


async def sign_in_from_outside(
    app: App, issuer: str, claims: dict[str, Any], *, user_agent: str = ""
) -> SignedIn:
    """Open a session for whom a provider has proved. Raises SignInRefused (`unknown`, `closed`)."""
    address = str(claims.get("email", "")).strip().lower() if claims.get("email_verified") is True else ""
    found = await find(
        app, queries.FIND_OUTSIDER, issuer=issuer, subject=str(claims["sub"]),
        hash=address_hash(app.keyring, address), domain=address.rpartition("@")[2],
    )  # fmt: skip
    if found is None or found.practice_id is None:
        raise SignInRefused("unknown")
    async with app.uow(system(found.practice_id, "access")) as u:
        rules = (await practice_settings(u)).outside
        person_id = found.person_id or await _added(u, issuer, claims, address, rules)
        person = await person_row(u, person_id, lock=True)
        if not person.active:
            raise SignInRefused("closed")
        roles = await _claimed_roles(u, rules, claims)
        if roles is not None and set(roles) != set(person.roles):
            await _give(u, person, roles)
            person = await person_row(u, person_id, lock=True)
        return await open_session(u, person, user_agent, outside=True)


async def _added(u: Unit, issuer: str, claims: dict[str, Any], address: str, rules: OutsideSignIn) -> UUID:
    """A new account without a password, linked to the provider's subject."""
    taken = await u.execute(
        queries.TAKE_INVITATION, practice=u.practice_id, hash=address_hash(u.keyring, address), now=u.now
    )
    invited = taken.scalar_one_or_none()
    if invited is None and address.rpartition("@")[2] not in rules.domains:
        raise SignInRefused("unknown")
    roles = invited if invited is not None else list(rules.first_roles)
    wanted = str(claims.get("preferred_username") or address.partition("@")[0])
    login = re.sub(r"[^a-z0-9._-]+", "", wanted.lower().partition("@")[0]).strip("._-")[:30] or "person"
    person_id = new_id()
    for attempt in (login, f"{login}-{person_id.hex[-6:]}"):
        made = await u.execute(
            queries.NEW_PERSON, practice=u.practice_id, person=person_id, login=attempt,
            display_name=str(claims.get("name") or wanted)[:80], password_hash="", totp=None, roles=roles,
            now=u.now,
        )  # fmt: skip
        if made.rowcount:
            break
    await u.execute(
        queries.LINK,
        practice=u.practice_id,
        issuer=issuer,
        subject=str(claims["sub"]),
        person=person_id,
        now=u.now,
    )
    await record(
        u, AuditTag.PERSON_CHANGED, person_id=person_id, what="added by sign-in", roles=sorted(roles)
    )
    return person_id


async def _give(u: Unit, person: Any, roles: list[str]) -> None:
    """Roles as the provider has them; the last administrator keeps theirs, whatever it says."""
    values = {"practice": u.practice_id, "person": person.person_id}
    await u.execute(queries.GIVE_ROLES, **values, roles=roles)
    if not await somebody_administers(u):
        await u.execute(queries.GIVE_ROLES, **values, roles=list(person.roles))
        return
    await record(
        u, AuditTag.PERSON_CHANGED, person_id=person.person_id, what="roles from sign-in", roles=sorted(roles)
    )


async def _claimed_roles(u: Unit, rules: OutsideSignIn, claims: dict[str, Any]) -> list[str] | None:
    """The roles the provider's groups stand for here; None where the practice maps none."""
    if not rules.groups or rules.claim not in claims:
        return None
    said = claims[rules.claim]
    groups: Iterable[str] = [said] if isinstance(said, str) else said if isinstance(said, list) else []
    live = {role.key for role in await known_roles(u) if not role.retired}
    return sorted({rules.groups[group] for group in groups if rules.groups.get(group) in live})
