"""The judge of races, on histories written by hand: what holds, and each way to break it."""

import pytest

from tests.factories.history import Enter, Op, Release, Request, Suppress, violations

WHO = "ada"


def entered(begin: int, end: int, entry: str = "one") -> Enter:
    return Enter(contact=WHO, begin=begin, end=end, entry=entry)


def requested(begin: int, end: int, entry: str = "one", *, stands: bool = False) -> Request:
    return Request(contact=WHO, begin=begin, end=end, entry=entry, stands=stands)


def held(begin: int, end: int, reason: str = "hold", at: float | None = None) -> Suppress:
    return Suppress(contact=WHO, begin=begin, end=end, reason=reason, at=begin if at is None else at)


def revoked(begin: int, end: int) -> Suppress:
    return Suppress(contact=WHO, begin=begin, end=end, reason="consent", ends=True, at=begin)


def booked(begin: int, end: int) -> Suppress:
    return Suppress(contact=WHO, begin=begin, end=end, ends=True, at=begin)


def released(begin: int, end: int, reason: str = "hold", at: float | None = None) -> Release:
    return Release(contact=WHO, begin=begin, end=end, reason=reason, at=begin if at is None else at)


IN = entered(0, 1)
LAWFUL: dict[str, list[Op]] = {
    "nothing happened": [],
    "requested, then suppressed": [IN, requested(1, 2), held(2, 4)],
    "suppressed while it was requested: whoever commits first": [IN, held(2, 6), requested(3, 4)],
    "released before it was requested": [IN, held(1, 2), released(2, 3), requested(3, 4)],
    "released while it was requested": [IN, held(1, 2), released(3, 9), requested(4, 5)],
    "two reasons, both released": [
        IN, held(1, 2), held(2, 3, "recall"), released(3, 4), released(4, 5, "recall"), requested(5, 6),
    ],
    "booked, and entered again": [IN, booked(1, 2), entered(2, 3, "two"), requested(3, 4, "two")],
    "entered again while the booking was taken in": [
        IN, booked(1, 9), entered(2, 3, "two"), requested(4, 5, "two"), requested(10, 11, "two"),
    ],
    "a newer release was heard before the older suppression": [
        IN, released(1, 2, at=20), held(3, 4, at=10), requested(5, 6),
    ],
    "both in one transaction, in either order": [
        IN, held(2, 2, at=1), released(2, 2, at=2), requested(3, 4), requested(5, 6),
    ],
    "taken back": [IN, requested(1, 2, stands=False), held(2, 3)],
    "stands, because the suppression was overtaken": [
        IN, requested(1, 2, stands=True), released(2, 3, at=20), held(4, 5, at=10),
    ],
    "somebody else is suppressed": [
        IN, Suppress(contact="bob", begin=1, end=2, reason="hold"), requested(3, 4, stands=True),
    ],
}  # fmt: skip
BROKEN: dict[str, tuple[list[Op], str]] = {
    "after the acknowledgement": ([IN, held(1, 3), requested(3, 4)], "late"),
    "long after it": ([IN, held(1, 3), requested(8, 9)], "late"),
    "one reason was released, the other was not": (
        [IN, held(1, 2), held(2, 3, "recall"), released(3, 4), requested(5, 6)], "late",
    ),
    "released only later": ([IN, held(1, 2), requested(2, 3), released(3, 4)], "late"),
    "suppressed again after the release": (
        [IN, held(1, 2), released(2, 3), held(3, 4), requested(4, 5)], "late",
    ),
    "the old entry goes on after consent came back": (
        [IN, revoked(1, 2), released(2, 3, "consent"), requested(3, 4)], "late",
    ),
    "the old entry goes on after a booking": (
        [IN, booked(1, 2), entered(2, 3, "two"), requested(3, 4, "one")], "late",
    ),
    "nobody entered": ([requested(1, 2)], "late"),
    "an older release lifted a newer suppression": (
        [IN, held(1, 2, at=20), released(3, 4, at=10), requested(5, 6)], "late",
    ),
    "each could be, both cannot": (
        # The first says that the booking came after it, the second that it came before its entry.
        [IN, booked(2, 9), entered(3, 4, "two"), requested(7, 8, "one"), requested(10, 11, "two")],
        "together",
    ),
    "never taken back": ([IN, requested(1, 2, stands=True), held(2, 4)], "standing"),
    "never taken back after a booking": ([IN, requested(1, 2, stands=True), booked(2, 4)], "standing"),
}  # fmt: skip


@pytest.mark.covers("SUP-1")
@pytest.mark.parametrize("name", LAWFUL)
def test_a_history_that_some_order_explains_holds(name: str):
    assert violations(LAWFUL[name]) == []


@pytest.mark.covers("SUP-1")
@pytest.mark.parametrize("name", BROKEN)
def test_a_history_that_no_order_explains_is_convicted(name: str):
    history, what = BROKEN[name]
    assert [v.what for v in violations(reversed(history))] == [what]


@pytest.mark.covers("SUP-1")
def test_the_request_that_was_late_is_named():
    good, bad = requested(1, 2), requested(5, 6)
    (found,) = violations([IN, good, held(2, 4), bad])
    assert found.requests == (bad,)
