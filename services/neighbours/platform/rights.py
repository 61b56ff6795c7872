"""A person's rights over their record, which is the platform's (D1, D27): put right, and erased."""

from services.contracts.platform_api import (
    RECTIFIABLE,
    EraseContact,
    Rectify,
    RectifyField,
    Settled,
    Simulate,
)
from services.kit.errors import NotFound
from services.kit.uow import Unit
from services.neighbours.platform.simulator.people import erase as erase_record

OLD = f"""
SELECT {", ".join(RECTIFIABLE)} FROM canonical.contact
WHERE practice_id = :practice AND contact_id = :contact AND merged_into IS NULL FOR UPDATE
"""


async def rectify(u: Unit, asked: Rectify) -> Settled:
    """Change the fields that are given and different. Raises NotFound."""
    old = (await u.execute(OLD, practice=u.practice_id, contact=asked.contact_id)).mappings().one_or_none()
    if old is None:
        raise NotFound("There is no such person in this practice.")
    changed: list[RectifyField] = [
        name for name in RECTIFIABLE if (value := getattr(asked, name)) is not None and value != old[name]
    ]
    if changed:
        await u.execute(
            f"UPDATE canonical.contact SET {', '.join(f'{name} = :{name}' for name in changed)}"
            " WHERE practice_id = :practice AND contact_id = :contact",
            practice=u.practice_id,
            contact=asked.contact_id,
            **{name: getattr(asked, name) for name in changed},
        )
    return Settled(contact_id=asked.contact_id, changed=changed)


async def erase(u: Unit, asked: EraseContact) -> Settled:
    """Erase the record and tell everybody. Asked again it tells them again. Raises NotFound."""
    if (await u.execute(OLD, practice=u.practice_id, contact=asked.contact_id)).one_or_none() is None:
        raise NotFound("There is no such person in this practice.")
    play = Simulate(practice_id=asked.practice_id, contact_id=asked.contact_id, what="contact_erased")
    await erase_record(u, play)
    return Settled(contact_id=asked.contact_id)
