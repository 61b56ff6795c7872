"""What was asked for, as SQL over `cm.audit`: only what is asked becomes part of the statement."""

from typing import Any
from uuid import UUID

from services.audit import queries
from services.audit.contracts import Asked
from services.audit.tags import BY_THE_MILLION, AuditTag
from services.kit.uow import Unit

BUSY = ("engine", "intake")
"""Actors whose rows no index by actor holds."""


def filters_of(asked: Asked) -> tuple[list[str], dict[str, Any]]:
    """Clauses over `a` (cm.audit) and the values they bind, besides :practice."""
    values: dict[str, Any] = asked.given()
    clauses = [queries.FILTERS[name] for name in values]
    if "tag" in values:
        values["tags"] = tags_of(values.pop("tag"))
        if not set(values["tags"]) & set(BY_THE_MILLION):
            named = ", ".join(f"'{tag}'" for tag in BY_THE_MILLION)
            clauses.append(queries.RARE_TAGS.format(named))
    if "actor" in values and values["actor"] not in BUSY:
        clauses.append(queries.NOT_THE_ENGINE)
    return clauses, values


def tags_of(asked: str) -> list[str]:
    """The tags of a family (`campaign.`), or the one named; of a closed vocabulary, so none for others."""
    return [
        tag.value
        for tag in AuditTag
        if (tag.value.startswith(asked) if asked.endswith(".") else tag == asked)
    ]


async def pseudonym_known(u: Unit, contact_id: UUID) -> UUID | None:
    """What stands for a contact in the book; None for somebody unknown here, or erased (D27)."""
    found: UUID | None = (
        await u.execute(
            "SELECT pseudonym FROM cm.subject WHERE practice_id = :practice AND contact_id = :contact",
            practice=u.practice_id,
            contact=contact_id,
        )
    ).scalar_one_or_none()
    return found
