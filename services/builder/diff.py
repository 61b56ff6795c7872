"""What changed between two journeys, in sentences an approver reads (LIF-6)."""

from pydantic import Field

from services.contracts.envelope import Strict
from services.contracts.journey import Journey, Message, Step, ports
from services.contracts.languages import name_of as language_name
from services.contracts.step_names import KINDS, name_of

_SETTINGS: dict[str, str] = {
    "campaign_type": "the type of campaign",
    "goal": "the goal",
    "exit_on": "what ends the journey early",
    "caps": "how often people may be contacted",
    "pace": "how fast messages go out",
    "holdout_percent": "the share of people held out",
}


class StepChange(Strict):
    step_id: str
    sentence: str


class JourneyDiff(Strict):
    """Empty when nothing that matters changed; where steps lie on the canvas does not matter."""

    added: list[StepChange] = Field(default_factory=list)
    removed: list[StepChange] = Field(default_factory=list)
    changed: list[StepChange] = Field(default_factory=list)
    audience: list[str] = Field(default_factory=list)
    settings: list[str] = Field(default_factory=list)

    @property
    def sentences(self) -> list[str]:
        steps = [c.sentence for c in (*self.added, *self.removed, *self.changed)]
        return [*steps, *self.audience, *self.settings]


def diff(old: Journey | None, new: Journey) -> JourneyDiff:
    """Compare by step id. Without an old one everything is new."""
    before = {step.id: step for step in old.steps} if old else {}
    after = {step.id: step for step in new.steps}
    return JourneyDiff(
        added=[
            StepChange(step_id=i, sentence=f"Added {_named(s)}.") for i, s in after.items() if i not in before
        ],
        removed=[
            StepChange(step_id=i, sentence=f"Removed {_named(s)}.")
            for i, s in before.items()
            if i not in after
        ],
        changed=[
            StepChange(step_id=i, sentence=sentence)
            for i, step in after.items()
            if i in before
            for sentence in _step_changes(before[i], step)
        ],
        audience=_audience_changes(old, new),
        settings=_setting_changes(old, new),
    )


def _named(step: Step) -> str:
    return f"the {KINDS[step.kind].lower()} step {name_of(step)}" if step.title else f"{name_of(step)}"


def _step_changes(old: Step, new: Step) -> list[str]:
    if old.kind != new.kind:
        return [f"{name_of(new)} was a {KINDS[old.kind]} step and is now a {KINDS[new.kind]} step."]
    sentences: list[str] = []
    if old.title != new.title:
        sentences.append(f"{name_of(old)} is now called {name_of(new)}.")
    if [target for _, _, target in ports(old)] != [target for _, _, target in ports(new)]:
        sentences.append(f"{name_of(new)} leads to different steps.")
    if isinstance(old, Message) and isinstance(new, Message):
        sentences += _message_changes(old, new)
    elif _bare(old) != _bare(new):
        sentences.append(f"The settings of {name_of(new)} changed.")
    return sentences


def _message_changes(old: Message, new: Message) -> list[str]:
    sentences: list[str] = []
    if old.channels != new.channels:
        sentences.append(
            f"{name_of(new)} now goes by {_list(new.channels)} instead of {_list(old.channels)}."
        )
    languages = _languages(old, new)
    reworded = [v.content for v in old.variants] != [v.content for v in new.variants]
    if reworded:
        sentences.append(f"The words of {name_of(new)} changed.")
    if languages:
        sentences.append(f"The words of {name_of(new)} in {_list(languages)} changed.")
    if not reworded and not languages and old.variants != new.variants:
        sentences.append(f"The variants of {name_of(new)} changed.")
    if _bare(old) | {"channels": 0, "variants": 0} != _bare(new) | {"channels": 0, "variants": 0}:
        sentences.append(f"When or how {name_of(new)} is sent changed.")
    return sentences


def _languages(old: Message, new: Message) -> list[str]:
    """Languages, by name, in which a message says something else than before (CNT-7)."""
    before, after = ([v.translations for v in step.variants] for step in (old, new))
    locales = dict.fromkeys(locale for said in (*before, *after) for locale in said)
    return [
        language_name(locale)
        for locale in locales
        if [said.get(locale) for said in before] != [said.get(locale) for said in after]
    ]


def _bare(step: Step) -> dict[str, object]:
    """A step without what is shown elsewhere: title, place, note and links."""
    value = step.model_dump(mode="json", exclude={"title", "position", "note"})
    for key in ("next", "otherwise", "on_event", "on_timeout"):
        value.pop(key, None)
    for part in (*value.get("paths", ()), *value.get("arms", ())):
        part.pop("next", None)
        part.pop("label", None)
    return value


def _audience_changes(old: Journey | None, new: Journey) -> list[str]:
    if old is None or old.audience == new.audience:
        return []
    sentences: list[str] = []
    if old.audience.kinds != new.audience.kinds:
        kinds = _list([f"{kind}s" for kind in new.audience.kinds])
        sentences.append(f"The audience is now chosen from {kinds}.")
    for what, before, after in (
        ("includes", old.audience.include, new.audience.include),
        ("excludes", old.audience.exclude, new.audience.exclude),
    ):
        gained = sum(rule not in before for rule in after)
        lost = sum(rule not in after for rule in before)
        if gained or lost:
            parts = [
                f"{n} rule{'s' * (n != 1)} {verb}" for n, verb in ((gained, "added"), (lost, "removed")) if n
            ]
            sentences.append(f"Who the audience {what} changed: {' and '.join(parts)}.")
    return sentences or ["The order of the audience's rules changed."]


def _setting_changes(old: Journey | None, new: Journey) -> list[str]:
    if old is None:
        return []
    return [
        f"Changed {words}." for name, words in _SETTINGS.items() if getattr(old, name) != getattr(new, name)
    ]


def _list(words: object) -> str:
    parts = [str(word).replace("_", "-") for word in words]  # type: ignore[attr-defined]
    if len(parts) < 2:
        return "".join(parts) or "nothing"
    return f"{', '.join(parts[:-1])} and {parts[-1]}"
