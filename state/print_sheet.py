"""A campaign on paper, to be read and signed (BLD-12)."""

from dataclasses import dataclass, field
from typing import Any

import reflex as rx

from services.builder.comparison import plain
from services.builder.figure import Figure
from services.builder.step_words import CHANNEL_WORDS
from services.builder.template_words import spelled
from services.builder.wordings import Wording
from services.campaigns.contracts import ApprovalRow
from services.campaigns.sheet import Sheet, sheet
from services.contracts.campaign_types import LABELS
from services.contracts.journey import Caps
from state import words
from state.print_figure import Card, Line, Word, cards, labels, lines
from state.session import Session, acting, opens, uuid_of


@dataclass(frozen=True)
class Drawn:
    """One line of the flow on paper."""

    number: str
    title: str
    line: str
    what: str
    indent: str


@dataclass(frozen=True)
class Worded:
    channel: str
    subject: str
    preheader: str
    body: str


@dataclass(frozen=True)
class Post:
    name: str
    wordings: list[Worded] = field(default_factory=list)


class PrintSheet(rx.State):
    loading: bool = True
    id: str = ""
    name: str = ""
    problem: str = ""
    kind: str = ""
    state: str = ""
    version: str = ""
    hash: str = ""
    printed: str = ""
    practice: str = ""
    aim: str = ""
    who: str = ""
    rules: list[str] = []
    flow: list[Drawn] = []
    cards: list[Card] = []
    lines: list[Line] = []
    labels: list[Word] = []
    view_box: str = "0 0 1 1"
    drawn_width: str = "0mm"
    landscape: bool = False
    compact: bool = False
    sentences: list[str] = []
    posts: list[Post] = []
    decision: str = ""

    @rx.event
    @opens
    async def load(self) -> Any:
        """The page's own start: the version named in the address, else the draft."""
        self.reset()
        self.id = str(uuid_of(self.router.url.path.rstrip("/").split("/")[-2]))
        version = self.router.url.query_parameters.get("version", "")
        frame = await self.get_state(Session)
        async with acting(self, "read") as u:
            found = await sheet(u, uuid_of(self.id), uuid_of(version) if version else None)
            self.printed = words.moment(u.now, frame.zone)
        self.practice = frame.practice
        self._show(found, frame.zone)
        self.loading = False

    def _show(self, found: Sheet, zone: str) -> None:
        row = found.campaign
        self.name, self.problem = row.name, found.problem
        self.kind = LABELS.get(row.campaign_type, words.plain(row.campaign_type))
        self.state = words.STATES[row.state][0]
        self.version = f"Version {found.number}" if found.number else "Draft, not yet a version"
        self.hash = found.content_hash
        self.aim, self.who = found.aim, found.who
        self.rules = _rules(found.caps, found)
        self.flow = [
            Drawn(
                str(line.number) if line.what == "step" else "", said.title, said.line, line.what,
                f"{(min(line.level, 9) - 1) * 5}mm",
            )
            for line, said in found.rows
        ]  # fmt: skip
        self._draw(found.figure)
        self.sentences = found.sentences
        self.posts = [
            Post(f"{letter.number}. {letter.title}", [_worded(one) for one in letter.wordings])
            for letter in found.letters
        ]
        self.decision = _decision(found.request, zone)

    def _draw(self, found: Figure) -> None:
        self.cards, self.lines, self.labels = cards(found), lines(found), labels(found)
        self.view_box = f"-2 0 {found.width + 4:.0f} {found.height:.0f}"
        self.drawn_width = f"{(found.width + 4) * found.scale:.1f}mm"
        self.landscape, self.compact = found.landscape, found.compact


def _rules(caps: Caps, found: Sheet) -> list[str]:
    """Caps and quiet hours that hold for this campaign, the practice's own included (D22, D23)."""
    start, end = found.quiet
    lines = [f"Nothing is sent between {start:%H:%M} and {end:%H:%M}, each person's own time."]
    if caps.max_touches:
        lines.append(
            f"Nobody gets more than {words.plural(caps.max_touches, 'message')} in {caps.per_days} days."
        )
    if caps.min_gap_hours:
        lines.append(f"At least {words.plural(caps.min_gap_hours, 'hour')} lie between two messages.")
    return lines


def _worded(one: Wording) -> Worded:
    """A wording in full, merge fields named as people know them."""
    said = one.content
    text = plain(said.body) if one.channel == "email" else said.body
    name = ", ".join(part for part in (CHANNEL_WORDS[one.channel], one.language, one.variant) if part)
    return Worded(name, spelled(said.subject), spelled(said.preheader), spelled(text))


def _decision(request: ApprovalRow | None, zone: str) -> str:
    if request is None:
        return "Not sent for approval yet."
    asked = f"Asked for by {request.requested_by_name}, {words.moment(request.requested_at, zone)}."
    match request.state:
        case "requested":
            return f"{asked} Not decided yet."
        case "approved" | "used":
            return f"{asked} Approved by {request.decided_by_name}, {words.moment(request.decided_at, zone)}."
        case "sent_back":
            return (
                f"{asked} Sent back by {request.decided_by_name}, {words.moment(request.decided_at, zone)}."
            )
        case _:
            return f"{asked} The request was taken back."
