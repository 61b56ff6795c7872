"""What callers see of campaigns: rows, pages, details; frozen and free of personal data."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import Field

from services.builder.contracts import Problem
from services.builder.diff import JourneyDiff
from services.campaigns.errors import Unreadable
from services.contracts.envelope import Strict
from services.contracts.journey import Journey

CampaignState = Literal["draft", "scheduled", "active", "paused", "completed", "cancelled"]
STATES: tuple[CampaignState, ...] = ("draft", "scheduled", "active", "paused", "completed", "cancelled")
Kind = Literal["one_off", "scheduled", "recurring", "event", "dynamic", "transactional"]
ApprovalState = Literal["requested", "approved", "sent_back", "revoked", "used"]
Sort = Literal["updated", "created", "name"]
Fate = Literal["finish", "move", "exit"]
"""Of people inside when a change is published (D8): finish on the version they are in, move to the
new one, or leave."""


class CampaignRow(Strict):
    """One campaign as lists show it. `changed` means: the draft differs from what is live."""

    campaign_id: UUID
    name: str
    campaign_type: str
    kind: Kind
    state: CampaignState
    objective: str
    is_journey: bool
    ai_generated: bool
    template_key: str | None
    external_key: str | None
    tags: list[str]
    draft_revision: int
    draft_hash: str
    active_version_id: UUID | None
    active_version_number: int | None
    changed: bool
    open_approval_id: UUID | None
    scheduled_at: datetime | None
    created_by: UUID
    created_by_name: str
    created_at: datetime
    updated_at: datetime
    activated_at: datetime | None
    completed_at: datetime | None


class CampaignFilter(Strict):
    """The dashboard's filters (000 §17.4). Dates are inclusive from, exclusive to."""

    states: list[CampaignState] = Field(default_factory=list)
    kinds: list[Kind] = Field(default_factory=list)
    origin: Literal["any", "ai", "manual"] = "any"
    types: list[str] = Field(default_factory=list)
    tags: list[str] = Field(default_factory=list)
    created_from: datetime | None = None
    created_to: datetime | None = None
    activated_from: datetime | None = None
    activated_to: datetime | None = None
    completed_from: datetime | None = None
    completed_to: datetime | None = None
    search: str = Field("", max_length=200)
    sort: Sort = "updated"
    limit: int = Field(50, ge=1, le=200)
    cursor: str | None = None


class CampaignPage(Strict):
    """`counts_by_state` counts under every filter but the states'; `next` is the next cursor."""

    rows: list[CampaignRow]
    counts_by_state: dict[CampaignState, int]
    next: str | None


class TemplateUse(Strict):
    """A campaign that names a message template. `steps` by title; `live`: what runs has it. `version` is the
    template's version whose words run; None: nothing runs yet, or with words of the step's own."""

    campaign_id: UUID
    name: str
    state: CampaignState
    steps: list[str]
    live: bool
    version: int | None = None


class RunningWords(Strict):
    """A wording of what runs that took its words from a template: which version of it was approved, and
    which is the newest. `variant` counts the step's wordings from 0."""

    step_id: str
    variant: int
    template_id: UUID
    name: str
    version: int
    newest: int


class VersionRow(Strict):
    version_id: UUID
    campaign_id: UUID
    number: int
    content_hash: str
    created_by: UUID
    created_by_name: str
    created_at: datetime


class Target(Strict):
    """A step of the new version that people can be moved to."""

    step_id: str
    title: str


class ChosenFate(Strict):
    """What becomes of the people at one step of one version. `to_step` belongs to `move`."""

    version_id: UUID
    step_id: str = Field(max_length=40)
    choice: Fate
    to_step: str | None = Field(None, max_length=40)


class PeopleAt(Strict):
    """The people at one step of a version that runs, what we propose for them, and where they could go."""

    version_id: UUID
    version_number: int
    step_id: str
    title: str
    live: int
    held: int
    proposed: Fate
    to_step: str | None
    why: str
    targets: list[Target]


class Impact(Strict):
    """What publishing the draft means for people inside. `still_moving`: an earlier change is being
    carried out, so a new one has to wait."""

    groups: list[PeopleAt]
    people: int
    still_moving: bool


class KeptFate(Strict):
    """One line of what was decided for people inside, with how many there were then."""

    version_id: UUID
    version_number: int
    step_id: str
    title: str
    live: int
    held: int
    choice: Fate
    to_step: str | None
    to_title: str


class ApprovalRow(Strict):
    """One request for approval. `activate_at` None: starts as soon as it is approved."""

    approval_id: UUID
    campaign_id: UUID
    campaign_name: str
    campaign_type: str
    campaign_state: CampaignState
    version_id: UUID
    version_number: int
    content_hash: str
    state: ApprovalState
    activate_at: datetime | None
    audience_count: int | None
    note: str
    requested_by: UUID
    requested_by_name: str
    requested_at: datetime
    decided_by: UUID | None
    decided_by_name: str
    decided_at: datetime | None
    decision_note: str
    exemption: bool
    impact: list[KeptFate]
    valid_until: datetime | None
    reminded_at: datetime | None


class CampaignDetail(Strict):
    """Everything the builder needs. `draft_problems` is filled only when the stored draft could
    not be read; `draft` is then empty and saving replaces it."""

    row: CampaignRow
    draft: Journey
    draft_revision: int
    draft_problems: list[Problem]
    active_version: VersionRow | None
    open_approval: ApprovalRow | None
    last_decision: ApprovalRow | None
    editable: bool

    @property
    def readable(self) -> Journey:
        """The draft, for whoever needs a real one. Raises Unreadable."""
        if self.draft_problems:
            raise Unreadable("This campaign", self.draft_problems)
        return self.draft


class Comment(Strict):
    """One remark in the thread of a request."""

    comment_id: UUID
    person: str
    at: datetime
    words: str


Tone = Literal["danger", "warn", "info"]


class Risk(Strict):
    """Something to look at before approving; `code` is stable, `sentence` is what people read."""

    code: str
    tone: Tone
    sentence: str


class Decided(Strict):
    """What became of one campaign when several were dealt with at once; `why_not` is empty when it went."""

    id: UUID
    name: str
    done: bool
    why_not: str


class ApprovalDetail(Strict):
    """What the approver reads: the journey, the one it replaces, and both in plain words."""

    row: ApprovalRow
    journey: Journey
    previous_journey: Journey | None
    previous_version_id: UUID | None
    people_before: int | None
    own_work: bool
    diff: JourneyDiff
    summary: list[str]
    may_decide: bool
    why_not: str
    problems: list[Problem] = Field(
        default_factory=list, description="Why the version cannot be read; `journey` is then empty."
    )
