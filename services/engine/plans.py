"""Plans and policies of versions, kept in memory: a version never changes (D8)."""

from functools import lru_cache
from uuid import UUID

from services.access.service import practice_settings
from services.campaigns.service import journey_of
from services.content.rules import content_ref
from services.contracts.journey import Message
from services.engine.plan import Plan
from services.gates.contracts import Policy, tighten
from services.gates.lists import platform_key, practice_key
from services.kit.together import in_turn
from services.kit.uow import Unit

_PLANS: dict[tuple[UUID, UUID], Plan] = {}
KEPT = 2_000


async def plan_of(u: Unit, version_id: UUID) -> Plan:
    """The plan of a version; read and opened once a process."""
    key = (u.practice_id, version_id)
    plan = _PLANS.get(key)
    if plan is None:
        if len(_PLANS) >= KEPT:
            _PLANS.clear()
        plan = _PLANS[key] = Plan.of(await in_turn(journey_of, u, version_id))
    return plan


async def policy_for(
    u: Unit, campaign_id: UUID, version_id: UUID, plan: Plan, step: Message | None = None
) -> Policy:
    """The constants the gates need for a step of a version, from the practice's settings now."""
    settings = await practice_settings(u)
    journey = plan.journey
    return Policy(
        practice_id=u.practice_id,
        now=u.now,
        campaign_id=campaign_id,
        campaign_type=journey.campaign_type,
        version_id=version_id,
        step_id=step.id if step else plan.entry.id,
        channels=tuple(step.channels) if step else (),
        topic=step.topic if step else "marketing",
        goal=journey.goal.objective,
        caps=tighten(settings.caps, journey.caps),
        global_holdout=settings.global_holdout_percent,
        campaign_holdout=journey.holdout_percent,
        holdout_salt=holdout_salt(u),
        emergency_stacks=tuple(settings.emergency_stacks),
        long_horizon_types=tuple(settings.long_horizon_types),
        one_per_household=step.one_per_household if step else False,
        block_key=practice_key(u),
        platform_key=platform_key(u),
        quiet_start=settings.quiet_start,
        quiet_end=settings.quiet_end,
    )


def refs_of(step: Message) -> dict[str, str]:
    """Variant key → the reference of what it says."""
    return {variant.key: content_ref(variant.content, variant.translations) for variant in step.variants}


@lru_cache(maxsize=1024)
def _derived(root: bytes, practice_id: UUID) -> str:
    from services.kit.crypto import Keyring

    return Keyring(root).sign(f"experiment/{practice_id}", b"holdout")[:32]


def holdout_salt(u: Unit) -> str:
    """Keys the sticky buckets of comparison groups (D24); the same for everything a practice sends."""
    return _derived(u.keyring.root, u.practice_id)
