"""The judge of `cm chaos`: honest books balance, and every kind of lie is named on its own line."""

from collections import Counter
from collections.abc import Callable
from copy import deepcopy

import pytest

from cm_app.chaos.books import LINES, balance
from cm_app.chaos.evidence import Evidence
from cm_app.chaos.journal import Asked, Journal


def dispatch(n: int, status: str = "delivered") -> dict:
    done = status == "delivered"
    return {
        "dispatch_id": f"d{n}", "enrolment_id": f"e{n}", "move_no": 0, "status": status,
        "contact_id": f"c{n}", "failure": "", "sent": done, "delivered": done,
    }  # fmt: skip


def message(n: int, state: str = "delivered", channel: str = "email", attempts: int = 1) -> dict:
    return {
        "dispatch_id": f"d{n}", "state": state, "channel": channel, "attempts": attempts, "failure": "",
    }  # fmt: skip


def honest() -> Evidence:
    """Three sent (one by a transport that knows repetitions, repeated), one taken back before it
    left, one whose answer was lost by a transport that does not."""
    asked = [
        Asked("a1", "appointment.booked", "c1", "platform", acknowledged=True),
        Asked("a2", "consent.revoked", "c2", "platform", final=True, acknowledged=True, snapshot="1:1:"),
        Asked("a3", "proposal.stalled", "c3", "chaos"),  # the answer was lost, and it never happened
        Asked("a4", "proposal.stalled", "c3", "chaos"),  # the answer was lost, and it happened
        Asked("bad", "appointment.booked", "", "chaos", malformed=True, acknowledged=True),
    ]
    lost = message(5, "failed") | {"failure": "send_unknown"}
    return Evidence(
        asked={event.event_id: event for event in asked},
        taken=Counter(["a1", "a2", "a4"]),
        consumed=Counter(["a1", "a2", "a4"]),
        dead=Counter({"bad Not a valid appointment.booked": 2}),
        tags=Counter({"enrolment.entered": 5, "step.requested": 5}),
        states=Counter({"live": 1, "held": 1, "completed": 2, "exited": 1}),
        dispatches=[
            dispatch(1), dispatch(2), dispatch(3), dispatch(4, "cancelled"), dispatch(5, "failed"),
        ],
        messages={
            "d1": message(1), "d2": message(2), "d3": message(3, channel="sms", attempts=2), "d5": lost,
        },
        handed=[("d1", "email"), ("d2", "email"), ("d3", "sms"), ("d3", "sms"), ("d5", "email")],
        lying={"our outbox": 0},
        metrics=Counter({"sent": 3, "delivered": 3}),
        audit_rows=20,
    )  # fmt: skip


def drop(name: str, key: str) -> Callable[[Evidence], None]:
    return lambda e: getattr(e, name).pop(key)


LIES: dict[str, tuple[str, Callable[[Evidence], object]]] = {
    "an acknowledged event is lost": ("events taken in", drop("taken", "a1")),
    "an event takes effect twice": ("events in effect once", lambda e: e.consumed.update(["a1"])),
    "an event takes no effect": ("events in effect once", drop("consumed", "a2")),
    "an event nobody sent": ("events in effect once", lambda e: e.taken.update(["x"])),
    "a good event is put aside": ("dead letters", lambda e: e.dead.update(["a3 It broke the handler"])),
    "rubbish vanishes": ("dead letters", lambda e: e.dead.clear()),
    "somebody is lost": ("enrolments", lambda e: e.states.subtract(["live"])),
    "somebody is in no known state": ("enrolments", lambda e: e.states.update({"limbo": 1, "live": -1})),
    "a request is lost": ("steps requested once", lambda e: e.dispatches.pop(0)),
    "a step is requested twice": (
        "steps requested once",
        lambda e: e.dispatches.append(dispatch(9, "cancelled") | {"enrolment_id": "e1"}),
    ),
    "a request never reaches the Hub": ("requests at the Hub", drop("messages", "d1")),
    "the Hub sends what nobody asked for": (
        "requests at the Hub", lambda e: e.messages.update(d8=message(8)),
    ),
    "an email leaves twice": ("left the building", lambda e: e.handed.append(("d1", "email"))),
    "a text leaves more often than it was tried": (
        "left the building", lambda e: e.handed.append(("d3", "sms")),
    ),
    "a message leaves without a request": ("left the building", lambda e: e.handed.append(("d7", "sms"))),
    "a message never leaves": ("left the building", lambda e: e.handed.remove(("d1", "email"))),
    "a failed message left": ("left the building", lambda e: e.messages["d5"].update(failure="closed")),
    "an answer of the Hub is lost": ("answers of the Hub", lambda e: e.dispatches[1].update(status="accepted")),
    "a late request": ("nothing after the closing", lambda e: e.late.append(("c2", "e2"))),
    "a closing never takes effect": (
        "nothing after the closing", lambda e: setattr(e.asked["a2"], "snapshot", ""),
    ),
    "a delivery is counted twice": ("numbers shown", lambda e: e.metrics.update(["delivered"])),
    "an outbox is left lying": ("nothing left lying", lambda e: e.lying.update({"our outbox": 1})),
    "an invariant breaks": ("invariants", lambda e: e.violations.update(no_step_twice=1)),
    "the audit breaks": ("audit", lambda e: e.audit_problems.append("Batch 3 is missing from the chain.")),
}  # fmt: skip


@pytest.mark.covers("ENG-1", "EVT-5")
def test_honest_books_balance():
    assert [line.wrong for line in balance(honest())] == [()] * len(LINES)


@pytest.mark.covers("ENG-1", "EVT-5")
@pytest.mark.parametrize("lie", LIES)
def test_a_lie_is_named_on_its_line(lie: str):
    line, tell = LIES[lie]
    told = deepcopy(honest())
    tell(told)
    assert line in [found.name for found in balance(told) if not found.ok]


def test_every_line_convicts_somebody():
    assert {line for line, _ in LIES.values()} == {one.name for one in balance(honest())}


def test_the_journal_keeps_what_was_answered(tmp_path):
    journal = Journal(tmp_path / "j.jsonl")
    for n in (1, 2):
        journal.asked(Asked(f"e{n}", "consent.revoked", "c", "platform", final=True))
    journal.acknowledged(["e1"])
    assert journal.unseen() == ["e1"]
    journal.seen("e1", "5:5:")
    assert journal.unseen() == []
    journal.close()
    assert len((tmp_path / "j.jsonl").read_text().splitlines()) == 4
