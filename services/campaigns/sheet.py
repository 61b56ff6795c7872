"""One campaign as a sheet of paper: everything whoever signs it should have read (BLD-12)."""

from dataclasses import dataclass
from datetime import time
from uuid import UUID

from services.access.service import practice_settings
from services.audience import service as audience
from services.builder import step_words
from services.builder.figure import Figure, figure
from services.builder.outline import Row, outline
from services.builder.outline_words import Told, told
from services.builder.summary import event_words, summary
from services.builder.wordings import Wording, wordings
from services.campaigns import drafts
from services.campaigns.contracts import ApprovalRow, CampaignRow
from services.campaigns.history import version_of, version_story
from services.contracts.journey import Caps, Journey, Message
from services.gates.contracts import tighten
from services.kit.errors import NotFound
from services.kit.uow import Unit

AIMS = {
    "booking": "appointments booked",
    "engagement": "people who take part",
    "conversion": "treatment proposals accepted",
    "revenue": "treatment gone ahead with",
}


@dataclass(frozen=True)
class Letter:
    """One message step with all its wordings; `number` is its number in the outline."""

    number: int
    title: str
    wordings: list[Wording]


@dataclass(frozen=True)
class Sheet:
    """`problem` says why nothing can be printed; the rest is then empty but for the campaign.
    `number` 0: the draft, which no version says the same as."""

    campaign: CampaignRow
    number: int
    content_hash: str
    problem: str
    aim: str
    who: str
    figure: Figure
    rows: list[tuple[Row, Told]]
    sentences: list[str]
    letters: list[Letter]
    caps: Caps
    quiet: tuple[time, time]
    request: ApprovalRow | None


async def sheet(u: Unit, campaign_id: UUID, version_id: UUID | None = None) -> Sheet:
    """A version on paper; without one, the draft. Raises NotFound."""
    u.actor.require("read")
    detail = await drafts.get(u, campaign_id)
    stories = await version_story(u, campaign_id)
    if version_id is None:
        found = detail.draft_problems or detail.draft
        story = next((s for s in stories if s.is_draft), None)
    else:
        found = await version_of(u, campaign_id, version_id)
        story = next((s for s in stories if s.version.version_id == version_id), None)
        if story is None:
            raise NotFound("This version of the campaign does not exist.")
    journey = found if isinstance(found, Journey) else Journey()
    settings = await practice_settings(u)
    rows = outline(journey)
    return Sheet(
        campaign=detail.row,
        number=story.version.number if story else 0,
        content_hash=story.version.content_hash if story else detail.row.draft_hash,
        problem="" if isinstance(found, Journey) else found[0].sentence,
        aim=f"{AIMS[journey.goal.objective].capitalize()}: when {event_words(journey.goal.event)} "
        f"within {journey.goal.window_days} days",
        who=await audience.sentence(u, journey.audience),
        figure=figure(journey),
        rows=list(zip(rows, told(journey, rows), strict=True)),
        sentences=summary(journey),
        letters=_letters(journey, rows),
        caps=tighten(settings.caps, journey.caps),
        quiet=(settings.quiet_start, settings.quiet_end),
        request=story.request if story else None,
    )


def _letters(journey: Journey, rows: list[Row]) -> list[Letter]:
    """Every message in the order of the outline, in each variant, language and channel it has words for."""
    steps = {step.id: step for step in journey.steps}
    numbered = [(row.number, steps[row.step_id]) for row in rows if row.what == "step"]
    return [
        Letter(number, step_words.title(step), wordings(step))
        for number, step in numbered
        if isinstance(step, Message)
    ]
