"""People and roles: the team's accounts, and what each role lets somebody do (000 §9)."""

from dataclasses import dataclass
from typing import Any

import reflex as rx

from services.access import service as access
from services.access.contracts import OutsideSignIn, PersonRow, RoleRow
from services.bootstrap import app
from services.kit.actor import PERMISSIONS, WORDS
from services.kit.errors import Invalid
from services.kit.ids import new_token
from state import words
from state.session import Session, acting, uuid_of
from state.undo import offered

MAY, HAS = "may-", "role-"
"""How a form names the switch of a permission and that of a role."""


@dataclass(frozen=True)
class Member:
    id: str
    name: str
    login: str
    roles: str
    state: str
    tone: str
    active: bool
    mine: bool


@dataclass(frozen=True)
class Role:
    key: str
    label: str
    description: str
    people: str


@dataclass(frozen=True)
class Line:
    """One permission in words, and for each role whether it has it."""

    words: str
    cells: list[bool]


@dataclass(frozen=True)
class Tick:
    key: str
    words: str
    hint: str
    on: bool


class Team(rx.State):
    loading: bool = True
    members: list[Member] = []
    roles: list[Role] = []
    retired: list[Role] = []
    lines: list[Line] = []

    editing: str = ""  # a role's key, `new`, or nothing
    label: str = ""
    description: str = ""
    ticks: list[Tick] = []

    person: str = ""  # whose roles are being changed: an id, `new`, or nothing
    person_name: str = ""
    choices: list[Tick] = []
    first_password: str = ""

    provider: str = ""  # where a provider is set up, what it is called
    inviting: bool = False
    domains: str = ""
    claim: str = "groups"
    first_role: str = ""
    groups: str = ""
    role_options: list[list[str]] = []
    may_rule: bool = False

    @rx.event
    async def load(self) -> None:
        self.reset()
        await self._read()

    @rx.event
    async def edit(self, key: str) -> None:
        """Open the dialog of a role, or of a new one."""
        async with acting(self, "people") as u:
            role = next((r for r in await access.roles(u) if r.key == key), None)
        self.editing = role.key if role else "new"
        self.label, self.description = (role.label, role.description) if role else ("", "")
        given = role.permissions if role else frozenset({"read"})
        self.ticks = [Tick(MAY + p, WORDS[p][0].upper() + WORDS[p][1:], "", p in given) for p in PERMISSIONS]

    @rx.event
    def leave_role(self, open: bool) -> None:
        self.editing = self.editing if open else ""

    @rx.event
    async def keep_role(self, form: dict[str, Any]) -> Any:
        """Store the role of the dialog."""
        wanted = [p for p in PERMISSIONS if form.get(MAY + p)]
        label, description = str(form.get("label", "")), str(form.get("description", ""))
        async with acting(self, "people") as u:
            if self.editing == "new":
                await access.add_role(u, label=label, description=description, permissions=wanted)
            else:
                await access.change_role(
                    u, self.editing, label=label, description=description, permissions=wanted
                )
        self.editing = ""
        await self._read()
        return [rx.toast.success("Saved. It counts from everybody's next click."), Session.enter]

    @rx.event
    async def retire(self, key: str) -> Any:
        async with acting(self, "people") as u:
            await access.retire_role(u, key)
        self.editing = ""
        await self._read()
        return offered("The role is out of use and gives nothing any more.", Team.bring_back(key))

    @rx.event
    async def bring_back(self, key: str) -> Any:
        async with acting(self, "people") as u:
            await access.retire_role(u, key, retired=False)
        await self._read()
        return rx.toast.info("The role is in use again.")

    @rx.event
    async def choose_person(self, person_id: str) -> None:
        """Open the dialog of a person's roles, or of a new account."""
        async with acting(self, "people") as u:
            roles = [role for role in await access.roles(u) if not role.retired]
            known = {str(row.person_id): row for row in await access.people(u)}
        row = known.get(person_id)
        self.person, self.person_name = (person_id, row.display_name) if row else ("new", "")
        self.first_password = "" if row else new_token(12)
        has = row.roles if row else ()
        self.choices = [Tick(HAS + r.key, r.label, r.description, r.key in has) for r in roles]

    @rx.event
    def leave_person(self, open: bool) -> None:
        self.person = self.person if open else ""

    @rx.event
    async def keep_person(self, form: dict[str, Any]) -> Any:
        """Add the account of the dialog, or give the person the roles ticked."""
        async with acting(self, "people") as u:
            chosen = [r.key for r in await access.roles(u) if form.get(HAS + r.key)]
            if self.person == "new":
                await access.add_person(
                    u, login=str(form.get("login", "")), display_name=str(form.get("name", "")),
                    password=str(form.get("password", "")), roles=chosen,
                )  # fmt: skip
            else:
                await access.change_roles(u, uuid_of(self.person), chosen)
        self.person = self.first_password = ""
        await self._read()
        return [rx.toast.success("Saved. It counts from their next click."), Session.enter]

    @rx.event
    async def close_account(self, person_id: str) -> Any:
        """End an account's sessions and keep it from signing in, until it is opened again."""
        async with acting(self, "people") as u:
            await access.set_active(u, uuid_of(person_id), False)
        await self._read()
        return offered("The account is closed and signed out everywhere.", Team.open_account(person_id))

    @rx.event
    async def open_account(self, person_id: str) -> Any:
        async with acting(self, "people") as u:
            await access.set_active(u, uuid_of(person_id), True)
        await self._read()
        return rx.toast.info("The account is open again.")

    @rx.event
    async def ask_invite(self, open: bool) -> None:
        self.inviting = False
        if open:
            await self.choose_person("")
            self.person, self.inviting = "", True

    @rx.event
    async def invite(self, form: dict[str, Any]) -> Any:
        """Let an address in at the provider, once, with the roles ticked."""
        async with acting(self, "people") as u:
            chosen = [r.key for r in await access.roles(u) if form.get(HAS + r.key)]
            await access.invite(u, address=str(form.get("address", ""))[:200], roles=chosen)
        self.inviting = False
        return rx.toast.success("Invited. They can sign in now; nothing was sent to them.")

    @rx.event
    async def keep_outside(self, form: dict[str, Any]) -> Any:
        """Who is let in by their domain, and which groups stand for which roles."""
        async with acting(self, "administer") as u:
            labels = {r.label.lower(): r.key for r in await access.roles(u) if not r.retired}
            rules = _outside(form, labels)
            old = await access.practice_settings(u)
            await access.save_settings(u, old.model_copy(update={"outside": rules}))
        await self._read()
        return rx.toast.success("Saved. It counts from the next sign-in.")

    async def _read(self) -> None:
        async with acting(self, "people") as u:
            people, roles = await access.people(u), await access.roles(u)
            now, me = u.now, u.actor.person_id
            rules, self.may_rule = (await access.practice_settings(u)).outside, u.actor.may("administer")
        self.provider = app().settings.oidc_label if app().settings.oidc_issuer else ""
        labels = {role.key: role.label for role in roles}
        self.members = [_member(p, labels, locked=bool(p.locked_until and p.locked_until > now),
                                mine=p.person_id == me) for p in people]  # fmt: skip
        live = [role for role in roles if not role.retired]
        self.roles = [_role(role) for role in live]
        self.retired = [_role(role) for role in roles if role.retired]
        self.lines = [
            Line(WORDS[p][0].upper() + WORDS[p][1:], [p in role.permissions for role in live])
            for p in PERMISSIONS
        ]
        self.domains, self.claim = ", ".join(rules.domains), rules.claim
        self.first_role = next(iter(rules.first_roles), "")
        self.groups = "\n".join(f"{group} = {labels.get(key, key)}" for group, key in rules.groups.items())
        self.role_options = [["", "No role"], *([role.key, role.label] for role in live)]
        self.loading = False


def _outside(form: dict[str, Any], labels: dict[str, str]) -> OutsideSignIn:
    """The rules a form asks for; one `group = role` a line. Raises Invalid."""
    groups = {}
    for line in str(form.get("groups", "")).splitlines():
        group, sign, role = (part.strip() for part in line.rpartition("="))
        if not line.strip():
            continue
        if not sign or not group or role.lower() not in labels:
            raise Invalid(f"“{line.strip()[:60]}” names no role here. Write one group = role a line.")
        groups[group] = labels[role.lower()]
    domains = [part.strip().lower().lstrip("@") for part in str(form.get("domains", "")).split(",")]
    first = str(form.get("first_role", ""))
    return OutsideSignIn(
        domains=tuple(part for part in domains if part),
        first_roles=(first,) if first in labels.values() else (),
        claim=str(form.get("claim", "")).strip() or "groups",
        groups=groups,
    )


def _member(row: PersonRow, labels: dict[str, str], *, locked: bool, mine: bool) -> Member:
    state, tone = ("Open", "ok") if row.active else ("Closed", "neutral")
    if row.active and locked:
        state, tone = "Locked for now", "warn"
    return Member(
        id=str(row.person_id), name=row.display_name, login=row.login,
        roles=", ".join(labels.get(role, role) for role in row.roles) or "None",
        state=state, tone=tone, active=row.active, mine=mine,
    )  # fmt: skip


def _role(role: RoleRow) -> Role:
    return Role(role.key, role.label, role.description, words.plural(role.people, "person", "people"))
