"""What the dashboard shows of campaigns and their numbers: plain rows and words, no behaviour."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from services.campaigns.contracts import CampaignRow
from services.contracts.campaign_types import LABELS
from services.insights.daily import Day, Standing
from services.insights.totals import Totals
from state import words


@dataclass(frozen=True)
class Row:
    id: str
    name: str
    state: str
    state_words: str
    tone: str
    kind: str
    type: str
    origin: str
    when: str
    people: str
    sent: str
    delivered: str
    opened: str
    clicked: str
    booked: str
    opened_share: int
    begun: bool
    tags: list[str]
    may_pause: bool
    may_resume: bool
    may_cancel: bool
    may_delete: bool


@dataclass(frozen=True)
class Chip:
    key: str
    words: str
    count: str
    on: bool


@dataclass(frozen=True)
class Total:
    words: str
    value: str
    hint: str


def row_of(row: CampaignRow, got: Totals, zone: str, may: Collection[str]) -> Row:
    """One campaign as the table shows it; what its state and this person's role allow."""
    name, tone = words.STATES[row.state]
    begun = row.activated_at is not None
    manage = "manage" in may
    return Row(
        id=str(row.campaign_id),
        name=row.name,
        state=row.state,
        state_words=name,
        tone=tone,
        kind=words.KINDS[row.kind],
        type=LABELS.get(row.campaign_type, words.plain(row.campaign_type)),
        origin="Suggested by Aiden" if row.ai_generated else f"By {row.created_by_name}",
        when=_when(row, zone),
        people=words.count(got.entered) if begun else "–",
        sent=words.count(got.sent) if begun else "–",
        delivered=words.share(got.delivered, got.sent),
        opened=words.share(got.opened, got.sent),
        clicked=words.share(got.clicked, got.sent),
        booked=words.count(got.booked) if begun else "–",
        opened_share=round(100 * got.opened / got.sent) if got.sent else 0,
        begun=begun,
        tags=row.tags,
        may_pause=manage and row.state == "active",
        may_resume=manage and row.state == "paused",
        may_cancel=manage and row.state in ("scheduled", "active", "paused"),
        may_delete="delete_draft" in may and row.state == "draft",
    )


def _when(row: CampaignRow, zone: str) -> str:
    if row.open_approval_id:
        return "Waiting for approval"
    if row.completed_at:
        return f"Ended {words.day(row.completed_at, zone)}"
    if row.state == "scheduled" and row.scheduled_at:
        return f"Starts {words.moment(row.scheduled_at, zone)}"
    if row.activated_at:
        return f"Since {words.day(row.activated_at, zone)}"
    return f"Changed {words.day(row.updated_at, zone)}"


def totals_of(stand: Standing, days: Sequence[Day], active: int) -> list[Total]:
    sent, opened, clicked = (sum(getattr(d, k) for d in days) for k in ("sent", "opened", "clicked"))
    held = f"{words.count(stand.held)} held back for now" if stand.held else "nobody is held back"
    return [
        Total(
            "In journeys now", words.count(stand.live), f"{words.plural(active, 'active campaign')}, {held}"
        ),
        Total("Sent", words.count(sent), "in the last 30 days"),
        Total("Opened", words.share(opened, sent), f"{words.count(opened)} messages"),
        Total("Clicked", words.share(clicked, sent), f"{words.count(clicked)} messages"),
        Total("Booked", words.count(stand.bookings), "appointments in the last 30 days"),
    ]
