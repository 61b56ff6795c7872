"""What is worth knowing about a finished message before anybody gets it (CNT-4). Pure.

Lengths as phones and inboxes cut them, how a text is billed, links, colours and pictures: each a note
in plain words with a tone. What stops a campaign is decided by the builder's check, not here.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from services.content.contracts import Preview
from services.content.contrast import legible
from services.content.links import Link, links_of
from services.content.preview import as_html
from services.content.rules import not_in_gsm, sms_parts

SUBJECT_SHOWN, SUBJECT_LONG = 40, 60
"""Characters of a subject a phone shows, and about where inboxes on a desk cut it."""
PREHEADER_LONG = 100
WHATSAPP_LIMIT = 1_600
Tone = Literal["ok", "warn", "danger"]


@dataclass(frozen=True, slots=True)
class Note:
    """`about` says in a word what it is about."""

    tone: Tone
    about: str
    sentence: str


@dataclass(frozen=True, slots=True)
class Reading:
    notes: tuple[Note, ...]
    links: tuple[Link, ...]


def read_over(shown: Preview, *, own_hosts: Iterable[str] = (), each_persons: Iterable[str] = ()) -> Reading:
    """Everything about one preview. `own_hosts` and `each_persons`: see `links_of`."""
    if shown.problem:
        return Reading((Note("danger", "Words", shown.problem),), ())
    match shown.channel:
        case "email":
            return _email(shown, own_hosts, each_persons)
        case "sms":
            return Reading(tuple(_sms(shown.body)), ())
        case "whatsapp":
            return Reading((_whatsapp(shown.body),), ())
        case "in_app":
            return Reading(tuple(_subject(shown.subject, "Title")), ())


def _email(shown: Preview, own_hosts: Iterable[str], each_persons: Iterable[str]) -> Reading:
    markup = as_html(shown.body)
    found = legible(markup)
    links = links_of(markup, own_hosts=own_hosts, each_persons=each_persons)
    notes = [*_subject(shown.subject, "Subject"), *_preheader(shown.preheader)]
    notes += [
        Note(
            "warn",
            "Colours",
            f"“{one.words}” is hard to read: its contrast is {one.ratio:g} to 1 and should be {one.needed:g} to 1.",
        )
        for one in found.faint
    ]
    if not found.faint:
        notes.append(Note("ok", "Colours", "All words stand out well from what is behind them."))
    if found.bare_pictures:
        many = len(found.bare_pictures)
        which = "A picture has" if many == 1 else f"{many} pictures have"
        notes.append(
            Note("warn", "Pictures", f"{which} no description. Many mail readers show only that at first.")
        )
    notes += [
        Note("danger" if one.judged == "wrong" else "warn", "Link", f"{one.words or one.url}: {one.sentence}")
        for one in links
        if one.judged != "ok"
    ]
    return Reading(tuple(notes), tuple(links))


def _subject(text: str, name: str) -> Iterable[Note]:
    length = len(text)
    if length > SUBJECT_LONG:
        yield Note("warn", name, f"{length} characters: most inboxes cut it off at about {SUBJECT_LONG}.")
    elif length > SUBJECT_SHOWN:
        yield Note("ok", name, f"{length} characters: a phone shows the first {SUBJECT_SHOWN} or so.")
    elif length:
        yield Note("ok", name, f"{length} characters: it fits on a phone.")


def _preheader(text: str) -> Iterable[Note]:
    if not text:
        yield Note("warn", "Preview line", "None: inboxes show the first words of the email instead.")
    elif len(text) > PREHEADER_LONG:
        yield Note(
            "ok", "Preview line", f"{len(text)} characters: about the first {PREHEADER_LONG} are shown."
        )


def _sms(text: str) -> Iterable[Note]:
    parts = sms_parts(text)
    billed = "one text message" if parts.parts == 1 else f"{parts.parts} text messages"
    tone: Tone = "ok" if parts.parts == 1 else "warn"
    yield Note(tone, "Length", f"{parts.length} characters, sent and paid as {billed} a person.")
    if parts.unicode:
        odd = not_in_gsm(text)
        named = ", ".join(f"“{c}”" for c in odd[:5]) + (" and others" if len(odd) > 5 else "")
        yield Note(
            "warn",
            "Letters",
            f"{named} need the long alphabet: a text then holds 70 characters instead of 160.",
        )
    else:
        yield Note("ok", "Letters", "All letters fit the short alphabet: 160 characters a text.")


def _whatsapp(text: str) -> Note:
    if len(text) > WHATSAPP_LIMIT:
        return Note(
            "danger", "Length", f"{len(text):,} of at most {WHATSAPP_LIMIT:,} characters: shorten it."
        )
    return Note("ok", "Length", f"{len(text):,} of at most {WHATSAPP_LIMIT:,} characters.")
