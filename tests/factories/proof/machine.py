"""The Hypothesis machine: any order of acts, waits and crashes, compared after every settled round.

A run's examples share one database: each has a practice of its own, with its own clock. Nothing
in an example depends on chance but what Hypothesis draws, so that it shrinks and repeats.
"""

from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule

from tests.factories.proof.acts import HEARD, Acts
from tests.factories.proof.world import Rig, Trouble, World

WHO = st.integers(0, 5)
WAITS = st.sampled_from([*[0] * 12, 1, 5, 25, 25, 49, 73])
WORKS = st.sampled_from([False, False, False, True, False, False])
TROUBLE: st.SearchStrategy[Trouble] = st.sampled_from(
    [*[None] * 132, *["twice"] * 12, *[-3, -6, -11, -17, -26] * 10, 3, 6, 11, 17, 26]
)
AGO = st.sampled_from([0, 0, 0, 0, 0, 0, 0, 0, 2, 2, 30, 30, 750])

# What may happen, by how often: (method, its value). Ends and stops are rarer than life going on.
ACTS: list[tuple[str, Any]] = [
    ("nothing", None),
    *[("launch", n) for n in range(11)],
    *[("proposal", "created"), ("visit", None)] * 5,
    ("proposal", "accepted"),
    ("proposal", "stalled"),
    *[
        ("concierge", what)
        for what in ("recovery.started", "recovery.started", "contact.accepted", "contact.declined")
    ],
    *[("recall", on) for on in (True, False)] * 2,
    *[("staff_stops", on) for on in (True, 40, False, False)],
    *[("emergency", on) for on in (True, False)],
    *[("do_not_contact", on) for on in (True, False, False)],
    *[("consent", (channel, False)) for channel in ("email", "sms", "all")],
    *[("consent", (channel, True)) for channel in ("email", "sms", "all", "all", "all", "all")],
    *[("pause", on) for on in (True, False, False)],
    *[("kill_switch", on) for on in (True, False, False)],
    *[("limits", n) for n in (0, 0, 1, 2)],
    *[("relay", None)] * 4,
    ("reports", ("accepted",)),
    ("reports", ("delivered", "accepted", "sent", "sent")),
    ("reports", ("opened", "sent")),
    ("reports", ("opened", "opened", "opened")),
    ("reports", ("failed", "accepted")),
    ("reports", ("sent", "bounced")),
    ("reports", ("delivered", "complained")),
    ("arrives", None),
    ("cancel", None),
    ("booking", None),
    ("replies_stop", "email"),
    ("replies_stop", None),
    ("becomes", "lead"),
    ("becomes", "patient"),
    ("block_list", True),
    *[("block_list", False)] * 2,
    ("unsubscribes", True),
    ("unsubscribes", False),
]


def effort(examples: int, steps: int, *, shrink: bool = True) -> settings:
    """How long to look; the seed says where. Without `shrink` the first disagreement is enough."""
    return settings(
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        database=None,
        phases=[Phase.generate, *([Phase.shrink] if shrink else [])],
        report_multiple_bugs=False,
        print_blob=False,
        suppress_health_check=list(HealthCheck),
    )


def machine(
    rig: Rig, acted: Callable[[str], None] = lambda _: None, about: Sequence[str] = ()
) -> type[RuleBasedStateMachine]:
    """A machine over one database; `acted` is told of every act, for progress. `about` narrows what
    may happen to some acts, beside launches, by their names."""
    acts = [act for act in ACTS if not about or act[0] in (*about, "launch")]

    class EngineMachine(RuleBasedStateMachine):
        agreed = False

        @initialize(first=st.lists(st.integers(0, 10), max_size=4), held_out=st.sampled_from([None, None, 1]))
        def begin(self, first: list[int], held_out: int | None) -> None:
            self.world = World(rig, held_out)
            self.acts = Acts(self.world)
            for which in first:
                self.acts.launch(0, which)
                self.world.settle(None)
                self.world.waits()
            self.agreed = True

        @rule(who=WHO, act=st.sampled_from(acts), ago=AGO, trouble=TROUBLE, wait=WAITS, works=WORKS)
        def happens(
            self, who: int, act: tuple[str, Any], ago: int, trouble: Trouble, wait: int, works: bool
        ) -> None:
            """Something happens, `ago` hours earlier than it is heard of; then perhaps time goes by.
            Events without time between them come in one wave. Without `works` nothing runs until the
            next act: that comes before any tick or worker does."""
            name, value = act
            self.acts.ago = ago
            self.agreed = False
            if name not in HEARD:
                self.world.deliver(trouble)
            if name != "nothing":
                getattr(self.acts, name)(who, value)
            acted(name)
            if wait or works or trouble:
                self.world.deliver(trouble)
            self.agreed = True
            if wait:
                self.world.waits(hours=wait)
            if works:
                self._agree(trouble)

        def _agree(self, trouble: Trouble) -> None:
            self.agreed = False
            self.world.settle(trouble)
            self.world.compare()
            self.agreed = True

        def teardown(self) -> None:
            """A disagreement that was found stays the news; nothing is asked after it."""
            if self.agreed:
                self.agreed = False
                self.world.deliver(None)
                self._agree(None)
                self.world.balanced()

    return EngineMachine
