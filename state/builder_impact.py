"""What publishing a change means for people inside: shown and chosen before approval is asked for (D8)."""

from dataclasses import dataclass, field, replace
from typing import Any

import reflex as rx

from services.campaigns import service as campaigns
from services.campaigns.contracts import ChosenFate, KeptFate, PeopleAt
from services.kit.errors import Invalid
from services.kit.uow import Unit
from state import words
from state.builder import Builder
from state.session import acting, uuid_of

FINISH, EXIT = "finish", "exit"


@dataclass(frozen=True)
class Group:
    """The people at one step of one version. `fate` is `finish`, `exit`, or `move:` and a step;
    `choices` are pairs of those and the words for them."""

    key: str
    title: str
    version: str
    people: str
    why: str
    fate: str
    choices: list[list[str]] = field(default_factory=list)


class ChangeImpact(rx.State):
    """Groups in the order of the journey, the newest version first."""

    groups: list[Group] = []
    people: str = ""
    still_moving: bool = False

    @rx.event
    async def choose(self, key: str, fate: str) -> None:
        """What becomes of one group; only what was offered."""
        self.groups = [_with(group, fate) if group.key == key else group for group in self.groups]

    @rx.event
    async def choose_all(self, what: str) -> None:
        """Everybody finishes, or everybody does what is proposed."""
        builder = await self.get_state(Builder)
        async with acting(self, "author") as u:
            await self.read(u, builder)
        if what == FINISH:
            self.groups = [replace(group, fate=FINISH) for group in self.groups]

    async def read(self, u: Unit, builder: Builder) -> None:
        """Count who is where now, with our proposals chosen."""
        found = await campaigns.impact(u, builder.key)
        self.groups = [_group(one) for one in found.groups]
        self.people = words.plural(found.people, "person is", "people are")
        self.still_moving = found.still_moving

    def chosen(self) -> list[ChosenFate]:
        """The choices as the service takes them."""
        return [_fate(group) for group in self.groups]


def _group(at: PeopleAt) -> Group:
    held = f", {words.count(at.held)} of them held" if at.held else ""
    moves = [[f"move:{t.step_id}", f"Move to “{t.title}” in the new version"] for t in at.targets]
    moves.sort(key=lambda pair: pair[0] != f"move:{at.to_step}")
    return Group(
        key=f"{at.version_id}/{at.step_id}",
        title=at.title,
        version=f"Version {at.version_number}",
        people=words.plural(at.live + at.held, "person", "people") + held,
        why=at.why,
        fate=f"move:{at.to_step}" if at.proposed == "move" else at.proposed,
        choices=[*moves, [FINISH, "Finish on the old version"], [EXIT, "Leave the journey"]],
    )


def _with(group: Group, fate: str) -> Group:
    if fate not in [value for value, _ in group.choices]:
        raise Invalid("That cannot be chosen for these people.")
    return replace(group, fate=fate)


def _fate(group: Group) -> ChosenFate:
    version, _, step = group.key.partition("/")
    choice, _, to = group.fate.partition(":")
    return ChosenFate.model_validate(
        {"version_id": uuid_of(version), "step_id": step, "choice": choice, "to_step": to or None}
    )


def fate_words(kept: KeptFate) -> dict[str, Any]:
    """One decided line for the approver: who, and what becomes of them."""
    what = {
        "move": f"move to “{kept.to_title}” in the new version",
        "finish": "finish on the version they are in",
        "exit": "leave the journey",
    }[kept.choice]
    people = words.plural(kept.live + kept.held, "person", "people")
    return {"who": f"{people} at “{kept.title}” (version {kept.version_number})", "what": what}
