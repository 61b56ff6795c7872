"""One journey of every kind of step, way in and limit whose rules are the engine's own."""

from datetime import time

from services.contracts.journey import (
    Arm,
    Branch,
    Caps,
    Entry,
    EventMatch,
    Goal,
    Journey,
    Path,
    Reentry,
    SendWindow,
    Split,
    Wait,
    WaitEvent,
    WaitFor,
)
from services.contracts.segment import Audience, Condition
from tests.factories.campaign import journey, message

DAY = 60 * 24
BOTH = ["email", "sms"]
WEEKDAYS = SendWindow(start=time(9), end=time(18))
SATURDAYS = SendWindow(
    start=time(10), end=time(17), days=["sat", "sun"], skip_holidays=False, aim="best_hour"
)
AFTERNOONS = SendWindow(start=time(9), end=time(18), aim="at", at=time(15, 30))
PATIENTS = Audience(kinds=["patient"], include=[Condition(field="contact.kind", op="is", value="patient")])


def wait(days: float, next: str) -> Wait:
    return Wait(id="pause", until=WaitFor(minutes=int(days * DAY)), next=next)


def on(type: str, **more) -> Entry:
    return Entry(id="entry", how="event", event=EventMatch(type=type), next="hello", **more)


def journeys() -> list[tuple[str, Journey]]:
    """(kind of campaign, journey)."""
    lead = Path(when=Condition(field="contact.kind", op="is", value="lead"), next="hello")
    attended = EventMatch(type="appointment.attended")
    accepted = Goal(objective="conversion", event=EventMatch(type="proposal.accepted"))
    repeated = [message("hello", "pause"), wait(1, "again"), message("again", "end", channels=BOTH)]
    return [
        ("one_off", journey(*repeated)),
        (
            "one_off",
            journey(
                Branch(id="who", paths=[lead], otherwise="pause"),
                message("hello", "end"),
                wait(2, "text"),
                message("text", "end", channels=["sms"]),
                campaign_type="promotion",
            ),
        ),
        (
            "one_off",
            journey(
                Split(id="share", arms=[Arm(percent=50, next="hello"), Arm(percent=50, next="pause")]),
                message("hello", "pause", channels=["sms", "email"]),
                wait(1, "again"),
                message("again", "end"),
                caps=Caps(max_touches=2, per_days=10, min_gap_hours=12),
                goal=accepted,
            ),
        ),
        (
            "one_off",
            journey(
                WaitEvent(
                    id="visit", event=attended, timeout_minutes=2 * DAY, on_event="thanks", on_timeout="miss"
                ),
                message("thanks", "end"),
                message("miss", "end", channels=BOTH, one_per_household=False),
                campaign_type="promotion",
                exit_on=[EventMatch(type="proposal.stalled")],
            ),
        ),
        ("event", journey(*repeated, entry=on("proposal.created", reentry=Reentry(rule="after_exit")))),
        (
            "event",
            journey(
                message("hello", "end", channels=BOTH),
                entry=on(
                    "appointment.attended",
                    reentry=Reentry(rule="after_period", days=5),
                    delay_minutes=120,
                    limit_hours=0,
                ),
                campaign_type="review_request",
                audience=PATIENTS,
            ),
        ),
        (
            "event",
            journey(
                message("hello", "pause"),
                wait(3, "end"),
                entry=on("proposal.created", reentry=Reentry(rule="concurrent"), limit_hours=2),
                campaign_type="proposal_followup",
                goal=accepted,
            ),
        ),
        (
            "dynamic",
            journey(
                message("hello", "pause", window=WEEKDAYS, channels=BOTH),
                wait(2, "again"),
                message("again", "end", window=SATURDAYS),
                campaign_type="welcome",
                holdout_percent=50,
            ),
        ),
        (
            "recurring",
            journey(
                message("hello", "pause"),
                wait(1.5, "end"),
                entry=Entry(
                    id="entry",
                    how="schedule",
                    cron="0 9 * * *",
                    reentry=Reentry(rule="after_exit"),
                    next="hello",
                ),
                campaign_type="education",
            ),
        ),
        (
            "one_off",
            journey(
                wait(0.5, "hello"),
                message("hello", "end", channels=BOTH, window=AFTERNOONS),
                campaign_type="promotion",
                caps=Caps(exclusive=True),
            ),
        ),
        (
            "event",
            journey(
                message("hello", "end", channels=["sms"]),
                entry=on("hub.message.opened", reentry=Reentry(rule="after_exit"), limit_hours=30),
                campaign_type="promotion",
            ),
        ),
    ]
