"""Proof runs that name somebody who is being erased lose their files (D27).

Taking one person out of the files would leave a manifest that vouches for something else, so all of them go;
the totals, which name nobody, stay. The next run makes new files.
"""

import io
import zipfile
from collections.abc import Iterable
from uuid import UUID

from services.kit.crypto import SealBroken
from services.kit.uow import Unit

TAKEN_OUT = (
    "Somebody in these files was erased since, so the files were taken out. Run it again for new ones."
)
WITH_FILES = """
SELECT proof_id FROM cm.proof WHERE practice_id = :practice AND files IS NOT NULL ORDER BY proof_id
"""
FILES = "SELECT files FROM cm.proof WHERE practice_id = :practice AND proof_id = :proof FOR UPDATE"
TAKE_OUT = """
UPDATE cm.proof SET files = NULL, failure = :why WHERE practice_id = :practice AND proof_id = :proof
"""


def place(proof_id: UUID) -> str:
    """What the files of a run are sealed for."""
    return f"proof.files:{proof_id}"


async def forget(u: Unit, contacts: Iterable[UUID]) -> tuple[int, int]:
    """Take out the files of every run that names one of these contacts; the caller audits. Returns how many
    runs that was, and of how many the files could not be opened: they were sealed under a key that is gone."""
    wanted = [str(contact).encode() for contact in contacts]
    gone = closed = 0
    for proof_id in (await u.execute(WITH_FILES, practice=u.practice_id)).scalars().all():
        which = {"practice": u.practice_id, "proof": proof_id}
        sealed = (await u.execute(FILES, **which)).scalar_one_or_none()
        if sealed is None:
            continue
        try:
            zipped = u.keyring.open(bytes(sealed), place=place(proof_id))
        except SealBroken:
            closed += 1
            continue
        if _names(zipped, wanted):
            await u.execute(TAKE_OUT, **which, why=TAKEN_OUT)
            gone += 1
    return gone, closed


def _names(zipped: bytes, wanted: Iterable[bytes]) -> bool:
    with zipfile.ZipFile(io.BytesIO(zipped)) as archive:
        return any(one in archive.read(name) for name in archive.namelist() for one in wanted)
