"""Around the words of a message step: looking at them on devices, and trying them out (CNT-4, CNT-5)."""

from dataclasses import dataclass
from typing import Any, get_args

import reflex as rx

from services.bootstrap import app
from services.campaigns import service as campaigns
from services.campaigns.contracts import RunningWords
from services.content import service as content
from services.content.resolving import with_template
from services.contracts.journey import Channel, Journey, Message, Variant
from services.contracts.languages import name_of
from services.kit.errors import Invalid
from services.kit.uow import Unit
from services.test_sends import service as test_sends
from services.test_sends.contracts import TriedOut, TryOut
from state import words
from state.builder import Builder
from state.builder_canvas import one_of
from state.looks import THEIR_OWN, Looks
from state.session import Session, acting, changed, permitted, pings, uuid_of

STATES: dict[str, tuple[str, words.Tone]] = {
    "asked": ("On its way to the Hub", "neutral"),
    "accepted": ("Accepted", "info"),
    "sent": ("Sent", "ok"),
    "delivered": ("Delivered", "ok"),
    "failed": ("Not sent", "danger"),
    "bounced": ("Came back", "danger"),
}


@dataclass(frozen=True)
class TestRow:
    id: str
    what: str
    when: str
    state: str
    tone: str
    reason: str


class Words(rx.State):
    looking: bool = False
    trying: bool = False
    addresses: str = ""
    busy: bool = False
    tests: list[TestRow] = []
    templates: list[list[str]] = []
    approved_with: dict[str, str] = {}
    """Step and wording (`message-1/0`) of what runs → which version of its template it was approved with."""

    @rx.event
    async def offer_templates(self) -> None:
        """The templates of the channel shown: the practice's, and this campaign's own."""
        builder = await self.get_state(Builder)
        channel: Any = one_of(builder.step.channel, get_args(Channel))
        async with acting(self, "read") as u:
            rows = await content.templates(u, channel=channel, campaign_id=builder.key, active_only=True)
        self.templates = [[str(row.template_id), row.name] for row in rows]

    @rx.event
    async def look(self, open: bool) -> None:
        """Open the devices with the words as the panel shows them."""
        self.looking = bool(open)
        if not open:
            return
        builder, looks = await self.get_state(Builder), await self.get_state(Looks)
        async with acting(self, "read") as u:
            variant = await _variant(u, builder.journey, builder.step.id, builder.step.variant)
            channel: Any = one_of(builder.step.channel, get_args(Channel))
            looks.language = builder.step.language or THEIR_OWN
            await looks.take(u, channel, variant, builder.journey.audience)

    @rx.event
    async def copy_template(self) -> Any:
        """Write the template's words onto the step itself, to change them for this campaign only."""
        builder = await self.get_state(Builder)
        index, step_id = builder.step.variant, builder.step.id
        async with acting(self, "author") as u:
            filled = await _variant(u, builder.journey, step_id, index)
        own = filled.model_copy(update={"template_id": None})
        return await builder.apply(lambda j: _replaced(j, step_id, index, own), "write the words here")

    @rx.event
    async def try_out(self, open: bool) -> Any:
        """Open the dialog for test messages, and keep it fresh."""
        await permitted(self, "author")
        self.trying = bool(open)
        if not open:
            return None
        await self._read()
        return Words.follow

    @rx.event
    async def type_addresses(self, typed: str) -> None:
        self.addresses = typed[:600]

    @rx.event
    async def send_test(self) -> Any:
        """Send what the panel shows, as it is now, to the addresses typed."""
        builder = await self.get_state(Builder)
        actor = await permitted(self, "author")
        await builder.save()
        typed = [part.strip() for part in self.addresses.replace(";", ",").replace("\n", ",").split(",")]
        form = builder.step
        if form.channel == "in_app":
            raise Invalid("Messages in the app go to the app's users only. Try another channel.")
        key = next(
            v.key
            for s in builder.journey.steps
            if s.id == form.id and isinstance(s, Message)
            for v in s.variants[form.variant :]
        )
        wanted = TryOut.model_validate(
            {
                "step_id": form.id, "variant": key, "channel": form.channel,
                "language": form.language or None, "addresses": [part for part in typed if part][:5] or [" "],
            }
        )  # fmt: skip
        await test_sends.send(app(), actor, builder.key, wanted)
        await self._read()
        await changed(self, "tests")

    @rx.event(background=True, supersedes=True)
    async def follow(self) -> None:
        async for topic in pings(self, "/campaigns"):
            async with self:
                if not self.trying:
                    return
                if topic in ("tick", "tests", "people", "metrics"):
                    await self._read()

    async def _read(self) -> None:
        builder = await self.get_state(Builder)
        zone = (await self.get_state(Session)).zone
        async with acting(self, "read") as u:
            found = await test_sends.tests(u, builder.key)
        self.tests = [_test(row, zone) for row in found[:8]]


def _test(row: TriedOut, zone: str) -> TestRow:
    said, tone = STATES[row.state]
    where = words.CHANNELS[row.channel] + (f" in {name_of(row.language)}" if row.language else "")
    return TestRow(
        str(row.test_id),
        f"{where} to {row.sent_to}",
        f"{words.moment(row.asked_at, zone)} · {row.asked_by}",
        said,
        tone,
        row.reason,
    )


async def read_running(shown: Words, u: Unit, builder: Builder) -> None:
    """Which versions of its templates the campaign runs with. A function: no browser can call it."""
    found = await campaigns.running_words(u, builder.key)
    shown.approved_with = {f"{one.step_id}/{one.variant}": _runs_with(one, builder.state) for one in found}


def _runs_with(one: RunningWords, state: str) -> str:
    if one.version == one.newest:
        return f"This runs with version {one.version} of “{one.name}”, the newest."
    how = "ask for approval" if state == "paused" else "pause the campaign and ask for approval"
    return (
        f"This runs with version {one.version} of “{one.name}”. Version {one.newest} is newer: to take it, {how};"
        " the newest words go out once it is given."
    )


async def _variant(u: Unit, journey: Journey, step_id: str, index: int) -> Variant:
    """A wording with what its template says."""
    step = next((s for s in journey.steps if s.id == step_id), None)
    if not isinstance(step, Message) or not 0 <= index < len(step.variants):
        raise Invalid("That message no longer exists.")
    variant = step.variants[index]
    if variant.template_id:
        return with_template(variant, await content.template(u, uuid_of(variant.template_id)))
    return variant


def _replaced(journey: Journey, step_id: str, index: int, variant: Variant) -> Journey:
    def changed_step(step: Any) -> Any:
        if step.id != step_id or not isinstance(step, Message):
            return step
        variants = [variant if n == index else v for n, v in enumerate(step.variants)]
        return step.model_copy(update={"variants": variants})

    return journey.model_copy(update={"steps": [changed_step(step) for step in journey.steps]})
