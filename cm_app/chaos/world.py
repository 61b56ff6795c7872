"""The practice that is tormented: its people, its settings, and the campaigns of each round."""

from dataclasses import dataclass
from itertools import pairwise
from uuid import UUID

from sqlalchemy import create_engine, text

from services.bootstrap import App
from services.campaigns import service as campaigns
from services.contracts.journey import (
    ChannelContent,
    Entry,
    EventMatch,
    Exit,
    Journey,
    Message,
    Pace,
    Reentry,
    Step,
    Variant,
    Wait,
    WaitEvent,
    WaitFor,
)
from services.contracts.segment import Audience, Condition
from services.kit.actor import PERMISSIONS, Actor
from services.kit.db import owner
from services.kit.ids import new_id

DAY = 24 * 60
FOOTER = '<p>{{ practice.name }}, {{ practice.address }}. <a href="{{ unsubscribe_url }}">Unsubscribe</a></p>'
# No quiet hours and no caps: what must not be sent here must be stopped by an event.
SETTINGS = (
    '{"caps": {"max_touches": null, "per_days": 7, "min_gap_hours": null},'
    ' "quiet_start": "00:00", "quiet_end": "00:00"}'
)
PRACTICE = """
INSERT INTO canonical.practice (practice_id, name, timezone, postal_address)
VALUES (:practice, 'Harbour Dental', 'Europe/London', '1 Harbour Street, Bristol BS1 5TY')
"""
REGISTERED = """
INSERT INTO cm.practice (practice_id, label, timezone, settings, created_at)
VALUES (:practice, 'Harbour Dental', 'Europe/London', CAST(:settings AS jsonb), :now)
"""
PEOPLE = """
INSERT INTO canonical.contact (practice_id, contact_id, kind, first_name, last_name, email, app_user, registered_at)
SELECT :practice, uuidv7(), 'patient', 'Person', n::text, 'person' || n || '@example.com', true, :now
FROM generate_series(1, :people) n
"""
CONSENT = """
INSERT INTO canonical.consent (practice_id, contact_id, channel, purpose, state, method, effective_at)
SELECT practice_id, contact_id, channel, 'marketing', 'granted', 'form', :now
FROM canonical.contact CROSS JOIN (VALUES ('email'), ('in_app')) c(channel) WHERE practice_id = :practice
"""
CONTACTS = "SELECT contact_id FROM canonical.contact WHERE practice_id = :practice ORDER BY contact_id"


@dataclass(frozen=True)
class Town:
    """`settled` are people whom a closing event may hit: nothing ever opens them again."""

    practice_id: UUID
    people: list[UUID]

    @property
    def settled(self) -> list[UUID]:
        return self.people[::4]

    @property
    def lively(self) -> list[UUID]:
        return [p for n, p in enumerate(self.people) if n % 4]


def found(app: App, database_url: str, people: int) -> Town:
    """Write the practice and its people as the database's owner."""
    practice_id = new_id()
    values = {
        "practice": practice_id, "now": app.clock.now(), "people": people, "settings": SETTINGS,
    }  # fmt: skip
    engine = create_engine(owner(database_url))
    with engine.begin() as connection:
        for sql in (PRACTICE, REGISTERED, PEOPLE, CONSENT):
            connection.execute(text(sql), values)
        contacts = list(connection.execute(text(CONTACTS), values).scalars())
    engine.dispose()
    return Town(practice_id, contacts)


async def launch(app: App, practice_id: UUID, name: str, journey: Journey) -> UUID:
    """Draft, ask, approve: by two different people, as in the portal."""
    async with app.uow(_person(practice_id)) as u:
        campaign = await campaigns.create(u, name=name, journey=journey)
        request = await campaigns.request_approval(u, campaign.campaign_id)
    async with app.uow(_person(practice_id)) as u:
        await campaigns.approve(u, request.approval_id)
    return campaign.campaign_id


def reminder(per_minute: int) -> Journey:
    """Everybody, three messages over four days; the first go out `per_minute`, round after round."""
    return Journey(
        campaign_type="reactivation",
        audience=Audience(
            kinds=["patient"], include=[Condition(field="contact.kind", op="is", value="patient")]
        ),
        pace=Pace(per_minute=per_minute),
        steps=_chain(
            Entry(id="start", how="segment"),
            _message("hello", "email"),
            Wait(id="pause", until=WaitFor(minutes=DAY)),
            _message("again", "in_app"),
            Wait(id="longer", until=WaitFor(minutes=3 * DAY)),
            _message("last", "email"),
        ),
    )


def follow_up() -> Journey:
    """Whoever lets a proposal lie: two messages unless they book. A recall journey holds it."""
    return Journey(
        campaign_type="nurture",
        audience=Audience(
            kinds=["patient"], include=[Condition(field="contact.kind", op="is", value="patient")]
        ),
        steps=_chain(
            Entry(
                id="start", how="event", event=EventMatch(type="proposal.stalled"), limit_hours=0,
                reentry=Reentry(rule="after_exit"),
            ),
            _message("hello", "in_app"),
            WaitEvent(
                id="booking", event=EventMatch(type="proposal.accepted"), timeout_minutes=DAY,
                on_event="done", on_timeout="again",
            ),
            _message("again", "email"),
        ),
    )  # fmt: skip


def _chain(*steps: Step) -> list[Step]:
    whole: list[Step] = [*steps, Exit(id="done")]
    return [
        step.model_copy(update={"next": after.id}) if hasattr(step, "next") else step
        for step, after in pairwise(whole)
    ] + [whole[-1]]


def _message(step_id: str, channel: str) -> Message:
    content = ChannelContent(
        subject="Hello", body="<p>Hello {{ contact.first_name }}</p>" + (FOOTER if channel == "email" else "")
    )
    return Message(
        id=step_id, title="Hello", channels=[channel], variants=[Variant(content={channel: content})]
    )


def _person(practice_id: UUID) -> Actor:
    person_id = new_id()
    return Actor(practice_id, f"person:{person_id}", frozenset(PERMISSIONS), person_id)
