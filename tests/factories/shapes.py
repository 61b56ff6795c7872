"""Journeys of any shape, sensible or not, for property tests: only their links matter."""

from hypothesis import strategies as st

from services.contracts.journey import Arm, Entry, Exit, Journey, Message, Split, Step, WaitEvent

_EVENT = {"type": "hub.message.clicked"}


@st.composite
def shapes(draw: st.DrawFn, most: int = 9) -> Journey:
    """Up to `most` steps, linked at random: loops, joins, loose ends, several starts or none, links
    to steps that do not exist, and now and then two steps of one id."""
    count = draw(st.integers(0, most))
    names = [f"s{n}" for n in range(count)]
    target = st.one_of(st.none(), st.sampled_from([*names, "gone"]))
    steps: list[Step] = []
    for n, name in enumerate(names):
        kind = draw(st.sampled_from(["entry", "message", "message", "split", "wait_event", "exit"]))
        own = names[n - 1] if n and draw(st.integers(0, 19)) == 0 else name
        steps.append(_step(draw, kind if n else "entry", own, target))
    return Journey(steps=steps)


def _step(draw: st.DrawFn, kind: str, name: str, target: st.SearchStrategy[str | None]) -> Step:
    match kind:
        case "entry":
            return Entry(id=name, next=draw(target))
        case "message":
            return Message(id=name, next=draw(target))
        case "split":
            arms = draw(st.lists(target, min_size=2, max_size=3))
            return Split(id=name, arms=[Arm(percent=10, next=to) for to in arms])
        case "wait_event":
            return WaitEvent.model_validate(
                {"id": name, "event": _EVENT, "on_event": draw(target), "on_timeout": draw(target)}
            )
        case _:
            return Exit(id=name)
