"""A person's rights on their page: what is held, put right, forgotten; for whoever answers for it."""

from dataclasses import dataclass
from typing import Any

import reflex as rx

from services.access import service as access
from services.bootstrap import app
from services.kit.errors import StepUpNeeded
from services.privacy import service as privacy
from services.privacy.contracts import ErasureProgress
from state import words
from state.people import Person
from state.session import Session, acting, changed, opens, permitted, pings, token_of, uuid_of

FIELDS = {
    "first_name": "First name", "last_name": "Last name", "email": "Email", "phone": "Phone",
    "postcode": "Postcode", "date_of_birth": "Date of birth",
}  # fmt: skip


@dataclass(frozen=True)
class Stage:
    name: str
    state: str
    tone: str
    when: str = ""


class Privacy(rx.State):
    audit_href: str = "/audit"
    stages: list[Stage] = []
    unfinished: bool = False
    correcting: bool = False
    erasing: bool = False
    working: bool = False
    coding: bool = False
    code_hint: str = ""

    _id: str = ""
    _waiting: str = ""

    @rx.event
    @opens
    async def load(self) -> Any:
        self._id = self.router.url.path.rstrip("/").rsplit("/", 1)[-1]
        self.correcting = self.erasing = self.coding = self.working = False
        self.stages, self.audit_href = [], f"/audit?person={uuid_of(self._id)}"
        await self._read()
        return Privacy.follow

    @rx.event(background=True, supersedes=True)
    async def follow(self) -> None:
        """An erasure under way is followed to its end."""
        async for topic in pings(self, "/people"):
            if topic in ("tick", "people"):
                async with self:
                    if self.stages:
                        await self._read()

    @rx.event
    def ask_correct(self, open: bool) -> None:
        self.correcting = open

    @rx.event
    async def correct(self, form: dict[str, str]) -> Any:
        """Passes what is wrong to the Practice Platform, which owns the record."""
        actor = await permitted(self, "compliance")
        done = await privacy.rectify(app(), actor, uuid_of(self._id), form)
        self.correcting = False
        if not done:
            return rx.toast.info("The Practice Platform has exactly this already.")
        named = ", ".join(FIELDS[name].lower() for name in done)
        await changed(self, "people")
        return [rx.toast.success(f"The Practice Platform put right: {named}."), Person.load]

    @rx.event
    async def report(self, form: str) -> Any:
        """Downloads everything held about this person."""
        return await self._fresh("html" if form == "html" else "json")

    @rx.event
    def ask_erase(self, open: bool) -> None:
        self.erasing = open

    @rx.event
    async def erase(self) -> Any:
        """Forgets this person for good."""
        self.erasing = False
        return await self._fresh("erase")

    @rx.event
    def ask_code(self, open: bool) -> None:
        self.coding = open

    @rx.event
    async def give_code(self, form: dict[str, str]) -> Any:
        """Checks the one-time code, then does what waited for it."""
        await permitted(self, "compliance")
        await access.step_up(app(), token_of(self), form.get("code", "").strip())
        self.coding = False
        return await self._fresh(self._waiting)

    async def _fresh(self, what: str) -> Any:
        await permitted(self, "compliance")
        try:
            await access.require_fresh(app(), token_of(self))
        except StepUpNeeded:
            self._waiting, self.coding = what, True
            self.code_hint = await access.demo_code(app(), token_of(self))
            return None
        if what == "erase":
            return Privacy.go_on
        address = f"/api/v1/people/{uuid_of(self._id)}/access-report?form={what}"
        return rx.call_script(f"window.location.assign('{address}')")

    @rx.event
    async def go_on(self) -> Any:
        """The erasure itself; asked again it goes on with what is left."""
        actor = await permitted(self, "compliance")
        await access.require_fresh(app(), token_of(self))
        self.working = True
        yield
        try:
            done = await privacy.forget_person(app(), actor, uuid_of(self._id))
        finally:
            self.working = False
            await self._read()
        self._show(done, (await self.get_state(Session)).zone)
        await changed(self, "people")
        yield rx.toast.success("Forgotten here and at the Practice Platform, which tells everybody else.")
        yield Person.load

    async def _read(self) -> None:
        zone = (await self.get_state(Session)).zone
        async with acting(self, None) as u:
            if not u.actor.may("compliance"):
                return
            self._show(await privacy.progress(u, uuid_of(self._id)), zone)

    def _show(self, done: ErasureProgress, zone: str) -> None:
        if done.here is None and not done.platform:
            self.stages = []
            return
        self.unfinished = not done.platform
        self.stages = [
            Stage(
                "Campaign Manager",
                "Forgotten" if done.here else "Nothing held",
                "ok",
                words.moment(done.here, zone) if done.here else "",
            ),
            Stage("Practice Platform", *(("Forgotten", "ok") if done.platform else ("Still to do", "warn"))),
            Stage("Hub and other modules", *(("Told", "ok") if done.told else ("Being told", "info"))),
        ]
