"""What this process counts, for Prometheus (000 §14, OPS-1). `services.kit.vitals` carries it to one place.

A number is added after the commit of what it counts (`Unit.after_commit`), a batch at a time: never a
person at a time on a hot path. Every metric here is in docs/operate/metrics.md, with its unit.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter

from prometheus_client import CollectorRegistry, Counter, Histogram

REGISTRY = CollectorRegistry()
"""Ours alone: nothing a library counts of its own accord gets out."""
SHORT = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
LONG = (0.1, 0.5, 1, 2.5, 5, 15, 60, 300, 900, 3600)

ACTIVATIONS = Counter("cm_campaign_activations", "Campaigns that became active.", registry=REGISTRY)
ENROLMENTS = Counter(
    "cm_enrolments", "People who entered a journey, were refused, held, released or left.", ["outcome"],
    registry=REGISTRY,
)  # fmt: skip
SUPPRESSIONS = Counter(
    "cm_suppressions", "Suppressions applied and lifted, by reason.", ["what", "reason"], registry=REGISTRY
)
STEPS = Counter(
    "cm_steps", "Message steps by what the gates decided; moved counts every step taken.", ["outcome"],
    registry=REGISTRY,
)  # fmt: skip
STEP_SECONDS = Histogram(
    "cm_step_seconds", "One batch of a step, from claim to commit.", registry=REGISTRY, buckets=SHORT
)
STEP_LATE_SECONDS = Histogram(
    "cm_step_late_seconds", "How long the first of a batch had been due when it was claimed.",
    registry=REGISTRY, buckets=LONG,
)  # fmt: skip
AI_SUGGESTIONS = Counter(
    "cm_ai_suggestions",
    "Suggestions of Aiden, offered and what people decided.",
    ["decision"],
    registry=REGISTRY,
)
EVENTS_IN = Counter("cm_events_in", "Events taken in, by outcome.", ["outcome"], registry=REGISTRY)
EVENT_LAG_SECONDS = Histogram(
    "cm_event_lag_seconds", "From an event's own time to the commit that took it in.", registry=REGISTRY,
    buckets=LONG,
)  # fmt: skip
EVENTS_OUT = Counter("cm_events_out", "Events handed to the bus.", registry=REGISTRY)
LOOP_TROUBLES = Counter(
    "cm_loop_troubles", "Rounds of a worker's loop that failed and were tried again.", ["loop"],
    registry=REGISTRY,
)  # fmt: skip


@contextmanager
def timed(histogram: Histogram) -> Iterator[None]:
    """Observe how long the block took, in seconds, when it ends without an error."""
    began = perf_counter()
    yield
    histogram.observe(perf_counter() - began)
