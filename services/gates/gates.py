"""The gates: one ordered list of every reason not to send (house rule 1, SUP-10).

A gate is a value. Its predicate is SQL over the facts that `services.gates.statement` gathers
for a set of people: columns of `f` (one row a person) or, for channel gates, of `h` (one row a
person and channel). The first predicate that is true refuses. Dispatch, entry, preview, forecast
and "why not" all read this list; there is no other place that decides.
"""

from dataclasses import dataclass
from typing import Literal

from services.gates.reasons import SENTENCES, Reason

EXCLUDED_FROM_EMERGENCY = ("nurture", "keep_informed", "drip")
"""D19; types that the practice marks long-horizon are added by the policy."""
CONFLICTS_WITH_RECALL = ("nurture", "keep_informed", "drip")
"""000 §4.3."""


@dataclass(frozen=True, slots=True)
class Gate:
    """`person` gates stop every channel; `channel` gates only one. `at_entry` gates are asked
    when somebody would enter, too: what they refuse never becomes an enrolment. `effect` is what a
    refusal at a step does to the enrolment: pass over this message, wait for a release, or end."""

    reason: Reason
    predicate: str
    scope: Literal["person", "channel"] = "person"
    at_entry: bool = False
    effect: Literal["skip", "hold", "exit"] = "skip"

    @property
    def sentence(self) -> str:
        return SENTENCES[self.reason]


def _suppressed(reason: Reason) -> str:
    return f"'{reason.value}' = ANY (f.suppressed)"


def _closed(reason: Reason) -> str:
    """A live suppression of this channel, or of the topic on every channel."""
    return f"f.closed_channels && ARRAY['{reason.value}:' || h.name, '{reason.value}:*']"


GATES: tuple[Gate, ...] = (
    Gate(Reason.CONTACT_GONE, "f.gone", at_entry=True, effect="exit"),
    Gate(Reason.CONTACT_ERASED, _suppressed(Reason.CONTACT_ERASED), at_entry=True, effect="exit"),
    Gate(Reason.CONTACT_MERGED, _suppressed(Reason.CONTACT_MERGED), at_entry=True, effect="exit"),
    Gate(Reason.DO_NOT_CONTACT, "f.do_not_contact", at_entry=True, effect="exit"),
    Gate(Reason.GLOBAL_LIST, "f.blocked", at_entry=True, effect="exit"),
    Gate(
        Reason.EMERGENCY_STACK_EXCLUSION,
        f":long_horizon AND (f.emergency_open OR {_suppressed(Reason.EMERGENCY_STACK_EXCLUSION)})",
        at_entry=True,
        effect="exit",
    ),
    Gate(
        Reason.RECALL_RECONNECT_ENROLMENT,
        _suppressed(Reason.RECALL_RECONNECT_ENROLMENT),
        at_entry=True,
        effect="hold",
    ),
    Gate(
        Reason.CONCIERGE_RECOVERY_HOLD,
        _suppressed(Reason.CONCIERGE_RECOVERY_HOLD),
        at_entry=True,
        effect="hold",
    ),
    Gate(Reason.CONCIERGE_DECLINED, _suppressed(Reason.CONCIERGE_DECLINED), at_entry=True, effect="exit"),
    Gate(
        Reason.LOYALTY_HANDOFF_COLLISION,
        _suppressed(Reason.LOYALTY_HANDOFF_COLLISION),
        at_entry=True,
        effect="exit",
    ),
    Gate(Reason.MANUAL_SUPPRESSION, _suppressed(Reason.MANUAL_SUPPRESSION), at_entry=True, effect="hold"),
    Gate(Reason.COMPLAINT, _suppressed(Reason.COMPLAINT), at_entry=True, effect="exit"),
    Gate(Reason.UNSUBSCRIBED, _suppressed(Reason.UNSUBSCRIBED), at_entry=True, effect="exit"),
    # STOP and bounces close a channel; where the event named none, they close everything (fail closed).
    Gate(Reason.STOP, _suppressed(Reason.STOP), at_entry=True, effect="exit"),
    Gate(Reason.HARD_BOUNCE, _suppressed(Reason.HARD_BOUNCE), at_entry=True, effect="exit"),
    Gate(Reason.CONSENT_REVOKED, _suppressed(Reason.CONSENT_REVOKED), at_entry=True, effect="exit"),
    Gate(Reason.EXCLUSIVE_ENROLMENT, ":exclusive AND f.enrolled_elsewhere", at_entry=True),
    Gate(Reason.GLOBAL_HOLDOUT, "f.global_bucket < :global_holdout", at_entry=True),
    Gate(Reason.CAMPAIGN_HOLDOUT, "f.campaign_bucket < :campaign_holdout", at_entry=True),
    Gate(Reason.DUPLICATE_DESTINATION, ":one_per_household AND f.duplicate"),
    Gate(Reason.FREQUENCY_CAP, "f.touches >= :max_touches"),
    Gate(Reason.MINIMUM_GAP, "f.last_touch > :gap_since"),
    Gate(Reason.NO_ADDRESS, "NOT h.reachable", scope="channel"),
    Gate(Reason.HARD_BOUNCE, _closed(Reason.HARD_BOUNCE), scope="channel"),
    Gate(Reason.GLOBAL_LIST, "h.blocked", scope="channel"),
    Gate(Reason.STOP, _closed(Reason.STOP), scope="channel"),
    Gate(Reason.UNSUBSCRIBED, _closed(Reason.UNSUBSCRIBED), scope="channel"),
    Gate(
        Reason.CONSENT_REVOKED,
        f"h.consent = 'revoked' OR {_closed(Reason.CONSENT_REVOKED)}",
        scope="channel",
    ),
    # Opt-in: unknown means no (D21). Last, so that the more exact reason is named first.
    Gate(Reason.NO_CONSENT, "h.consent IS DISTINCT FROM 'granted'", scope="channel"),
)


def person_gates(*, entry: bool = False) -> tuple[Gate, ...]:
    return tuple(g for g in GATES if g.scope == "person" and (g.at_entry or not entry))


def channel_gates() -> tuple[Gate, ...]:
    return tuple(g for g in GATES if g.scope == "channel")


def effect_case(column: str) -> str:
    """SQL that turns a person gate's refusal in `column` into its effect on the enrolment."""
    by_effect = {
        effect: ", ".join(f"'{g.reason.value}'" for g in person_gates() if g.effect == effect)
        for effect in ("hold", "exit")
    }
    return " ".join(
        [
            "CASE",
            *(f"WHEN {column} IN ({names}) THEN '{e}'" for e, names in by_effect.items()),
            "ELSE 'skip' END",
        ]
    )
