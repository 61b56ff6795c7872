"""What the gates need to know that is the same for everyone in one question."""

from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any
from uuid import UUID

from services.contracts.journey import Caps, Channel
from services.gates.gates import EXCLUDED_FROM_EMERGENCY

NO_LIMIT = 1_000_000


@dataclass(frozen=True, slots=True)
class Policy:
    """The constants of one step of one campaign at one moment.

    Holdouts are percentages; `salts` key the sticky buckets (D24); `caps` are the practice's
    own, tightened by the campaign (D22).
    """

    practice_id: UUID
    now: datetime
    campaign_id: UUID
    campaign_type: str
    step_id: str = ""
    version_id: UUID | None = None
    channels: tuple[Channel, ...] = ()
    topic: str = "marketing"
    purpose: str = "marketing"
    goal: str = ""
    caps: Caps = field(default_factory=Caps)
    global_holdout: float = 0
    campaign_holdout: float = 0
    holdout_salt: str = ""
    emergency_stacks: tuple[str, ...] = ()
    long_horizon_types: tuple[str, ...] = ()
    one_per_household: bool = True
    block_key: bytes = b""
    platform_key: bytes = b""
    quiet_start: time = time(21, 0)
    quiet_end: time = time(8, 0)

    def params(self) -> dict[str, Any]:
        """Bound parameters of every gate statement."""
        caps = self.caps
        return {
            "practice": self.practice_id,
            "now": self.now,
            "campaign": self.campaign_id,
            "campaign_type": self.campaign_type,
            "version": self.version_id,
            "step": self.step_id,
            "channels": list(self.channels),
            "topic": self.topic,
            "purpose": self.purpose,
            "goal": self.goal,
            "max_touches": caps.max_touches or NO_LIMIT,
            "touches_since": self.now - timedelta(days=caps.per_days),
            "gap_since": self.now - timedelta(hours=caps.min_gap_hours or 0),
            "exclusive": caps.exclusive,
            "global_holdout": round(self.global_holdout * 100),
            "campaign_holdout": round(self.campaign_holdout * 100),
            "global_salt": f"{self.holdout_salt}/global/",
            "campaign_salt": f"{self.holdout_salt}/{self.campaign_id}/",
            "emergency_stacks": [s.lower() for s in self.emergency_stacks],
            "long_horizon": self.campaign_type in (*EXCLUDED_FROM_EMERGENCY, *self.long_horizon_types),
            "one_per_household": self.one_per_household,
            "block_key": self.block_key,
            "platform_key": self.platform_key,
        }


def tighten(practice: Caps, campaign: Caps) -> Caps:
    """The stricter of both, number by number: a campaign can never loosen (D22)."""
    per_days = max(practice.per_days, campaign.per_days)
    touches = [c.max_touches for c in (practice, campaign) if c.max_touches is not None]
    gaps = [c.min_gap_hours for c in (practice, campaign) if c.min_gap_hours is not None]
    return Caps(
        max_touches=min(touches, default=None),
        per_days=per_days,
        min_gap_hours=max(gaps, default=None),
        exclusive=practice.exclusive or campaign.exclusive,
    )
