"""API keys: a scope list, a hash, and the person who made them.

A key acts in the name of its maker (so the four-eyes rule of D9 sees through it), with those of its scopes
that its maker holds at that moment; it dies with the maker's account. Only administrators make keys.
"""

from collections.abc import Sequence
from uuid import UUID

from services.access import queries
from services.access.contracts import ApiKeyRow, NewApiKey
from services.access.rules import KEY_SCOPES, SEEN_EVERY, may_not_give, permissions_of
from services.access.sessions import find, hashed
from services.audit.append import record
from services.audit.tags import AuditTag
from services.bootstrap import App
from services.kit.actor import WORDS, Actor, system
from services.kit.errors import Forbidden, Invalid, NotFound, NotSignedIn
from services.kit.ids import new_id, new_token
from services.kit.uow import Unit

PREFIX = "cmk_"


async def create_api_key(u: Unit, *, label: str, scopes: Sequence[str]) -> NewApiKey:
    """Make a key; its text is in the answer and nowhere else. Needs `administer`.

    Raises Invalid for a scope keys cannot have, Forbidden for one the maker lacks.
    """
    u.actor.require("administer")
    if u.actor.person_id is None or u.actor.ref.startswith("api:"):
        raise Forbidden("Only a person can make an API key.")
    wrong = sorted(set(scopes) - KEY_SCOPES)
    if not label.strip() or not scopes or wrong:
        raise Invalid(
            f"API keys cannot have the scope {', '.join(wrong)}."
            if wrong
            else "Give the key a label and at least one scope."
        )
    beyond = may_not_give(u.actor, sorted(KEY_SCOPES.intersection(scopes)), to_self=True)
    if beyond:
        what = " and ".join(WORDS[permission] for permission in beyond)
        raise Forbidden(
            f"A key cannot do what whoever makes it may not do: {what}. Ask an administrator who may, or ask"
            " one to give you a role that lets you."
        )
    api_key_id, key = new_id(), PREFIX + new_token()
    await u.execute(
        queries.NEW_API_KEY,
        practice=u.practice_id,
        id=api_key_id,
        label=label.strip(),
        hash=hashed(key),
        scopes=sorted(scopes),
        person=u.actor.person_id,
        now=u.now,
    )
    await record(u, AuditTag.API_KEY_CHANGED, api_key_id=api_key_id, what="created", scopes=sorted(scopes))
    return NewApiKey(api_key_id, key)


async def api_keys(u: Unit) -> list[ApiKeyRow]:
    """Every key of the practice, newest first, without its text. Needs `administer`."""
    u.actor.require("administer")
    rows = await u.execute(queries.API_KEYS, practice=u.practice_id)
    return [ApiKeyRow(**{**row, "scopes": tuple(row["scopes"])}) for row in rows.mappings()]


async def revoke_api_key(u: Unit, api_key_id: UUID) -> None:
    """End a key at once. Revoking twice is no problem. Raises NotFound."""
    u.actor.require("administer")
    done = await u.execute(
        "UPDATE cm.api_key SET revoked_at = coalesce(revoked_at, :now)"
        " WHERE practice_id = :practice AND api_key_id = :id",
        practice=u.practice_id,
        id=api_key_id,
        now=u.now,
    )
    if done.rowcount == 0:
        raise NotFound("There is no such API key.")
    await record(u, AuditTag.API_KEY_CHANGED, api_key_id=api_key_id, what="revoked")


async def actor_of_key(app: App, key: str) -> Actor:
    """Who an API key acts for. Raises NotSignedIn."""
    found = await find(app, queries.FIND_API_KEY, hash=hashed(key))
    row = None
    if found is not None and found.practice_id is not None:
        async with app.uow(system(found.practice_id, "access")) as u:
            result = await u.execute(queries.API_KEY, practice=u.practice_id, hash=hashed(key))
            row = result.one_or_none()
            if row is not None and (row.last_used_at is None or row.last_used_at <= u.now - SEEN_EVERY):
                await u.execute(
                    "UPDATE cm.api_key SET last_used_at = :now"
                    " WHERE practice_id = :practice AND api_key_id = :id",
                    practice=u.practice_id,
                    id=row.api_key_id,
                    now=u.now,
                )
    if found is None or row is None:
        raise NotSignedIn("This API key is unknown or was revoked.")
    return Actor(
        found.practice_id,
        f"api:{row.api_key_id}",
        KEY_SCOPES.intersection(row.scopes) & permissions_of(row.roles, row.own_roles),
        person_id=row.created_by,
        display_name=row.label,
    )
