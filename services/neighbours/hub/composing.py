"""From words and a person to a finished message: merge fields, tracked links, text and HTML."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from services.contracts.journey import Channel
from services.kit.rendering import render
from services.kit.spoken import spoken_moment
from services.neighbours.hub import email_html as html
from services.neighbours.hub.contracts import Claimed, Outgoing, Person, Practice, Words
from services.neighbours.hub.returned import verp

_BREAKS = re.compile(r"[\x00-\x1f\x7f\u2028\u2029]+")
_PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")


@dataclass(frozen=True, slots=True)
class Composer:
    """`address` is where the Hub's own links point, without a trailing slash."""

    address: str
    practice: Practice
    bounce_address: str = ""

    def compose(
        self,
        message: Claimed,
        person: Person,
        channel: Channel,
        to: str,
        said: Words,
        zone: ZoneInfo,
    ) -> Outgoing:
        """Finish one message in the recipient's language. Raises RenderProblem when the words cannot be
        filled in."""
        language, words = said.on(channel, person.locale)
        context = self._context(message, person, zone, language)
        subject = one_line(render(words.get("subject", ""), context, html=False))
        if channel == "email":
            return self._email(message, to, words, context, subject or self.practice.name, language)
        text = render(words.get("body", ""), context, html=False).strip()
        mark = "[Test] " if message.test else ""
        in_app = channel == "in_app"
        return Outgoing(
            message.dispatch_id,
            self.practice.practice_id,
            person.contact_id,
            channel,
            to,
            one_line(self.practice.name),
            mark + (subject or self.practice.name) if in_app else "",
            text if in_app else mark + text,
            language=language,
        )

    def _email(
        self,
        message: Claimed,
        to: str,
        words: Mapping[str, str],
        context: dict[str, Any],
        subject: str,
        language: str,
    ) -> Outgoing:
        opt_out: str = context["unsubscribe_url"]
        source = words.get("body", "")
        if html.looks_like_html(source):
            body = html.cleaned(render(source, context, html=True))
        else:
            body = html.from_markdown(render(source, _escaped(context), html=False))
        links = html.Links(f"{self.address}/c/{message.token}", keep=opt_out)
        body = links.rewrite_html(body)
        text = html.as_text(body)
        has_opt_out = opt_out in text
        page = html.page(
            practice=self.practice,
            subject=subject,
            preheader=one_line(render(words.get("preheader", ""), context, html=False)),
            body=body,
            opt_out="" if has_opt_out else opt_out,
            pixel=f"{self.address}/o/{message.token}.gif",
            language=language,
        )
        address = one_line(self.practice.postal_address)
        footer = [self.practice.name] + ([] if html.says(text, address) else [address])
        footer += [] if has_opt_out else [f"Unsubscribe: {opt_out}"]
        return Outgoing(
            message.dispatch_id,
            self.practice.practice_id,
            message.contact_id,
            "email",
            to,
            one_line(self.practice.name),
            ("[Test] " if message.test else "") + subject,
            text + "\n\n-- \n" + "\n".join(footer) + "\n",
            reply_to=one_line(self.practice.email),
            html=page,
            unsubscribe_url=opt_out,
            links=tuple(links.targets),
            language=language,
            return_path=verp(self.bounce_address, message.token) if self.bounce_address else "",
        )

    def _context(self, message: Claimed, person: Person, zone: ZoneInfo, language: str) -> dict[str, Any]:
        """The names of `contracts.merge_fields`, filled in. Values are one line each."""
        appointment = person.next_appointment_at
        return {
            "contact": {"first_name": one_line(person.first_name), "last_name": one_line(person.last_name)},
            "practice": {
                "name": one_line(self.practice.name),
                "phone": one_line(self.practice.phone),
                "email": one_line(self.practice.email),
                "address": one_line(self.practice.postal_address),
                "booking_url": one_line(self.practice.booking_url),
            },
            "next_appointment": spoken_moment(appointment, zone, language) if appointment else None,
            "unsubscribe_url": f"{self.address}/u/{message.token}",
        }


def one_line(value: str) -> str:
    """No control characters: nothing a value holds may start a new line or header."""
    return _BREAKS.sub(" ", value).strip()


def _escaped(context: Mapping[str, Any]) -> dict[str, Any]:
    """The same values, inert in Markdown: a name from a list is never a link or a heading."""
    escaped: dict[str, Any] = {}
    for name, value in context.items():
        if isinstance(value, dict):
            escaped[name] = _escaped(value)
        elif isinstance(value, str) and name != "unsubscribe_url":
            escaped[name] = _PUNCTUATION.sub(r"\\\1", value)
        else:
            escaped[name] = value
    return escaped
