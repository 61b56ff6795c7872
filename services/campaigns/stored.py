"""What is stored of a campaign, as it is: for whoever has to mend what cannot be read."""

from uuid import UUID

from services.builder.contracts import Problem
from services.campaigns.errors import Unreadable
from services.kit.crypto import SealBroken
from services.kit.errors import NotFound
from services.kit.uow import Unit

DRAFT = "SELECT draft FROM cm.campaign WHERE practice_id = :practice AND campaign_id = :campaign"
VERSION = (
    "SELECT definition FROM cm.campaign_version"
    " WHERE practice_id = :practice AND campaign_id = :campaign AND version_id = :version"
)


async def stored_text(u: Unit, campaign_id: UUID, version_id: UUID | None = None) -> str:
    """The stored text of the draft or of a version, whether it fits the grammar or not.

    Raises NotFound, and Unreadable where it cannot even be decrypted.
    """
    u.actor.require("manage")
    values = {"practice": u.practice_id, "campaign": campaign_id}
    if version_id is not None:
        values["version"] = version_id
    found = await u.execute(VERSION if version_id else DRAFT, **values)
    sealed = found.scalar_one_or_none()
    if sealed is None:
        raise NotFound("This campaign does not exist, or nothing is stored of it.")
    place = f"campaign.version:{version_id}" if version_id else f"campaign.draft:{campaign_id}"
    try:
        return u.keyring.open(bytes(sealed), place=place).decode(errors="replace")
    except SealBroken as error:
        problem = Problem(code="sealed", sentence=f"It cannot be decrypted: {error.message}")
        raise Unreadable("What is stored", [problem]) from error
