"""The sign-in page: what went wrong last time, and the demo people where there are any.

Signing in itself is a plain form sent to `/api/session`, because only an HTTP answer can set an
HttpOnly cookie.
"""

from dataclasses import dataclass
from urllib.parse import quote

import reflex as rx

from services.access import service as access
from services.bootstrap import app
from services.kit.errors import NotSignedIn
from state import words
from state.session import actor_of, forget

PROBLEMS = {
    "locked": "Too many wrong passwords. Wait a few minutes, then try again.",
    **access.REFUSALS,
    "ended": "Your session has ended. Sign in again to go on.",
}
WRONG = "That name and password do not belong together. Check both and try again."


@dataclass(frozen=True)
class DemoRow:
    login: str
    password: str
    name: str
    role: str
    what: str


class Login(rx.State):
    problem: str = ""
    next: str = ""  # the page that was asked for; the API follows it only within the portal
    people: list[DemoRow] = []
    provider: str = ""  # what the button says after “Sign in with”
    provider_href: str = ""

    @rx.event
    async def load(self) -> rx.event.EventSpec | None:
        """Goes on to the portal when already signed in; else forgets what this tab showed before."""
        try:
            await actor_of(self)
            return rx.redirect("/")
        except NotSignedIn:
            await forget(self)
        code = self.router.url.query_parameters.get("problem", "")
        self.next = self.router.url.query_parameters.get("next", "")
        self.problem = PROBLEMS.get(code, WRONG) if code else ""
        config = app().settings
        self.provider = config.oidc_label if config.oidc_issuer else ""
        self.provider_href = "/api/session/oidc" + (f"?next={quote(self.next)}" if self.next else "")
        self.people = [
            DemoRow(p.login, p.password, p.display_name, words.ROLES[p.role], p.what)
            for p in await access.demo_people(app())
        ]
        return None
