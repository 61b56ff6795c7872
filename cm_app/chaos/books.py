"""The balance: what one witness says against what another says. Pure; knows nothing of processes."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from cm_app.chaos.evidence import Evidence

ANSWERS = {
    "delivered": {"delivered"},
    "sent": {"sent"},
    "failed": {"failed"},
    "bounced": {"bounced"},
    "cancelled": {"cancelled", "cancel_requested"},
    "queued": {"accepted", "cancel_requested"},
}
"""The Hub's state of a message → what the dispatch may say once every answer has come back."""
AT_MOST_ONCE = {"email"}
"""Channels whose transport cannot recognise a repetition: the Hub never repeats a hand-over."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the books. `wrong` names what does not fit: empty when it balances."""

    name: str
    sentence: str
    figures: dict[str, int]
    wrong: tuple[str, ...] = ()

    @property
    def ok(self) -> bool:
        return not self.wrong


def balance(found: Evidence) -> list[Line]:
    """Every line, in the order a message travels."""
    return [one(found) for one in LINES]


def _line(name: str, sentence: str, figures: dict[str, int], wrong: Iterable[str]) -> Line:
    return Line(name, sentence, figures, tuple(sorted(wrong)))


def events_taken_in(e: Evidence) -> Line:
    good = [event for event in e.asked.values() if not event.malformed]
    sure = {event.event_id for event in good if event.acknowledged}
    unsure = {event.event_id for event in good if not event.acknowledged}
    return _line(
        "events taken in",
        "Every event that was acknowledged to its sender was taken in.",
        {"acknowledged": len(sure), "taken in": len(sure & e.taken.keys()),
         "answer lost": len(unsure), "of those taken in": len(unsure & e.taken.keys())},
        [f"lost: {e.asked[i].type} {i}" for i in sure - e.taken.keys()],
    )  # fmt: skip


def events_once(e: Evidence) -> Line:
    wrong = [f"in effect {e.consumed[i]} times: {i}" for i in e.taken if e.consumed[i] != 1]
    wrong += [f"nobody sent it: {i}" for i in (e.taken + e.consumed).keys() - e.asked.keys()]
    return _line(
        "events in effect once",
        "What was taken in took effect once, and nobody invented an event.",
        {"taken in": len(e.taken), "in effect": e.consumed.total()},
        wrong,
    )


def dead_letters(e: Evidence) -> Line:
    """A crash between putting one aside and acknowledging it may put it aside twice."""
    rubbish = {event.event_id: event for event in e.asked.values() if event.malformed}
    dead = {letter.partition(" ")[0] for letter in e.dead}
    wrong = [f"not understood: {letter}" for letter in e.dead if letter.partition(" ")[0] not in rubbish]
    wrong += [f"not put aside: {i}" for i, event in rubbish.items() if event.acknowledged and i not in dead]
    wrong += [f"rubbish taken in: {i}" for i in rubbish.keys() & e.taken.keys()]
    return _line(
        "dead letters",
        "Only what cannot be understood was put aside, and all of that.",
        {"rubbish": len(rubbish), "put aside": len(dead)},
        wrong,
    )


def enrolments(e: Evidence) -> Line:
    entered = e.tags["enrolment.entered"]
    known = {s: e.states[s] for s in ("live", "held", "completed", "exited")}
    wrong = [] if entered == e.states.total() else [f"{entered} entered, {e.states.total()} on record"]
    wrong += [f"in the unknown state {state}" for state in e.states.keys() - known.keys()]
    return _line("enrolments", "Everybody who entered is somewhere.", {"entered": entered, **known}, wrong)


def steps_once(e: Evidence) -> Line:
    made = Counter((d["enrolment_id"], d["move_no"]) for d in e.dispatches)
    wrong = [f"{n} requests for {who} at move {move}" for (who, move), n in made.items() if n > 1]
    audited = e.tags["step.requested"]
    if audited != len(e.dispatches):
        wrong.append(f"{audited} requests audited, {len(e.dispatches)} on record")
    return _line(
        "steps requested once",
        "No step was requested twice for the same entry.",
        {"requested": len(e.dispatches), "audited": audited},
        wrong,
    )


def requests_reached_hub(e: Evidence) -> Line:
    ours = {str(d["dispatch_id"]): d for d in e.dispatches}
    wrong = [f"never asked for: {i}" for i in e.messages.keys() - ours.keys()]
    for i in ours.keys() - e.messages.keys():
        if ours[i]["status"] != "cancelled":
            wrong.append(f"never reached the Hub: {i} ({ours[i]['status']})")
    taken_back = sum(d["status"] == "cancelled" for d in ours.values())
    return _line(
        "requests at the Hub",
        "Every request reached the Hub, but for those taken back before.",
        {"requested": len(ours), "taken back": taken_back, "at the Hub": len(e.messages)},
        wrong,
    )


def answers_came_back(e: Evidence) -> Line:
    states: Counter[str] = Counter()
    wrong = []
    for d in e.dispatches:
        message = e.messages.get(str(d["dispatch_id"]))
        if message is None:
            continue
        states[message["state"]] += 1
        if d["status"] not in ANSWERS.get(message["state"], set()):
            wrong.append(f"{d['dispatch_id']}: the Hub says {message['state']}, we say {d['status']}")
    return _line("answers of the Hub", "What the Hub knows of a message, we know.", dict(states), wrong)


def left_the_building(e: Evidence) -> Line:
    """A hand-over that was cut off is repeated where the transport knows a repetition, and reported
    as failed where it does not: then it may have gone."""
    times = Counter(i for i, _ in e.handed)
    wrong = [f"{times[i]} times to {c}: {i}" for i, c in set(e.handed) if c in AT_MOST_ONCE and times[i] > 1]
    for i in times.keys() - e.messages.keys():
        wrong.append(f"left without a request: {i}")
    repeated = unknown = 0
    for i, message in e.messages.items():
        gone, state = times[i], message["state"]
        repeated += gone > 1
        if state in ("sent", "delivered") and not gone:
            wrong.append(f"said to be delivered and never left: {i}")
        if gone > message["attempts"]:
            wrong.append(f"left {gone} times in {message['attempts']} attempts: {i}")
        if gone and state in ("queued", "cancelled", "bounced") and message["attempts"] < 1:
            wrong.append(f"left though {state}: {i}")
        if gone and state == "failed":
            unknown += 1
            if not message["failure"].startswith("send_unknown"):
                wrong.append(f"left though failed ({message['failure']}): {i}")
    return _line(
        "left the building",
        "What the Hub says it delivered left once, and nothing else left.",
        {"messages": len(times), "repeated by the same key": repeated, "left, answer lost": unknown},
        wrong,
    )


def nothing_after_closing(e: Evidence) -> Line:
    closed = sum(bool(event.snapshot) for event in e.asked.values())
    unseen = [
        event for event in e.asked.values() if event.final and event.acknowledged and not event.snapshot
    ]
    wrong = [f"requested after it was closed: contact {c}, enrolment {n}" for c, n in e.late]
    wrong += [f"never seen in effect: {event.event_id}" for event in unseen]
    return _line(
        "nothing after the closing",
        "Nobody was sent anything that was requested after their suppression was in effect.",
        {"closings": closed, "late requests": len(e.late)},
        wrong,
    )


def numbers(e: Evidence) -> Line:
    delivered = sum(d["delivered"] for d in e.dispatches)
    sent = sum(d["sent"] for d in e.dispatches)
    counted = {"sent": e.metrics["sent"], "delivered": e.metrics["delivered"]}
    wrong = [
        f"{name}: {counted[name]} counted, {found} found"
        for name, found in (("sent", sent), ("delivered", delivered))
        if counted[name] != found
    ]
    return _line("numbers shown", "Sent and delivered are counted once.", counted, wrong)


def at_rest(e: Evidence) -> Line:
    left = {what: n for what, n in e.lying.items() if n}
    return _line("nothing left lying", "No queue holds anything that is due.", left, left)


def invariants(e: Evidence) -> Line:
    wrong = [f"{name}: {n}" for name, n in e.violations.items()]
    return _line("invariants", "Every invariant holds.", {"broken": len(wrong)}, wrong)


def audit_holds(e: Evidence) -> Line:
    return _line(
        "audit",
        "The chain holds from its beginning, in the database and in an export.",
        {"rows": e.audit_rows},
        e.audit_problems,
    )


LINES: tuple[Callable[[Evidence], Line], ...] = (
    events_taken_in, events_once, dead_letters, enrolments, steps_once, requests_reached_hub,
    left_the_building, answers_came_back, nothing_after_closing, numbers, at_rest, invariants,
    audit_holds,
)  # fmt: skip
