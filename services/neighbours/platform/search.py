"""Finding a person by what a receptionist would type."""

from services.contracts.platform_api import ContactHit
from services.kit.uow import Unit

MOST = 50


async def contacts(u: Unit, typed: str, *, kind: str = "", limit: int = 20) -> list[ContactHit]:
    """People whose name starts with the words typed, or whose email, phone or reference is that.

    `kind` narrows to lead, patient or partner. Nothing typed: the first by name.
    """
    words = typed.strip().lower().split()
    by_name = " AND ".join(
        f"(lower(last_name) LIKE :w{n} OR lower(first_name) LIKE :w{n})" for n in range(len(words[:4]))
    )
    found = await u.execute(
        "SELECT contact_id, kind, first_name, last_name, email, phone, source_list"
        " FROM canonical.contact WHERE practice_id = :practice AND merged_into IS NULL"
        " AND (:kind = '' OR kind = :kind)"
        f" AND ({by_name or 'true'} OR lower(email) = :typed OR phone = :typed"
        " OR (source_ref <> '' AND lower(source_ref) = :typed) OR contact_id::text = :typed)"
        " ORDER BY lower(last_name), lower(first_name), contact_id LIMIT :n",
        practice=u.practice_id,
        kind=kind,
        typed=" ".join(words),
        n=max(1, min(limit, MOST)),
        **{f"w{n}": _starts(word) for n, word in enumerate(words[:4])},
    )
    return [ContactHit.model_validate(dict(row._mapping)) for row in found]


def _starts(word: str) -> str:
    escaped = word.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"{escaped}%"
