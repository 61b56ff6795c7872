"""Numbers and attribution on real rows."""

from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from uuid import UUID

import pytest

from services.bootstrap import App
from services.contracts.journey import Goal, Journey
from services.insights import service as insights
from services.insights.conversions import record_conversions
from services.insights.daily import standing
from services.insights.rules import credits
from services.kit.actor import Actor, system
from services.kit.ids import new_id
from tests.factories.practice import make_contact, run


class Made:
    """A campaign with one version, and what happened to its people."""

    def __init__(self, app: App, database_url: str, practice: UUID, *, window: int = 7):
        self.app, self.url, self.practice = app, database_url, practice
        self.campaign, self.version, self.now = new_id(), new_id(), app.clock.now()
        journey = Journey(goal=Goal(window_days=window))
        person = new_id()
        run(database_url, "INSERT INTO cm.campaign (practice_id, campaign_id, name, campaign_type, kind, state, created_by,"
            " created_at, updated_at) VALUES (:p, :c, 'Recall', 'nurture', 'one_off', 'active', :by, :now, :now)",
            {"p": practice, "c": self.campaign, "by": person, "now": self.now})  # fmt: skip
        sealed = app.keyring.seal(
            journey.model_dump_json().encode(), place=f"campaign.version:{self.version}"
        )
        run(database_url, "INSERT INTO cm.campaign_version (practice_id, version_id, campaign_id, number, content_hash,"
            " definition, editors, created_by, created_at) VALUES (:p, :v, :c, 1, 'h', :d, '{}', :by, :now)",
            {"p": practice, "v": self.version, "c": self.campaign, "d": sealed, "by": person, "now": self.now})  # fmt: skip

    def enrol(self, contact: UUID, state: str = "live", step: str = "hello") -> UUID:
        enrolment = new_id()
        run(self.url, "INSERT INTO cm.enrolment (practice_id, enrolment_id, campaign_id, version_id, contact_id, pseudonym,"
            " state, entry_no, step_id, move_no, enrolled_at, moved_at) VALUES (:p, :e, :c, :v, :contact, :contact, :state,"
            " (SELECT count(*) + 1 FROM cm.enrolment WHERE contact_id = :contact),"
            " CASE WHEN :state <> 'live' THEN :step END, CASE WHEN :state <> 'live' THEN 0 END, :now, :now)",
            {"p": self.practice, "e": enrolment, "c": self.campaign, "v": self.version, "contact": contact,
             "state": state, "step": step, "now": self.now})  # fmt: skip
        if state == "live":
            run(self.url, "INSERT INTO cm.work (practice_id, enrolment_id, version_id, step_id, due_at, contact_id, move_no,"
                " enrolled_at, pseudonym, lane)"
                " VALUES (:p, :e, :v, :step, :now, :contact, 0, :now, :contact, cm.lane(:contact))",
                {"p": self.practice, "e": enrolment, "v": self.version, "step": step, "now": self.now,
                 "contact": contact})  # fmt: skip
        return enrolment

    def dispatch(self, contact: UUID, enrolment: UUID, at: datetime, *, sent: bool = True, status: str = "sent",
                 step: str = "hello") -> UUID:  # fmt: skip
        dispatch = new_id()
        run(self.url, "INSERT INTO cm.dispatch (practice_id, dispatch_id, enrolled_at, enrolment_id, move_no, campaign_id,"
            " version_id, step_id, contact_id, channels, topic, variant, content_ref, requested_at, status, channel,"
            " status_at, sent_at) VALUES (:p, :d, :now, :e, (SELECT count(*) FROM cm.dispatch WHERE enrolment_id = :e),"
            " :c, :v, :step, :contact, '{email}', 'marketing', 'a', 'r', :at, :status, 'email', :at, :sent)",
            {"p": self.practice, "d": dispatch, "now": self.now, "e": enrolment, "c": self.campaign, "v": self.version,
             "step": step, "contact": contact, "at": at, "status": status, "sent": at if sent else None})  # fmt: skip
        return dispatch

    def metric(self, step: str, name: str, value: int, *, days_ago: int = 0, channel: str = "") -> None:
        run(self.url, "INSERT INTO cm.metric (practice_id, campaign_id, version_id, step_id, channel, day, name, value)"
            " VALUES (:p, :c, :v, :step, :channel, :day, :name, :value)",
            {"p": self.practice, "c": self.campaign, "v": self.version, "step": step, "channel": channel, "name": name,
             "day": (self.now - timedelta(days=days_ago)).date(), "value": value})  # fmt: skip


def reader(practice: UUID) -> Actor:
    return Actor(practice, "person:reader", frozenset({"read"}))


async def booked(app: App, practice: UUID, contact: UUID, ref: str = "appointment:1", **more) -> int:
    values = {"what": "booking", "value": 60.0, "at": app.clock.now(), **more}
    async with app.uow(system(practice, "intake")) as u:
        return await record_conversions(u, contact, event_ref=ref, **values)


@pytest.mark.covers("INS-1", "BLD-8", "INS-7")
async def test_numbers_by_step_by_channel_and_by_day(app: App, practice: UUID, database_url: str):
    made = Made(app, database_url, practice)
    people = [make_contact(database_url, practice, made.now) for _ in range(3)]
    made.enrol(people[0], "live", "pause")
    made.enrol(people[1], "held", "hello")
    made.enrol(people[2], "completed", "hello")
    made.metric("hello", "entered", 3)
    made.metric("hello", "requested", 2)
    made.metric("hello", "sent", 2, channel="email")
    made.metric("hello", "sent", 5, days_ago=1, channel="sms")
    made.metric("fork", "port:path-0", 4)
    made.metric("fork", "no_such_number", 9)
    async with app.uow(reader(practice)) as u:
        steps = {step.step_id: step for step in await insights.step_numbers(u, made.campaign)}
        assert (steps["hello"].entered, steps["hello"].sent, steps["hello"].held) == (3, 7, 1)
        assert steps["pause"].waiting == 1
        assert steps["fork"].ports == {"path-0": 4}
        assert await insights.step_numbers(u, made.campaign, version_id=new_id()) == []
        channels = {group.key: group.sent for group in await insights.message_totals(u, made.campaign)}
        assert channels == {"email": 2, "sms": 5}
        assert [g.key for g in await insights.message_totals(u, days=1)] == ["email"]
        today = made.now.date()
        days = await insights.series(
            u, [made.campaign], names=("sent",), first=today - timedelta(days=2), last=today
        )
        assert [day.values["sent"] for day in days] == [0, 5, 2]
        both = await insights.totals(u, [made.campaign, new_id()])
        assert (both[made.campaign].entered, both[made.campaign].live, both[made.campaign].held) == (3, 2, 1)
        assert (both[made.campaign].sent, both[made.campaign].completed) == (7, 1)


@pytest.mark.covers("INS-2")
async def test_an_outcome_counts_once_and_only_inside_the_goal_window(
    app: App, practice: UUID, database_url: str
):
    made = Made(app, database_url, practice, window=3)
    person = make_contact(database_url, practice, made.now)
    enrolment = made.enrol(person)
    made.dispatch(person, enrolment, made.now - timedelta(days=4))
    assert await booked(app, practice, person) == 0, "too long ago"
    made.dispatch(person, enrolment, made.now - timedelta(hours=1), sent=False, status="accepted")
    made.dispatch(person, enrolment, made.now - timedelta(hours=1), status="bounced")
    made.dispatch(person, enrolment, made.now + timedelta(hours=1))
    assert await booked(app, practice, person) == 0, "never seen before the booking"
    made.dispatch(person, enrolment, made.now - timedelta(days=2), step="second")
    assert await booked(app, practice, person) == 1
    assert await booked(app, practice, person) == 0, "the same appointment again"
    assert await booked(app, practice, person, "opportunity:9", what="revenue", value=900.0) == 1
    async with app.uow(reader(practice)) as u:
        seen = await insights.attribution(u, made.campaign)
        assert (seen.bookings, seen.opportunities, seen.revenue, seen.booked_value) == (1, 1, 900, 60)
        assert seen.by_step == {"second": 2}
        assert [
            s.converted for s in await insights.step_numbers(u, made.campaign) if s.step_id == "second"
        ] == [2]
        total = (await insights.totals(u, [made.campaign]))[made.campaign]
        assert (total.booked, total.opportunities, total.revenue) == (1, 1, 900)
        assert (
            await u.execute("SELECT count(*) FROM cm.audit WHERE tag = 'conversion.recorded'")
        ).scalar_one() == 2
        assert (
            await u.execute("SELECT count(*) FROM cm.outbox WHERE type = 'campaign.message.converted'")
        ).scalar_one() == 2
        assert (await standing(u)).revenue == 900


@pytest.mark.covers("INS-2")
async def test_the_models_in_sql_agree_with_the_models_in_words(app: App, practice: UUID, database_url: str):
    """Random touches of three campaigns; each campaign's credit is the sum over its messages."""
    pick = Random(20260601)
    campaigns = [Made(app, database_url, practice) for _ in range(3)]
    expected = {
        (m, c.campaign): Decimal(0) for m in ("first", "last", "linear", "position") for c in campaigns
    }
    for n in range(12):
        person = make_contact(database_url, practice, app.clock.now())
        enrolments = {c.campaign: c.enrol(person) for c in campaigns}
        touches = pick.choices(campaigns, k=pick.randint(1, 6))
        for back, made in enumerate(touches):
            made.dispatch(
                person, enrolments[made.campaign], app.clock.now() - timedelta(hours=len(touches) - back)
            )
        assert await booked(app, practice, person, f"appointment:{n}") == len({t.campaign for t in touches})
        for model, campaign in expected:
            shares = credits(len(touches), model)
            expected[model, campaign] += sum(
                s for s, t in zip(shares, touches, strict=True) if t.campaign == campaign
            )
    async with app.uow(reader(practice)) as u:
        for (model, campaign), credit in expected.items():
            found = await insights.attribution(u, campaign, model=model)
            assert round(found.bookings, 9) == round(credit, 9), model
            assert found.involved >= found.bookings


@pytest.mark.covers("INS-2")
@pytest.mark.parametrize("touches", [0, 1, 2, 3, 7])
@pytest.mark.parametrize("model", ["first", "last", "linear", "position"])
def test_the_shares_of_an_outcome_sum_to_one(touches: int, model: str):
    shares = credits(touches, model)
    assert len(shares) == touches
    assert round(sum(shares), 9) == (1 if touches else 0)
    assert all(share >= 0 for share in shares)
    if model == "position" and touches == 7:
        assert shares[0] == shares[-1] == Decimal("0.4")
