"""QA mode for end-to-end testers: a clock that moves, events injected, worlds by name.

Only mounted when CM_QA is on, and never in production (see `factory`). Callers are administrators
or hold the QA key that `cm up` prints.
"""

import secrets
from datetime import datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import pyotp
from fastapi import APIRouter, Depends, Request
from pydantic import AwareDatetime, Field
from sqlalchemy import text

from cm_app.api import worlds
from cm_app.api.events import check, publish
from cm_app.api.routing import Route
from cm_app.api.security import Caller, Key, Running, Token, identify
from services.access.contracts import DemoPerson
from services.access.service import carry_sessions, demo_people, operator
from services.audit.append import record
from services.audit.tags import AuditTag
from services.bootstrap import App
from services.contracts.envelope import Envelope, Strict
from services.kit import qa
from services.kit.clock import SystemClock, VirtualClock
from services.kit.errors import NotFound
from services.kit.ids import new_id

router = APIRouter(prefix="/api/qa", tags=["QA mode"], route_class=Route)
LONGEST = 400 * 24 * 3600


class ClockOut(Strict):
    """`offset_seconds`: how far the shared clock is ahead of the machine's."""

    now: datetime
    offset_seconds: int


class ClockMove(Strict):
    seconds: int = Field(ge=0, le=LONGEST)


class Injection(Strict):
    """An event as a neighbour would send it; what is left out is filled in."""

    type: str = Field(pattern=r"^[a-z0-9_.-]+$")
    data: dict[str, Any] = Field(default_factory=dict)
    subject: str | None = None
    id: str | None = None
    source: str = "qa"
    time: AwareDatetime | None = None


class PersonOut(Strict):
    """A demo person; `code` is their one-time code at this moment."""

    login: str
    password: str
    name: str
    role: str
    code: str


class WorldOut(Strict):
    name: str
    practice_id: UUID
    contacts: int
    people: list[PersonOut]


async def tester(request: Request, app: Running, token: Token, key: Key) -> Caller:
    """The holder of the QA key, acting for the first practice; else a signed-in administrator."""
    wanted = qa.key(app.keyring)
    if key is not None and secrets.compare_digest(key.credentials.encode(), wanted.encode()):
        return Caller(app, operator(await _practice(app)), None)
    return await identify(request, app, token, key, "administer")


Tester = Annotated[Caller, Depends(tester)]


@router.get("/clock")
async def clock(who: Tester) -> ClockOut:
    """Read the shared clock."""
    return await _clock(who.app)


@router.post("/clock")
async def move_clock(who: Tester, move: ClockMove) -> ClockOut:
    """Move every process's clock forward. Each takes it over at its next round."""
    async with who.unit() as u:
        await record(u, AuditTag.QA_CLOCK_MOVED, seconds=move.seconds)
        await carry_sessions(u, timedelta(seconds=move.seconds))
    if isinstance(who.app.clock, VirtualClock):
        who.app.clock.advance(seconds=move.seconds)
    else:
        await qa.move_forward(who.app.bus, move.seconds)
        await qa.apply_offset(who.app.bus, who.app.clock)
    async with who.unit("clock") as u:
        await u.execute("SELECT cm.ensure_partitions(CAST(:now AS date), 3)", now=u.now)
    return await _clock(who.app)


@router.post("/events", status_code=202)
async def inject(who: Tester, event: Injection) -> Envelope:
    """Put one event on the bus as its source would.

    Unlike the signed door, malformed data of a
    known type is refused here too: use the bus itself to test dead letters."""
    made = Envelope(
        id=event.id or str(new_id()),
        source=event.source,
        type=event.type,
        time=event.time or who.app.clock.now(),
        practiceid=who.actor.practice_id,
        subject=event.subject,
        data={"practice_id": str(who.actor.practice_id), **event.data},
    )
    check(made)
    await publish(who.app, [made])
    return made


@router.get("/people")
async def people(who: Tester) -> list[PersonOut]:
    """List the demo people with their passwords and their codes of this moment."""
    return [_person(who.app, person) for person in await demo_people(who.app)]


@router.post("/worlds/{name}")
async def load_world(name: str, who: Tester) -> WorldOut:
    """Load a world by its name."""
    world = await worlds.load(who.app, name, who.actor.practice_id)
    return WorldOut(
        name=world.name,
        practice_id=world.practice_id,
        contacts=world.contacts,
        people=[_person(who.app, person) for person in world.people],
    )


async def _clock(app: App) -> ClockOut:
    ahead = await qa.offset(app.bus) if isinstance(app.clock, SystemClock) else None
    return ClockOut(now=app.clock.now(), offset_seconds=int(ahead.total_seconds()) if ahead else 0)


async def _practice(app: App) -> UUID:
    async with app.uow.engine.connect() as connection:
        found = (await connection.execute(text("SELECT cm.practice_ids() LIMIT 1"))).scalar_one_or_none()
    if found is None:
        raise NotFound("There is no practice yet. Seed one with `cm up` or `cm seed`.")
    practice_id: UUID = found
    return practice_id


def _person(app: App, person: DemoPerson) -> PersonOut:
    code = pyotp.TOTP(person.totp_secret).at(app.clock.now())
    return PersonOut(
        login=person.login,
        password=person.password,
        name=person.display_name,
        role=person.role,
        code=code,
    )
