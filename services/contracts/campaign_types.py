"""Registered campaign types (D18) and what each one means for suppression (D19, 000 §4.3).

Additive: a practice's configuration may bring more; nothing is ever removed or renamed.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class CampaignTypeInfo:
    """`long_horizon`: kept from people with an emergency on record (D19)."""

    key: str
    label: str
    long_horizon: bool = False


CAMPAIGN_TYPES: tuple[CampaignTypeInfo, ...] = (
    CampaignTypeInfo("nurture", "Nurture", long_horizon=True),
    CampaignTypeInfo("keep_informed", "Keep informed", long_horizon=True),
    CampaignTypeInfo("drip", "Drip", long_horizon=True),
    CampaignTypeInfo("reactivation", "Reactivation"),
    CampaignTypeInfo("promotion", "Promotion"),
    CampaignTypeInfo("education", "Education"),
    CampaignTypeInfo("welcome", "Welcome"),
    CampaignTypeInfo("win_back", "Win back"),
    CampaignTypeInfo("loyalty", "Loyalty"),
    CampaignTypeInfo("birthday", "Birthday"),
    CampaignTypeInfo("care_plan", "Care plan"),
    CampaignTypeInfo("proposal_followup", "Proposal follow-up"),
    CampaignTypeInfo("review_request", "Review request"),
)
TYPE_KEYS: frozenset[str] = frozenset(kind.key for kind in CAMPAIGN_TYPES)
LABELS: dict[str, str] = {kind.key: kind.label for kind in CAMPAIGN_TYPES}
