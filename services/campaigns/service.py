"""Use cases of campaigns, in one place for callers. Each needs a unit of work; none commits."""

from services.campaigns.approval_decisions import activate_due, approve, send_back, unschedule
from services.campaigns.approval_requests import request_approval, withdraw
from services.campaigns.approval_terms import campaign_of_request, comment, comments, mind_approvals
from services.campaigns.approvals import approval, inbox
from services.campaigns.checking import check_context, problems_of
from services.campaigns.contracts import (
    STATES,
    ApprovalDetail,
    ApprovalRow,
    CampaignDetail,
    CampaignFilter,
    CampaignPage,
    CampaignRow,
    ChosenFate,
    Impact,
    VersionRow,
)
from services.campaigns.drafts import clone, create, delete, get, rename, save_draft, set_tags
from services.campaigns.impact import impact
from services.campaigns.lifecycle import (
    announce,
    cancel,
    complete,
    finish_campaign,
    kill_switch,
    move,
    pause,
    pause_by_system,
    resume,
)
from services.campaigns.pages import page
from services.campaigns.template_uses import running_words, template_uses
from services.campaigns.versions import journey_of, version_numbers, versions

__all__ = [
    "STATES",
    "ApprovalDetail",
    "ApprovalRow",
    "CampaignDetail",
    "CampaignFilter",
    "CampaignPage",
    "CampaignRow",
    "ChosenFate",
    "Impact",
    "VersionRow",
    "activate_due",
    "announce",
    "approval",
    "approve",
    "campaign_of_request",
    "cancel",
    "check_context",
    "clone",
    "comment",
    "comments",
    "complete",
    "create",
    "delete",
    "finish_campaign",
    "get",
    "impact",
    "inbox",
    "journey_of",
    "kill_switch",
    "mind_approvals",
    "move",
    "page",
    "pause",
    "pause_by_system",
    "problems_of",
    "rename",
    "request_approval",
    "resume",
    "running_words",
    "save_draft",
    "send_back",
    "set_tags",
    "template_uses",
    "unschedule",
    "version_numbers",
    "versions",
    "withdraw",
]
