"""Anyone with a socket can call any handler of the portal: each is called here, as everyone."""

import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import httpx
import pytest

import services.bootstrap as root
from cm_app.api.factory import api
from services.access import queries
from services.access import service as access
from services.access.rules import ROLES
from services.access.sessions import new_session
from services.bootstrap import App, bootstrap
from services.campaigns import service as campaigns
from services.followups import service as followups
from services.followups.contracts import NewFollowup
from services.kit import live
from services.kit.actor import PERMISSIONS, system
from services.kit.embedded import Servers
from services.kit.errors import NotSignedIn, StepUpNeeded
from services.kit.ids import new_id
from state import session
from state.approvals import Approval
from state.audit import Audit
from state.builder import Builder
from state.builder_forms import StepForm
from state.followups import Followups
from state.inbox import Approvals
from state.privacy import Privacy
from state.settings import Settings
from tests.factories.api import ORIGIN
from tests.factories.practice import make_contact, make_practice
from tests.factories.state_table import ANYBODY, GIVEN, SIGNED_IN, TAB, permissions
from tests.factories.tab import Seen, Tab, handlers, invented, states


@dataclass
class Portal:
    app: App
    practice: UUID
    other: UUID
    campaign: UUID
    contact: UUID
    followup: UUID
    people: dict[str, tuple[str, frozenset[str]]]
    """Who → their session's token and permissions."""


@pytest.fixture
async def portal(
    app: App, config, servers: Servers, database_url: str, clock, practice: UUID, monkeypatch
) -> AsyncIterator[Portal]:
    """The process as the portal's states see it, with people of every role and of another practice."""
    wired = bootstrap(config=config, clock=clock, database_url=database_url, redis_url=servers.redis_url)
    monkeypatch.setattr(root, "servers", lambda _config: {"database_url": "", "redis_url": ""})
    monkeypatch.setattr(root, "bootstrap", lambda: wired)
    monkeypatch.setattr(session, "_open", lambda _token: True)
    monkeypatch.setattr(live, "watch", _one_tick)
    root.app.cache_clear()
    other = make_practice(database_url, clock.now(), name="Elsewhere")
    everything = frozenset(PERMISSIONS)
    people = {
        "nobody": ("", frozenset[str]()),
        "no role": (await _token(wired, practice, []), frozenset[str]()),
    }
    for role, may in ROLES.items():
        people[role] = (await _token(wired, practice, [role]), frozenset(may))
    people["stranger"] = (await _token(wired, other, list(ROLES)), everything)
    who = await access.actor_of(wired, await _token(wired, practice, list(ROLES)))
    async with wired.uow(who) as u:
        campaign = (await campaigns.create(u, name="Spring")).campaign_id
    contact = make_contact(database_url, practice, clock.now())
    async with wired.uow(who) as u:
        wanted = NewFollowup(
            contact_id=contact, due_at=u.now + timedelta(days=1), why="Call back", channels=["email"],
            content={"email": {"subject": "Hello", "body": "See you soon."}},
        )  # fmt: skip
        followup = (await followups.plan(u, wanted)).followup.followup_id
    await _remembered(wired, people, monkeypatch)
    yield Portal(wired, practice, other, campaign, contact, followup, people)
    root.app.cache_clear()
    await wired.close()


async def _token(app: App, practice: UUID, roles: list[str]) -> str:
    """A session of somebody new with these roles; nobody needs their password."""
    async with app.uow(system(practice, "test")) as u:
        person = new_id()
        await u.execute(
            queries.NEW_PERSON, practice=practice, person=person, login=f"p{person.hex}", display_name="P",
            password_hash="none", totp=None, roles=roles, now=u.now,
        )  # fmt: skip
        return await new_session(u, person)


async def _remembered(app: App, people: dict[str, tuple[str, frozenset[str]]], monkeypatch) -> None:
    """Ask who somebody is once, instead of a thousand times."""
    known = {token: await access.me(app, token) for token, _ in people.values() if token}

    async def me(_app: App, token: str) -> access.Me:
        if token not in known:
            raise NotSignedIn("Please sign in.")
        return known[token]

    async def actor_of(_app: App, token: str) -> access.Actor:
        return (await me(_app, token)).actor

    monkeypatch.setattr(access, "me", me)
    monkeypatch.setattr(access, "actor_of", actor_of)
    states()
    for name, module in list(sys.modules.items()):  # nobody waits for an undo here
        for pause in ("UNDO_SECONDS", "PAUSE_BEFORE_SAVE"):
            if name.startswith("state.") and hasattr(module, pause):
                monkeypatch.setattr(module, pause, 0)


async def _one_tick(*_: object, **__: object) -> AsyncIterator[str]:
    yield "tick"


@pytest.mark.covers("GOV-1", "GOV-3")
async def test_every_state_handler_is_called_as_everyone(portal: Portal):
    """What the table says holds: refused, or allowed, and nothing read or written when refused."""
    needed, found = permissions(), handlers()
    assert found.keys() == needed.keys(), "tests/factories/state_table.py names every handler, and no other"
    tab = Tab(portal.app.uow.engine)
    wrong: list[str] = []
    for name, (cls, handler) in found.items():
        for who, (tab.cookie, may) in portal.people.items():
            at = (
                portal.contact if cls.__name__ in ("Person", "Story", "Followups", "Why") else portal.campaign
            )
            tab.goes_to(
                f"/a/{at}"
                + ("/b" if cls.__name__ in ("WalkPage", "ForecastPage", "Versions", "PrintSheet") else "")
            )
            builder = tab.of(Builder)
            builder.id, builder.step = str(portal.campaign), StepForm(id="a", kind="wait", channel="email")
            tab.of(Approval).until = ""
            builder._edit, builder.ready = 1, True
            builder.saved = "saving" if name in ("Builder.save", "Builder.save_soon") else "saved"
            tab.of(Followups).cancelling, tab.of(Followups).template = str(portal.followup), ""
            given = GIVEN.get(name) or invented(handler, at)
            seen = await tab.call(cls, handler, *given)
            said = _problem(needed[name], who, may, seen)
            if who == "stranger" and portal.practice in seen.practices:
                said = "looked into another practice"
            if said:
                wrong.append(f"{name} as {who}: {said} ({type(seen.error).__name__}, {seen.statements[:1]})")
    assert not wrong, "\n" + "\n".join(wrong)


def _problem(needed: str, who: str, may: frozenset[str], seen: Seen) -> str:
    """What is wrong about one call; empty when it went as the table says."""
    if needed == TAB:
        return "a handler of the tab alone asked the database" if seen.statements or seen.practices else ""
    if needed == ANYBODY:
        return "refused" if seen.refused else ""
    if who == "nobody":
        return "not refused" if not seen.refused or seen.statements else ""
    if needed == SIGNED_IN or may & set(needed.split("|")):
        return "refused" if seen.refused else ""
    if "|" in needed:  # the service decides, after what this person may read anyway
        return "" if seen.refused else "not refused"
    # A page that has nothing for this person may also stay silent.
    return "something was read or written" if seen.statements else ""


def test_the_check_itself_finds_handlers_that_ask_too_late_or_not_at_all():
    looked = Seen(statements=["SELECT"])
    assert _problem("author", "no role", frozenset(), looked)
    assert _problem("author", "nobody", frozenset(), Seen())
    assert _problem("author", "nobody", frozenset(), Seen(NotSignedIn("no"), ["SELECT"]))
    assert _problem("author|manage", "analyst", frozenset({"read"}), Seen())
    assert _problem(TAB, "nobody", frozenset(), looked)
    assert _problem("read", "analyst", frozenset({"read"}), Seen(NotSignedIn("no")))
    assert not _problem("read", "analyst", frozenset({"read"}), looked)


@pytest.mark.covers("GOV-2")
async def test_what_is_hard_to_undo_waits_for_a_fresh_code_in_the_portal_and_the_api(portal: Portal):
    """D10: without a code of the last five minutes each act is refused, and nothing is written."""
    tab = Tab(portal.app.uow.engine)
    form = {
        "concierge_hold_hours": "72", "per_days": "7", "global_holdout_percent": "0", "quiet_start": "21:00",
        "quiet_end": "08:00", "emergency_stacks": "",
    }  # fmt: skip
    acts = [
        ("administrator", Settings, "release", (), portal.campaign),
        ("administrator", Settings, "save", (form | {"emergency_stacks": "weekend"},), portal.campaign),
        ("administrator", Settings, "save", (form | {"long-welcome": "on"},), portal.campaign),
        ("administrator", Audit, "download", (), portal.campaign),
        ("approver", Approvals, "approve_chosen", (), portal.campaign),
        ("compliance", Privacy, "erase", (), portal.contact),
        ("compliance", Privacy, "go_on", (), portal.contact),
    ]
    for who, cls, name, given, at in acts:
        tab.cookie = portal.people[who][0]
        tab.goes_to(f"/a/{at}")
        tab.of(Privacy)._id = str(portal.contact)
        tab.of(Settings).single_operator = False
        found = tab.of(cls)
        found.coding = False
        seen = await tab.call(cls, cls.event_handlers[name], *given)
        assert isinstance(seen.error, StepUpNeeded) or found.coding, f"{name}: {seen.error!r}"
        assert not [sql for sql in seen.statements if sql.startswith(("INSERT", "UPDATE", "DELETE"))], name
    tab.of(Settings).single_operator, tab.of(Settings).coding = True, False
    tab.cookie = portal.people["administrator"][0]
    tab.goes_to("/settings")
    await tab.call(Settings, Settings.event_handlers["save"], form)
    assert tab.of(Settings).coding, "the single-operator flag"

    stale = "This needs a fresh code"
    async with httpx.AsyncClient(transport=httpx.ASGITransport(api(portal.app)), base_url=ORIGIN) as client:
        for who, method, path, body in (
            (
                "approver",
                "POST",
                "/api/v1/approvals/decisions",
                {"approval_ids": [str(new_id())], "note": ""},
            ),
            ("approver", "POST", "/api/v1/kill-switch/release", {"reason": "over"}),
            ("administrator", "GET", "/api/v1/audit/export", None),
            ("administrator", "GET", "/api/v1/events/secret", None),
            ("compliance", "POST", f"/api/v1/people/{portal.contact}/erasure", None),
            ("compliance", "GET", f"/api/v1/people/{portal.contact}/access-report", None),
        ):
            client.cookies.set("cm_session", portal.people[who][0])
            answer = await client.request(method, path, json=body)
            assert (answer.status_code, answer.json()["code"]) == (403, "step_up_needed"), (
                f"{path}: {answer.text}"
            )
            assert stale in answer.text
        client.cookies.set("cm_session", portal.people["administrator"][0])
        tag = (await client.get("/api/v1/settings")).headers["etag"]
        for change in (
            {"single_operator": True},
            {"emergency_stacks": ["weekend"]},
            {"long_horizon_types": ["welcome"]},
        ):
            answer = await client.patch("/api/v1/settings", json=change, headers={"if-match": tag})
            assert (answer.status_code, answer.json()["code"]) == (403, "step_up_needed"), (
                f"{change}: {answer.text}"
            )
