"""A practice's roles: the built-in ones to start with, and whatever it makes of them (000 §9).

A practice stores only the roles it made or changed. Sessions read them at every request, so a
change counts from the next click on.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from uuid import UUID

from services.access import queries
from services.access.contracts import OutsideSignIn, RoleRow
from services.access.rules import ADMINISTERS, BUILT_IN, ROLES, may_not_give, permissions_of
from services.audit.append import record
from services.audit.tags import AuditTag
from services.kit.actor import PERMISSIONS, WORDS, Permission
from services.kit.errors import Conflict, Forbidden, Invalid, NotFound
from services.kit.ids import new_id
from services.kit.uow import Unit

LONGEST_LABEL, LONGEST_DESCRIPTION = 40, 200


async def roles(u: Unit) -> list[RoleRow]:
    """Every role, the built-in ones first, retired ones last. Needs `people`."""
    u.actor.require("people")
    return await known_roles(u)


async def known_roles(u: Unit) -> list[RoleRow]:
    """`roles` without asking who looks: for checks within this service."""
    stored = {r.role_key: r for r in await u.execute(queries.ROLES, practice=u.practice_id)}
    people = await _people(u)
    found = []
    for key in [*ROLES, *sorted(stored.keys() - ROLES.keys(), key=lambda k: stored[k].label.lower())]:
        row = stored.get(key)
        label, description = (row.label, row.description) if row else BUILT_IN[key]
        given = permissions_of([key], {key: row.permissions} if row else None)
        gone = bool(row and row.retired_at)
        holders = sum(key in theirs for theirs in people)
        found.append(RoleRow(key, label, description, given, key in ROLES, gone, holders))
    return sorted(found, key=lambda role: role.retired)


async def add_role(u: Unit, *, label: str, description: str, permissions: Sequence[str]) -> str:
    """Make a role and return its key. Needs `people`. Raises Invalid, Conflict, Forbidden."""
    u.actor.require("people")
    wanted = _checked(label, permissions)
    _refuse_gain(u, wanted, to_self=False)
    key = f"{re.sub('[^a-z0-9]+', '_', label.strip().lower()).strip('_') or 'role'}_{new_id().hex[-6:]}"
    await _keep(u, key, label, description, wanted, what="added")
    return key


async def change_role(u: Unit, key: str, *, label: str, description: str, permissions: Sequence[str]) -> None:
    """Rename a role or change what it lets people do, from their next click on. Needs `people`.

    Raises NotFound, Invalid, Conflict (taken name, last administrator), Forbidden for permissions
    that are not this person's to give.
    """
    u.actor.require("people")
    old, wanted = await _role(u, key), _checked(label, permissions)
    _refuse_gain(u, wanted - old.permissions, to_self=await _is_mine(u, key))
    await _keep(u, key, label, description, wanted, what="changed", before=old.permissions)
    await refuse_without_administrator(u)


async def retire_role(u: Unit, key: str, *, retired: bool = True) -> None:
    """Take a role out of use, or bring it back. Whoever has it keeps it, and it gives them nothing.

    Needs `people`. Raises NotFound, Conflict for the last administrator, Forbidden.
    """
    u.actor.require("people")
    old = await _role(u, key)
    if old.retired == retired:
        return
    if not retired:
        _refuse_gain(u, old.permissions, to_self=await _is_mine(u, key))
    what = "retired" if retired else "brought back"
    await _keep(u, key, old.label, old.description, old.permissions, what=what, retired=retired)
    await refuse_without_administrator(u)


async def refuse_unless_giveable(u: Unit, new: Sequence[str], old: Sequence[str], *, to_self: bool) -> None:
    """Raise Invalid for roles that cannot be given, Forbidden for more than this person may give."""
    problem = await role_problem(u, new, old)
    if problem:
        raise Invalid(problem, [{"field": "roles", "message": problem}])
    live = {role.key: role.permissions for role in await known_roles(u) if not role.retired}
    gained = _union(live, new) - _union(live, old)
    _refuse_gain(u, gained, to_self=to_self)


async def refuse_unless_mappable(u: Unit, new: OutsideSignIn, old: OutsideSignIn) -> None:
    """Raise Forbidden for a group that would stand for more than whoever maps it holds, when they sign in
    through the provider themselves: they may be in that group (docs/decisions/0020). Naming groups by another
    claim gives all of them anew."""
    if u.actor.person_id is None:
        return
    before = old.groups.items() if new.claim == old.claim else ()
    gained = {role for group, role in new.groups.items() if (group, role) not in before}
    if not gained or not await _signs_in_outside(u, u.actor.person_id):
        return
    live = {role.key: role.permissions for role in await known_roles(u) if not role.retired}
    _refuse_gain(u, _union(live, gained), to_self=True)


async def _signs_in_outside(u: Unit, person_id: UUID) -> bool:
    found = await u.execute(queries.FROM_OUTSIDE, practice=u.practice_id, person=person_id)
    return found.one_or_none() is not None


async def role_problem(u: Unit, new: Sequence[str], old: Sequence[str] = ()) -> str:
    """Why these roles cannot be given; empty when they can. Whoever has a retired one may keep it."""
    live = {role.key for role in await known_roles(u) if not role.retired}
    wrong = sorted(set(new) - set(old) - live)
    if wrong:
        return f"There is no role {', '.join(wrong)} to give."
    return "" if new else "Choose at least one role."


async def refuse_without_administrator(u: Unit) -> None:
    """Raise Conflict when no active account could look after accounts and settings any more."""
    if not await somebody_administers(u):
        raise Conflict(
            "This would leave nobody to administer the practice. Make somebody else able to first."
        )


async def somebody_administers(u: Unit) -> bool:
    """Whether an active account holds what it takes to let others in."""
    stored = {
        r.role_key: () if r.retired_at else r.permissions
        for r in await u.execute(queries.ROLES, practice=u.practice_id)
    }
    return any(permissions_of(theirs, stored) >= ADMINISTERS for theirs in await _people(u))


async def _people(u: Unit) -> list[list[str]]:
    """The roles of every active account."""
    rows = await u.execute(
        "SELECT roles FROM cm.person WHERE practice_id = :practice AND active", practice=u.practice_id
    )
    return [list(theirs) for theirs in rows.scalars()]


async def _role(u: Unit, key: str) -> RoleRow:
    found = next((role for role in await known_roles(u) if role.key == key), None)
    if found is None:
        raise NotFound("There is no such role in this practice.")
    return found


async def _is_mine(u: Unit, key: str) -> bool:
    if u.actor.person_id is None:
        return False
    found = await u.execute(
        "SELECT :key = ANY (roles) FROM cm.person WHERE practice_id = :practice AND person_id = :person",
        practice=u.practice_id, person=u.actor.person_id, key=key,
    )  # fmt: skip
    return bool(found.scalar_one_or_none())


def _union(live: Mapping[str, Iterable[Permission]], keys: Iterable[str]) -> frozenset[Permission]:
    return frozenset(permission for key in keys for permission in live.get(key, ()))


def _refuse_gain(u: Unit, gained: Iterable[Permission], *, to_self: bool) -> None:
    beyond = may_not_give(u.actor, sorted(gained), to_self=to_self)
    if beyond:
        what = " and ".join(WORDS[permission] for permission in beyond)
        raise Forbidden(
            f"You cannot give yourself what you may not do: {what}. Ask another administrator."
            if to_self
            else f"You cannot give what you may not do yourself: {what}. Ask an administrator."
        )


def _checked(label: str, permissions: Sequence[str]) -> frozenset[Permission]:
    """The permissions as such. Raises Invalid with what to put right."""
    wanted = frozenset(permission for permission in PERMISSIONS if permission in permissions)
    if not label.strip() or len(label.strip()) > LONGEST_LABEL:
        raise Invalid(f"Give the role a name of up to {LONGEST_LABEL} letters.")
    if set(permissions) - wanted or not wanted:
        raise Invalid("Choose at least one of the things a role can allow.")
    return wanted


async def _keep(
    u: Unit, key: str, label: str, description: str, permissions: frozenset[Permission], *,
    what: str, retired: bool = False, before: Iterable[Permission] = (),
) -> None:  # fmt: skip
    label = label.strip()
    taken = {role.label.lower() for role in await known_roles(u) if role.key != key and not role.retired}
    if label.lower() in taken and not retired:
        raise Conflict(f"There is a role “{label}” already. Choose another name.")
    await u.execute(
        queries.KEEP_ROLE, practice=u.practice_id, key=key, label=label,
        description=description.strip()[:LONGEST_DESCRIPTION], permissions=sorted(permissions),
        retired=u.now if retired else None, now=u.now,
    )  # fmt: skip
    await record(
        u, AuditTag.ROLE_CHANGED, role=key, what=what, label=label,
        permissions=sorted(permissions), before=sorted(before),
    )  # fmt: skip
