"""Edits inside one step: its fields by path, its channels, variants, paths, arms and kind of wait.

All pure, all checked against the grammar by `edits.revised`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, TypeVar

from services.builder.edits import find, revised
from services.contracts.journey import (
    Arm,
    Branch,
    Channel,
    ChannelContent,
    Entry,
    EventMatch,
    Journey,
    Message,
    Path,
    SendWindow,
    Split,
    Step,
    StepBase,
    Variant,
    Wait,
    WaitFor,
    WaitUntilDate,
    WaitUntilField,
    WaitUntilWindow,
)
from services.contracts.languages import NAMES
from services.contracts.segment import Group
from services.kit.errors import Invalid

WaitHow = Literal["duration", "window", "date", "field"]
Kind = TypeVar("Kind", bound=StepBase)
UNITS: dict[str, int] = {"minutes": 1, "hours": 60, "days": 60 * 24, "weeks": 60 * 24 * 7}
"""Minutes in each unit of time the panel offers."""


def set_field(journey: Journey, step_id: str, path: str, value: Any) -> Journey:
    """Set one field by its dotted path, e.g. `variants.0.content.email.subject`. Lists and maps on
    the way must exist, except a channel's content, which is made. Raises Invalid."""
    step = find(journey, step_id)
    data = step.model_dump()
    *way, last = path.split(".")
    place: Any = data
    for key in way:
        place = _enter(place, key)
    if isinstance(place, list):
        place[_index(place, last)] = value
    elif isinstance(place, dict):
        place[last] = value
    else:
        raise Invalid("That part of the step no longer exists.")
    return replace(journey, revised(step, **data))


def replace(journey: Journey, step: Step) -> Journey:
    """The journey with one step in the place of its former self."""
    return journey.model_copy(update={"steps": [step if s.id == step.id else s for s in journey.steps]})


def amount_of(minutes: int) -> tuple[int, str]:
    """A length of time as the panel shows it: (2, "days")."""
    for unit in ("weeks", "days", "hours"):
        if minutes and minutes % UNITS[unit] == 0:
            return minutes // UNITS[unit], unit
    return minutes, "minutes"


def minutes_of(amount: int, unit: str) -> int:
    if unit not in UNITS:
        raise Invalid("Choose minutes, hours, days or weeks.")
    return amount * UNITS[unit]


def toggle_channel(journey: Journey, step_id: str, channel: Channel) -> Journey:
    """Add a channel as the last choice, or take it out; what was written for it is kept."""
    step = _message(journey, step_id)
    channels = [c for c in step.channels if c != channel]
    if len(channels) == len(step.channels):
        channels.append(channel)
    return replace(journey, revised(step, channels=channels))


def move_channel(journey: Journey, step_id: str, channel: Channel, by: int) -> Journey:
    """Move a channel up (-1) or down (+1) in the order of preference."""
    step = _message(journey, step_id)
    if channel not in step.channels:
        raise Invalid("That channel is not in use on this step.")
    channels = list(step.channels)
    at = channels.index(channel)
    to = min(max(at + by, 0), len(channels) - 1)
    channels.insert(to, channels.pop(at))
    return replace(journey, revised(step, channels=channels))


def add_variant(journey: Journey, step_id: str) -> Journey:
    """Another wording, beginning as a copy of the last; shares become equal."""
    step = _message(journey, step_id)
    key = next(k for k in "abcdefghij" if k not in {v.key for v in step.variants})
    copy = step.variants[-1].model_copy(update={"key": key, "label": ""})
    return replace(journey, revised(step, variants=_shared([*step.variants, copy])))


def remove_variant(journey: Journey, step_id: str, index: int) -> Journey:
    step = _message(journey, step_id)
    if len(step.variants) == 1:
        raise Invalid("A message needs at least one wording.")
    kept = [v for n, v in enumerate(step.variants) if n != index]
    return replace(journey, revised(step, variants=_shared(kept)))


def add_language(journey: Journey, step_id: str, index: int, locale: str) -> Journey:
    """Another language of a wording, with nothing written in it yet. Raises Invalid."""
    if locale not in NAMES:
        raise Invalid("Choose one of the languages of the list.")
    variant = _wording(journey, step_id, index)
    return _with_languages(
        journey, step_id, index, {**variant.translations, locale: variant.translations.get(locale, {})}
    )


def remove_language(journey: Journey, step_id: str, index: int, locale: str) -> Journey:
    kept = {
        one: words for one, words in _wording(journey, step_id, index).translations.items() if one != locale
    }
    return _with_languages(journey, step_id, index, kept)


def use_template(journey: Journey, step_id: str, index: int, template_id: str | None) -> Journey:
    """Take a wording from the registry, or (None) write it on the step itself again."""
    return set_field(journey, step_id, f"variants.{index}.template_id", template_id)


def _wording(journey: Journey, step_id: str, index: int) -> Variant:
    variants = _message(journey, step_id).variants
    if not 0 <= index < len(variants):
        raise Invalid("That wording no longer exists.")
    return variants[index]


def _with_languages(
    journey: Journey, step_id: str, index: int, translations: Mapping[str, Mapping[Channel, ChannelContent]]
) -> Journey:
    step = _message(journey, step_id)
    changed = step.variants[index].model_copy(
        update={"translations": {k: dict(v) for k, v in translations.items()}}
    )
    variants = [changed if n == index else v for n, v in enumerate(step.variants)]
    return replace(journey, revised(step, variants=variants))


def add_path(journey: Journey, step_id: str) -> Journey:
    step = _of(journey, step_id, Branch)
    return replace(journey, revised(step, paths=[*step.paths, Path(when=Group(node="all"))]))


def remove_path(journey: Journey, step_id: str, index: int) -> Journey:
    step = _of(journey, step_id, Branch)
    if len(step.paths) == 1:
        raise Invalid("A branch needs at least one path. Remove the branch instead.")
    return replace(journey, revised(step, paths=[p for n, p in enumerate(step.paths) if n != index]))


def add_arm(journey: Journey, step_id: str) -> Journey:
    """Another arm; shares become equal."""
    step = _of(journey, step_id, Split)
    label = chr(ord("A") + len(step.arms))
    return replace(journey, revised(step, arms=_even([*step.arms, Arm(label=label, percent=0)])))


def remove_arm(journey: Journey, step_id: str, index: int) -> Journey:
    step = _of(journey, step_id, Split)
    if len(step.arms) == 2:
        raise Invalid("A split needs at least two arms. Remove the split instead.")
    return replace(journey, revised(step, arms=_even([a for n, a in enumerate(step.arms) if n != index])))


def set_wait(journey: Journey, step_id: str, how: WaitHow, today: Any) -> Journey:
    """Change what kind of wait it is; it begins with that kind's usual values."""
    step = _of(journey, step_id, Wait)
    kinds: dict[str, Any] = {
        "duration": WaitFor,
        "window": WaitUntilWindow,
        "date": lambda: WaitUntilDate(on=today),
        "field": lambda: WaitUntilField(field="appointment.next_booked", offset_days=-2),
    }
    if how not in kinds:
        raise Invalid("Choose one of the kinds of wait.")
    return replace(journey, revised(step, until=kinds[how]()))


def toggle_day(journey: Journey, step_id: str, day: str) -> Journey:
    """Let a weekday into the step's time window, or take it out."""
    step = find(journey, step_id)
    if isinstance(step, Message) and step.window:
        return replace(journey, revised(step, window=_with_day(step.window, day)))
    if isinstance(step, Wait) and isinstance(step.until, WaitUntilWindow):
        until = {"how": "window", "window": _with_day(step.until.window, day)}
        return replace(journey, revised(step, until=until))
    raise Invalid("This step has no time window.")


def set_entry(journey: Journey, step_id: str, how: str) -> Journey:
    """Change how people come in, with what that way needs."""
    step = _of(journey, step_id, Entry)
    changes: dict[str, Any] = {"how": how, "event": None, "cron": None}
    if how == "event":
        changes["event"] = step.event or EventMatch(type="appointment.attended")
    if how == "schedule":
        changes["cron"] = step.cron or "0 9 * * mon"
    return replace(journey, revised(step, **changes))


def _with_day(window: SendWindow, day: str) -> dict[str, Any]:
    order = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
    chosen: set[str] = set(window.days) ^ {day}
    if not chosen:
        raise Invalid("Keep at least one day.")
    return {**window.model_dump(), "days": [d for d in order if d in chosen]}


def _shared(variants: list[Variant]) -> list[Variant]:
    shares = even_shares(len(variants))
    return [v.model_copy(update={"percent": share}) for v, share in zip(variants, shares, strict=True)]


def _even(arms: list[Arm]) -> list[Arm]:
    shares = even_shares(len(arms))
    return [a.model_copy(update={"percent": share}) for a, share in zip(arms, shares, strict=True)]


def even_shares(count: int) -> list[float]:
    """Whole percents as equal as can be that sum to 100: [34, 33, 33]."""
    base, rest = divmod(100, count)
    return [float(base + (1 if n < rest else 0)) for n in range(count)]


def _message(journey: Journey, step_id: str) -> Message:
    return _of(journey, step_id, Message)


def _of(journey: Journey, step_id: str, kind: type[Kind]) -> Kind:
    step = find(journey, step_id)
    if not isinstance(step, kind):
        raise Invalid("That step is of another kind.")
    return step


def _enter(place: Any, key: str) -> Any:
    if isinstance(place, list):
        return place[_index(place, key)]
    if isinstance(place, dict) and (key in place or _is_channel(key)):
        return place.setdefault(key, {})
    raise Invalid("That part of the step no longer exists.")


def _is_channel(key: str) -> bool:
    return key in ("in_app", "email", "sms", "whatsapp")


def _index(items: list[Any], key: str) -> int:
    if not key.isdigit() or int(key) >= len(items):
        raise Invalid("That part of the step no longer exists.")
    return int(key)
