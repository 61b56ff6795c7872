"""A test walk: one sample person through the journey, step by step, with nothing changed (BLD-10).

Where they go next and when is asked with the engine's own texts, the gates with every answer, the
words with the renderer. Reading the person's name for a message is audited as a preview.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from services.audience.service import contains, zone
from services.content.contracts import Preview
from services.content.service import context_of, preview, words_for
from services.contracts.journey import Branch, Entry, Journey, Message, Split, Step, Variant, WaitEvent, ports
from services.contracts.step_names import step_name
from services.engine.binding import Binding
from services.engine.moves import port_sql
from services.engine.plan import Plan, due_sql
from services.engine.plans import policy_for
from services.engine.reach import NOBODY
from services.gates.every import Answer, every_gate
from services.gates.gates import person_gates
from services.gates.reasons import Reason
from services.kit.errors import NotFound
from services.kit.uow import Unit

LONGEST = 60
"""Steps after which a walk ends: only a circle is longer."""

WHO = """
SELECT coalesce(c.timezone, 'Europe/London') AS zone, coalesce(c.locale, '') AS locale FROM canonical.contact c
WHERE c.practice_id = :practice AND c.contact_id = :contact
"""
ALONE = """
SELECT {what} AS answer FROM (SELECT CAST(:contact AS uuid) AS contact_id, CAST(:their_zone AS text) AS zone, CAST(:signal AS text) AS signal) m
"""
AT_A_FORK = """
SELECT {what} AS answer FROM (SELECT CAST(:contact AS uuid) AS contact_id, CAST(:their_zone AS text) AS zone, CAST(:signal AS text) AS signal) k
LEFT JOIN canonical.contact c ON c.practice_id = :practice AND c.contact_id = k.contact_id
"""
SHARE = "SELECT cm.bucket(:salt, CAST(:contact AS uuid))"


@dataclass(frozen=True)
class Said:
    """A message as this person would read it on the channel they would get it by."""

    preview: Preview
    variant: str


@dataclass(frozen=True)
class Stop:
    """One step of a walk. `arrived_at` and `at` (when it acts) are UTC; `explained` says in words
    what happens here; `answers` are the gates', `said` what would be read, `goes_out` whether."""

    step_id: str
    kind: str
    title: str
    arrived_at: datetime
    at: datetime
    explained: str
    next: str = ""
    goes_out: bool = False
    waits_for_event: bool = False
    answers: tuple[Answer, ...] = ()
    said: tuple[Said, ...] = ()


@dataclass(frozen=True)
class Walk:
    """The whole way. `zone` is the person's; `belongs`: they are in the audience today."""

    zone: str
    practice_zone: str
    belongs: bool
    stops: tuple[Stop, ...]


async def walk(
    u: Unit,
    campaign_id: UUID,
    journey: Journey,
    contact_id: UUID,
    *,
    version_id: UUID = NOBODY,
    happened: Collection[str] = (),
) -> Walk:
    """Walk one person from the start, as if they came in now. Needs `read`; changes nothing.

    `happened` are the waits whose event comes. Raises NotFound for nobody, Invalid without a start.
    """
    u.actor.require("read")
    plan = Plan.of(journey)
    row = (await u.execute(WHO, practice=u.practice_id, contact=contact_id)).one_or_none()
    if row is None:
        raise NotFound("There is no such person in this practice.")
    walker = _Walker(u, plan, campaign_id, version_id, contact_id, row.zone, frozenset(happened), row.locale)
    belongs = not journey.audience.include or await contains(u, journey.audience, contact_id)
    return Walk(row.zone, await zone(u), belongs, tuple(await walker.all()))


@dataclass
class _Walker:
    u: Unit
    plan: Plan
    campaign_id: UUID
    version_id: UUID
    contact_id: UUID
    zone: str
    happened: frozenset[str]
    locale: str = ""
    context: dict[str, Any] | None = None

    async def all(self) -> list[Stop]:
        stops: list[Stop] = []
        step: Step | None = self.plan.entry
        now = self.u.now
        while step is not None and len(stops) < LONGEST:
            stop, port = await self._stop(step, now)
            following = self.plan.target(step, port) if port else None
            stops.append(replace(stop, next=step_name(following) if following else ""))
            step, now = following, stop.at
        return stops

    async def _stop(self, step: Step, arrived: datetime) -> tuple[Stop, str]:
        """What happens at a step to somebody who arrives then, and the way they leave by ("": none)."""
        signal = "expected" if step.id in self.happened else None
        at = arrived + timedelta(minutes=step.delay_minutes) if isinstance(step, Entry) else arrived
        if not isinstance(step, Entry):
            binding = Binding()
            due = due_sql(step, binding)
            at = await self._ask(ALONE, due, binding, arrived, signal)
        if isinstance(step, WaitEvent) and signal:
            at = arrived
        stop = Stop(step.id, step.kind, step_name(step), arrived, at, "")
        if isinstance(step, Message):
            return await self._message(step, stop)
        if not ports(step):
            words = (
                "The goal is reached, and the journey ends."
                if step.kind == "goal"
                else "The journey ends here."
            )
            return replace(stop, explained=words), ""
        binding = Binding()
        port = await self._ask(AT_A_FORK, await port_sql(self.u, step, binding, at=at), binding, at, signal)
        explained = await self._explained(step, str(port), stop)
        return replace(stop, explained=explained, waits_for_event=isinstance(step, WaitEvent)), str(port)

    async def _ask(self, shape: str, what: str, binding: Binding, now: datetime, signal: str | None) -> Any:
        values = {
            "practice": self.u.practice_id, "contact": self.contact_id, "their_zone": self.zone,
            "now": now, "signal": signal, **binding.values,
        }  # fmt: skip
        return (await self.u.execute(shape.format(what=what), **values)).scalar_one()

    async def _message(self, step: Message, stop: Stop) -> tuple[Stop, str]:
        policy = await policy_for(self.u, self.campaign_id, self.version_id, self.plan, step)
        policy = replace(policy, now=stop.at)
        answers = await every_gate(self.u, self.contact_id, policy, zone=self.zone)
        shut = {a.channel for a in answers if a.refuses and a.channel}
        opened = [channel for channel in step.channels if channel not in shut]
        refusing = [a for a in answers if a.refuses and a.channel is None]
        goes_out = not refusing and bool(opened)
        variant = await self._variant(step)
        said = await self._said(step, variant, opened or list(step.channels))
        why = refusing[0].sentence if refusing else next((a.sentence for a in answers if a.refuses), "")
        words = "This message goes out." if goes_out else f"This message is held back. {why}"
        found = replace(stop, explained=words, goes_out=goes_out, answers=tuple(answers), said=said)
        return found, "" if refusing and _ends(refusing[0].reason) else "next"

    async def _said(self, step: Message, variant: Variant, channels: list[Any]) -> tuple[Said, ...]:
        if self.context is None:
            self.context = await context_of(self.u, self.contact_id, language=self.locale)
        name = variant.label or (f"Version {variant.key.upper()}" if len(step.variants) > 1 else "")
        chosen = [(channel, *words_for(variant, channel, self.locale)) for channel in channels]
        return tuple(
            Said(preview(channel, words, self.context, language=language), name)
            for channel, language, words in chosen
            if words is not None
        )

    async def _variant(self, step: Message) -> Variant:
        """The wording this person gets: their sticky share, as at dispatch (D24)."""
        if len(step.variants) == 1:
            return step.variants[0]
        share = await self._share(f"variant/{step.id}/")
        edge = 0.0
        for variant in step.variants[:-1]:
            edge += variant.percent * 100
            if share < round(edge):
                return variant
        return step.variants[-1]

    async def _share(self, salt: str) -> int:
        return int((await self.u.execute(SHARE, salt=salt, contact=self.contact_id)).scalar_one())

    async def _explained(self, step: Step, port: str, stop: Stop) -> str:
        label = next((label for key, label, _ in ports(step) if key == port), "")
        match step:
            case Entry():
                return (
                    "They come in."
                    if stop.at == stop.arrived_at
                    else f"They come in, and move on {self._moment(stop.at)}."
                )
            case Branch():
                if port == "otherwise":
                    return f"None of the rules fits them, so they take “{label}”."
                return f"The rule of “{label}” fits them, so they go that way."
            case Split():
                return f"Chance put them in “{label}”, and keeps them there."
            case WaitEvent():
                if port == "on_event":
                    return f"The event comes: they take “{label}”."
                return f"The event does not come. They move on {self._moment(stop.at)}."
            case _:
                return (
                    "They move on at once."
                    if stop.at == stop.arrived_at
                    else f"They move on {self._moment(stop.at)}."
                )

    def _moment(self, at: datetime) -> str:
        local = at.astimezone(ZoneInfo(self.zone))
        return f"{local:%A} {local.day} {local:%B} at {local:%H:%M}, their time"


def _ends(reason: Reason) -> bool:
    """Does this refusal end or hold the journey, rather than pass over one message?"""
    return any(gate.reason is reason and gate.effect != "skip" for gate in person_gates())
