"""Who acts: a person, an API key, or a part of the system; always in one practice."""

from dataclasses import dataclass
from typing import Literal, get_args
from uuid import UUID

from services.kit.errors import Forbidden

Permission = Literal[
    "author", "read", "manage", "approve", "delete_draft", "people", "compliance", "administer",
    "suppress",
]  # fmt: skip
"""000 §9. `author` creates and edits; `read` sees analytics; `manage` pauses, resumes, cancels;
`approve` activates; `people` manages staff accounts; `suppress` stops marketing to a patient."""
PERMISSIONS: tuple[Permission, ...] = get_args(Permission)

WORDS: dict[Permission, str] = {
    "author": "create and edit campaigns",
    "read": "see campaigns and their results",
    "manage": "pause, resume and cancel campaigns",
    "approve": "approve campaigns",
    "delete_draft": "delete drafts",
    "people": "manage the team's accounts",
    "compliance": "see and export the audit trail",
    "administer": "change practice settings",
    "suppress": "stop or resume marketing to a person",
}


@dataclass(frozen=True, slots=True)
class Actor:
    """`ref` is what the audit stores: `person:<id>`, `api:<id>`, `engine`, `system` …"""

    practice_id: UUID
    ref: str
    permissions: frozenset[Permission] = frozenset()
    person_id: UUID | None = None
    display_name: str = ""

    def may(self, permission: Permission) -> bool:
        return permission in self.permissions

    def require(self, permission: Permission) -> None:
        """Raise Forbidden with a sentence that names what is missing."""
        if not self.may(permission):
            raise Forbidden(
                f"Your role does not let you {WORDS[permission]}. Ask whoever manages your team's accounts."
            )


def system(practice_id: UUID, part: str) -> Actor:
    """A part of the product acting by itself (engine, intake, scheduler): no permissions at all,
    because use cases that need one are for people."""
    return Actor(practice_id, part)
