"""Every gate asked about one person, with what each one looked at (SUP-8).

The same list as everywhere (house rule 1); only the answer is longer: not the first refusal but all
of them, and those that let the person pass.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from services.gates.contracts import Policy
from services.gates.gates import Gate, channel_gates, person_gates
from services.gates.reasons import Reason
from services.gates.statement import channel_facts, facts
from services.gates.words import LABELS, Seen, looked_at
from services.kit.uow import Unit

STOPS = """
SELECT reason, channel, topic, note, applied_at, expires_at FROM cm.suppression
WHERE practice_id = :practice AND contact_id = :contact AND lifted_at IS NULL
  AND (expires_at IS NULL OR expires_at > :now) ORDER BY applied_at
"""
CONSENTS = """
SELECT channel, state, method, effective_at FROM canonical.consent
WHERE practice_id = :practice AND contact_id = :contact AND purpose = :purpose
"""


@dataclass(frozen=True, slots=True)
class Answer:
    """One gate's answer. `label` names the check in words; `sentence` says why it refuses; `facts`
    is what it looked at. `channel` is None for gates that stop every channel."""

    reason: Reason
    label: str
    channel: str | None
    refuses: bool
    sentence: str
    facts: str


async def every_gate(u: Unit, contact_id: UUID, policy: Policy, *, zone: str) -> list[Answer]:
    """All answers in the order of the list; channel gates once a channel. Times in `zone`."""
    row: Any = (await u.execute(_sql(policy), **policy.params(), contact=contact_id)).mappings().one()
    who = {"practice": u.practice_id, "contact": contact_id}
    stops = (await u.execute(STOPS, **who, now=policy.now)).mappings().all()
    consents = (await u.execute(CONSENTS, **who, purpose=policy.purpose)).mappings().all()
    seen = Seen(
        policy=policy,
        zone=zone,
        touches=row["touches"],
        last_touch=row["last_touch"] if isinstance(row["last_touch"], datetime) else None,
        duplicate_asked=policy.one_per_household,
        reachable={c: row[f"reach_{c}"] for c in policy.channels},
        stops=[dict(stop) for stop in stops],
        consents={c["channel"]: dict(c) for c in consents},
    )
    answers = [_answer(gate, None, bool(row[f"g{n}"]), seen) for n, gate in enumerate(person_gates())]
    return answers + [
        _answer(gate, channel, bool(row[f"{channel}_{n}"]), seen)
        for channel in policy.channels
        for n, gate in enumerate(channel_gates())
    ]


def _answer(gate: Gate, channel: str | None, refuses: bool, seen: Seen) -> Answer:
    return Answer(
        gate.reason, LABELS[gate.reason], channel, refuses, gate.sentence if refuses else "",
        looked_at(gate.reason, channel, seen),
    )  # fmt: skip


def _sql(policy: Policy) -> str:
    columns = [f"({gate.predicate}) AS g{n}" for n, gate in enumerate(person_gates())]
    columns += ["f.touches", "nullif(f.last_touch, '-infinity') AS last_touch"]
    joins: list[str] = []
    for channel in policy.channels:
        columns += [
            f"({gate.predicate.replace('h.', f'h_{channel}.')}) AS {channel}_{n}"
            for n, gate in enumerate(channel_gates())
        ]
        columns.append(f"h_{channel}.reachable AS reach_{channel}")
        joins.append(channel_facts(channel))
    source = "SELECT CAST(:contact AS uuid) AS contact_id"
    return f"WITH cand AS ({source}), {facts(policy.channels, each=True)} SELECT {', '.join(columns)} FROM f {' '.join(joins)}"
