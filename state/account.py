"""One's own account: where one is signed in, the password, and the authenticator app."""

from dataclasses import dataclass
from typing import Any

import reflex as rx
import segno

from services.access import service as access
from services.bootstrap import app
from services.kit.errors import Invalid, StepUpNeeded
from state import step_up, words
from state.session import TO_SIGN_IN, acting, actor_of, token_of


@dataclass(frozen=True)
class Place:
    device: str
    since: str
    seen: str
    here: bool


class Account(rx.State):
    loading: bool = True
    login: str = ""
    has_password: bool = True
    has_totp: bool = False
    places: list[Place] = []
    picture: str = ""
    secret: str = ""
    coding: bool = False
    code_hint: str = ""

    _secret: str = ""

    @rx.event
    async def load(self) -> None:
        self.reset()
        await self._read()

    @rx.event
    async def sign_out_elsewhere(self) -> Any:
        ended = await access.sign_out_elsewhere(app(), token_of(self))
        await self._read()
        return rx.toast.success(
            f"Signed out in {words.plural(ended, 'other place')}."
            if ended
            else "You were signed in here only."
        )

    @rx.event
    async def change_password(self, form: dict[str, Any]) -> Any:
        """Set a new password; every session ends with the old one."""
        new = str(form.get("new", ""))
        async with acting(self, None) as u:
            if new != str(form.get("again", "")):
                raise Invalid("The new password and its repetition are not the same.")
            await access.change_password(u, old=str(form.get("old", "")), new=new)
        return rx.call_script(TO_SIGN_IN)

    @rx.event
    async def begin_totp(self) -> Any:
        """Show a secret for an authenticator app; replacing one asks for a code of the old one."""
        await actor_of(self)
        try:
            made = await access.begin_totp(app(), token_of(self))
        except StepUpNeeded:
            await step_up.ask(self)
            return
        self._secret = made.secret
        self.secret = " ".join(made.secret[n : n + 4] for n in range(0, len(made.secret), 4))
        self.picture = segno.make(made.uri, error="m").svg_data_uri(scale=5, border=2)

    @rx.event
    async def confirm_totp(self, form: dict[str, Any]) -> Any:
        """Keep the authenticator once a code from it arrived."""
        await actor_of(self)
        await access.confirm_totp(app(), token_of(self), self._secret, str(form.get("first", "")).strip())
        self.picture = self.secret = self._secret = ""
        await self._read()
        return rx.toast.success("Your authenticator app is set up.")

    @rx.event
    def leave_totp(self, open: bool) -> None:
        if not open:
            self.picture = self.secret = self._secret = ""

    @rx.event
    def ask_code(self, open: bool) -> None:
        self.coding = open

    @rx.event
    async def give_code(self, form: dict[str, str]) -> Any:
        await actor_of(self)
        await step_up.take(self, form)
        return Account.begin_totp

    async def _read(self) -> None:
        me = await access.me(app(), token_of(self))
        found = await access.own_sessions(app(), token_of(self))
        self.login, self.has_totp, self.has_password = me.login, me.has_totp, me.has_password
        self.places = [
            Place(
                row.device or "A browser",
                words.moment(row.created_at, me.timezone),
                words.moment(row.seen_at, me.timezone),
                row.this_one,
            )
            for row in found
        ]
        self.loading = False
