"""Everything an approver reads of one request: what changed in words, who it reaches, what to look at."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from services.access.service import practice_settings
from services.audience.contracts import AudiencePreview
from services.audience.segments import names
from services.audience.sentence import read_back
from services.builder.wordings import link_lines, wordings
from services.campaigns import service as campaigns
from services.campaigns.contracts import ApprovalDetail, Comment, Risk
from services.campaigns.risk_rules import Facts, risks
from services.content.service import template_ids
from services.contracts.journey import ChannelContent, Journey, Message
from services.contracts.step_names import step_name
from services.engine.reach import reach
from services.kit.uow import Unit

NOBODY_KNOWN = AudiencePreview(0, 0, [], [], "")
"""Of a version that cannot be read nobody can say whom it reaches; it cannot be approved either."""
UNUSED = """
SELECT name FROM cm.content_template
WHERE practice_id = :practice AND template_id = ANY (:ids) AND times_used <= 1 ORDER BY lower(name)
"""


@dataclass(frozen=True, slots=True)
class WordsChange:
    """What one message says on one channel, before and now: subject, preview line, text, and links where
    they changed. `before` is empty for a new channel or language, `now` for one that is no longer used.
    `language` is empty for the words everybody gets, `variant` where there is only one."""

    step: str
    channel: str
    before: str
    now: str
    language: str = ""
    variant: str = ""


@dataclass(frozen=True, slots=True)
class Judged:
    """One request as its approver needs it. `audience_was` is empty when the audience is the same."""

    detail: ApprovalDetail
    reach: AudiencePreview
    risks: list[Risk]
    audience_was: str
    changed_words: list[WordsChange]
    comments: list[Comment]


async def judged(u: Unit, approval_id: UUID) -> Judged:
    """Count and compare now. Needs `read`. Raises NotFound, RuleInvalid."""
    detail = await campaigns.approval(u, approval_id)
    preview = NOBODY_KNOWN if detail.problems else await reach(u, detail.row.campaign_id, detail.journey)
    previous = detail.previous_journey
    was = ""
    if previous is not None and previous.audience != detail.journey.audience:
        was = read_back(previous.audience, await names(u))
    facts = Facts(
        journey=detail.journey,
        people=preview.count,
        previous=previous,
        people_before=detail.people_before,
        left_out={one.reason: one.count for one in preview.excluded},
        global_holdout=(await practice_settings(u)).global_holdout_percent,
        new_templates=await _never_used(u, detail.journey),
        fates=detail.row.impact,
        own_work=detail.own_work and detail.may_decide,
    )
    return Judged(
        detail, preview, risks(facts), was, changed_words(previous, detail.journey),
        await campaigns.comments(u, approval_id),
    )  # fmt: skip


async def _never_used(u: Unit, journey: Journey) -> list[str]:
    """Templates that only this request has used."""
    ids = template_ids(journey)
    if not ids:
        return []
    return list((await u.execute(UNUSED, practice=u.practice_id, ids=list(ids))).scalars())


def changed_words(before: Journey | None, now: Journey) -> list[WordsChange]:
    """Messages that say something else than before, by step, variant, language and channel (CNT-7). A
    message that is new as a whole is no change: it is read as it is."""
    if before is None:
        return []
    known = {step.id: step for step in before.steps if isinstance(step, Message)}
    return [
        change
        for step in now.steps
        if isinstance(step, Message) and step.id in known
        for change in _changes(known[step.id], step)
    ]


def _changes(old: Message, new: Message) -> Iterator[WordsChange]:
    before, after = ({one.place: one for one in wordings(step)} for step in (old, new))
    for place in dict.fromkeys((*after, *before)):
        one = after.get(place) or before[place]
        texts = [_reads(side[place].content) if place in side else "" for side in (before, after)]
        links = [link_lines(side[place].content) if place in side else [] for side in (before, after)]
        if links[0] != links[1]:
            texts = ["\n".join([text, *lines]) for text, lines in zip(texts, links, strict=True)]
        if texts[0] != texts[1]:
            yield WordsChange(step_name(new), one.channel, texts[0], texts[1], one.language, one.variant)


def _reads(content: ChannelContent) -> str:
    """Subject, preview line and text, each on a line of its own."""
    return plain("\n".join(part for part in (content.subject, content.preheader, content.body) if part))


def plain(html: str) -> str:
    """Words without markup, a paragraph a line."""
    lines = re.sub(r"(?i)<br\s*/?>|</(p|div|h\d|li|tr)>", "\n", html)
    words = re.sub(r"<[^>]*>", "", lines)
    return "\n".join(" ".join(line.split()) for line in words.splitlines() if line.strip())
