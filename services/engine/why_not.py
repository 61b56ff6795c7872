"""“Why not now?”: every campaign that runs, asked about one person, with every gate's answer (SUP-8).

Nothing is written, and nothing here decides: the gates do. What is not a gate (sending is stopped,
the campaign is paused, the person is outside its audience, quiet hours) is said beside them.
"""

from dataclasses import dataclass
from datetime import datetime, time
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from services.audience.service import contains
from services.campaigns.shell import shell
from services.contracts.journey import Journey, Message
from services.contracts.step_names import step_name
from services.engine.plan import Plan
from services.engine.plans import plan_of, policy_for
from services.engine.reach import first_message, next_message
from services.gates.contracts import Policy
from services.gates.every import Answer, every_gate
from services.kit.errors import NotFound
from services.kit.uow import Unit

CAMPAIGNS = """
SELECT c.campaign_id, c.name, c.state, c.kind, c.active_version_id, e.state AS place, e.step_id, e.entry_no, e.due_at
FROM cm.campaign c
LEFT JOIN LATERAL (
  SELECT x.state, x.step_id, x.entry_no, x.due_at FROM cm.whereabouts x
  WHERE x.practice_id = :practice AND x.contact_id = :contact AND x.campaign_id = c.campaign_id
  ORDER BY x.entry_no DESC LIMIT 1) e ON true
WHERE c.practice_id = :practice AND c.active_version_id IS NOT NULL
  AND (CAST(:campaign AS uuid) IS NULL AND c.state IN ('active', 'paused') OR c.campaign_id = :campaign)
ORDER BY c.state, c.activated_at DESC NULLS LAST, c.campaign_id LIMIT 50
"""
NOTICED = "SELECT EXISTS (SELECT 1 FROM cm.notice WHERE practice_id = :practice AND contact_id = :contact)"
WHERE_THEY_ARE = """
SELECT p.timezone, coalesce(c.timezone, p.timezone) AS zone, c.contact_id IS NOT NULL AS known
FROM cm.practice p LEFT JOIN canonical.contact c ON c.practice_id = p.practice_id AND c.contact_id = :contact
WHERE p.practice_id = :practice
"""


@dataclass(frozen=True, slots=True)
class WhyNot:
    """One campaign's answer for one person and one message. `would_send`: no gate refuses and
    nothing in `beside` stands against it. `channels` are those that stay open, in order; `place`
    says where they are in the journey; `quiet` when the message would wait for the morning."""

    campaign_id: UUID
    campaign: str
    state: str
    step_id: str
    step: str
    steps: tuple[tuple[str, str], ...]
    would_send: bool
    channels: tuple[str, ...]
    place: str
    beside: tuple[str, ...]
    quiet: str
    answers: tuple[Answer, ...]

    @property
    def refusals(self) -> tuple[Answer, ...]:
        """What stands in the way: refusing person gates, and channels' own when none stays open."""
        return tuple(a for a in self.answers if a.refuses and (a.channel is None or not self.channels))


async def why_not_now(
    u: Unit, contact_id: UUID, *, campaign_id: UUID | None = None, step_id: str | None = None
) -> list[WhyNot]:
    """Every running campaign, or the one named, at the message they would get next (or `step_id`).

    Raises NotFound for a campaign that was never active, a step that is no message, or nobody.
    """
    who = (await u.execute(WHERE_THEY_ARE, practice=u.practice_id, contact=contact_id)).one()
    if not who.known:
        raise NotFound("There is no such person in this practice.")
    rows = (
        await u.execute(CAMPAIGNS, practice=u.practice_id, contact=contact_id, campaign=campaign_id)
    ).all()
    if campaign_id is not None and not rows:
        raise NotFound("This campaign has never been active, so there is nothing to explain.")
    stopped = (await shell(u)).kill_switch is not None
    found = []
    for row in rows:
        plan = await plan_of(u, row.active_version_id)
        step = _step(plan, row, step_id)
        if step is not None:
            found.append(await _explain(u, contact_id, row, plan, step, who, stopped))
        elif step_id is not None:
            raise NotFound(f"This campaign has no message step called “{step_id}”.")
    return found


async def _explain(
    u: Unit, contact_id: UUID, row: Any, plan: Plan, step: Message, who: Any, stopped: bool
) -> WhyNot:
    policy = await policy_for(u, row.campaign_id, row.active_version_id, plan, step)
    answers = await every_gate(u, contact_id, policy, zone=who.timezone)
    shut = {a.channel for a in answers if a.refuses and a.channel}
    channels = tuple(c for c in policy.channels if c not in shut)
    refused = any(a.refuses and a.channel is None for a in answers)
    beside = await _beside(u, contact_id, row, plan, stopped)
    return WhyNot(
        row.campaign_id, row.name, row.state, step.id, step_name(step), _messages(plan.journey),
        not refused and bool(channels) and not beside, channels, _place(row, plan, who.timezone),
        beside, _quiet(policy, who.zone), tuple(answers),
    )  # fmt: skip


async def _beside(u: Unit, contact_id: UUID, row: Any, plan: Plan, stopped: bool) -> tuple[str, ...]:
    """What stands against a message without being a gate."""
    found = []
    if (await u.execute(NOTICED, practice=u.practice_id, contact=contact_id)).scalar_one():
        found.append(
            "Something came in about them and has not been taken in yet. Until then, nothing goes out."
        )
    if stopped:
        found.append("All sending is stopped for the whole practice.")
    if row.state == "paused":
        found.append("The campaign is paused.")
    elif row.state in ("completed", "cancelled"):
        found.append("The campaign is over.")
    elif row.state != "active":
        found.append("The campaign has not started.")
    audience = plan.journey.audience
    inside = row.place in ("live", "held")
    if not inside and audience.include and not await contains(u, audience, contact_id):
        found.append("They do not belong to the people this campaign is for.")
    if row.place in ("completed", "exited") and plan.entry.reentry.rule == "never":
        found.append("They have been through this journey, and nobody goes through it twice.")
    return tuple(found)


def _step(plan: Plan, row: Any, wanted: str | None) -> Message | None:
    """The message asked about: the one named, the next from where they are, or the first."""
    if wanted is not None:
        step = plan.steps.get(wanted)
        return step if isinstance(step, Message) else None
    if row.place in ("live", "held") and row.step_id in plan.steps:
        return next_message(plan.journey, row.step_id) or first_message(plan.journey)
    return first_message(plan.journey)


def _messages(journey: Journey) -> tuple[tuple[str, str], ...]:
    return tuple((step.id, step_name(step)) for step in journey.steps if isinstance(step, Message))


def _place(row: Any, plan: Plan, zone: str) -> str:
    match row.place:
        case None:
            return "They have not entered this journey."
        case "live":
            due = f", next {_moment(row.due_at, zone)}" if row.due_at else ""
            step = plan.steps.get(row.step_id)
            where = (step.title if step else "") or row.step_id.replace("_", " ")
            return f"They are in this journey, at “{where}”{due}."
        case "held":
            return "They are in this journey, and it waits."
        case "completed":
            return "They have come to the end of this journey."
        case _:
            return "They have left this journey."


def _quiet(policy: Policy, zone: str) -> str:
    """Quiet hours put a message off; they never refuse it (D23)."""
    start, end = policy.quiet_start, policy.quiet_end
    local = policy.now.astimezone(ZoneInfo(zone)).time()
    if start == end or not _within(local, start, end):
        return ""
    return f"It is {local:%H:%M} where they are: messages wait until {end:%H:%M}."


def _within(at: time, start: time, end: time) -> bool:
    return start <= at < end if start < end else at >= start or at < end


def _moment(at: datetime, zone: str) -> str:
    local = at.astimezone(ZoneInfo(zone))
    return f"{local.day} {local:%b %Y, %H:%M}"
