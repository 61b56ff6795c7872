"""The words a message may ask for: every merge field, what it is, and an example of its value.

One list for the builder's checks, the editor's menu, previews and the Hub, which fills them in
at the moment of sending. Nothing clinical is or may be in it.
"""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class MergeField:
    """`optional`: it may be missing, so a message asks first (`{% if next_appointment %}`)."""

    name: str
    label: str
    sample: str
    optional: bool = False
    fallback: str = ""

    @property
    def tag(self) -> str:
        return f"{{{{ {self.name} }}}}"

    @property
    def insert(self) -> str:
        """What the editor's menu puts into a text: with what is said where the value is missing, or
        asked for first where nothing could be said instead."""
        if self.fallback:
            return f'{{{{ {self.name} | default("{self.fallback}", true) }}}}'
        return f"{{% if {self.name} %}}{self.tag}{{% endif %}}" if self.optional else self.tag


UNSUBSCRIBE = "unsubscribe_url"
POSTAL_ADDRESS = "practice.address"

MERGE_FIELDS: tuple[MergeField, ...] = (
    MergeField("contact.first_name", "First name", "Amelia", fallback="there"),
    MergeField("contact.last_name", "Last name", "Wright"),
    MergeField("practice.name", "Practice name", "Harbour Dental"),
    MergeField("practice.phone", "Practice telephone", "0117 496 0123"),
    MergeField("practice.email", "Practice email", "hello@harbour-dental.example"),
    MergeField(POSTAL_ADDRESS, "Practice postal address", "1 Harbour Street, Bristol BS1 5TY"),
    MergeField("practice.booking_url", "Online booking page", "https://book.example/harbour", optional=True),
    MergeField(
        "next_appointment.date",
        "Date of the next appointment",
        "Tuesday 9 June",
        optional=True,
        fallback="your next visit",
    ),
    MergeField(
        "next_appointment.time",
        "Time of the next appointment",
        "10:30",
        optional=True,
        fallback="the usual time",
    ),
    MergeField(UNSUBSCRIBE, "Unsubscribe link", "https://messages.example/u/sample"),
)
NAMES: frozenset[str] = frozenset(field.name for field in MERGE_FIELDS)
OBJECTS: frozenset[str] = frozenset(name.split(".")[0] for name in NAMES)
"""`contact`, `practice`, `next_appointment` …: may be asked for as a whole in a condition."""


def sample_context(*, with_appointment: bool = True) -> dict[str, Any]:
    """A context of sample values, shaped as the Hub's."""
    context: dict[str, Any] = {}
    for field in MERGE_FIELDS:
        owner, _, leaf = field.name.partition(".")
        if leaf:
            context.setdefault(owner, {})[leaf] = field.sample
        else:
            context[owner] = field.sample
    if not with_appointment:
        context["next_appointment"] = None
    return context
