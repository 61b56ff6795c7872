"""Sealed definitions: drafts, and versions that never change (D8, D28)."""

from collections import OrderedDict
from uuid import UUID

from services.audit.append import record
from services.audit.tags import AuditTag
from services.builder.contracts import Problem
from services.builder.rules import parse
from services.campaigns import queries
from services.campaigns.contracts import VersionRow
from services.campaigns.errors import Unreadable
from services.campaigns.models import CampaignVersion
from services.campaigns.rules import content_hash
from services.contracts.journey import Journey
from services.kit.actor import Actor
from services.kit.crypto import SealBroken
from services.kit.errors import NotFound
from services.kit.ids import new_id
from services.kit.uow import Unit

_CACHED = 500
_cache: OrderedDict[tuple[UUID, UUID], Journey] = OrderedDict()


def seal_draft(u: Unit, campaign_id: UUID, journey: Journey) -> bytes:
    return u.keyring.seal(journey.model_dump_json().encode(), place=f"campaign.draft:{campaign_id}")


def open_draft(u: Unit, campaign_id: UUID, sealed: bytes | None) -> Journey | list[Problem]:
    """The draft, or what is wrong with it when it no longer fits the grammar."""
    if sealed is None:
        return Journey()
    return _opened(u, bytes(sealed), f"campaign.draft:{campaign_id}")


def _opened(u: Unit, sealed: bytes, place: str) -> Journey | list[Problem]:
    try:
        return parse(u.keyring.open(sealed, place=place))
    except SealBroken as error:
        return [Problem(code="sealed", sentence=f"It cannot be decrypted: {error.message}")]


async def journey_of(u: Unit, version_id: UUID) -> Journey:
    """The definition of one version. Raises NotFound, and Unreadable with what is wrong."""
    found = await read_version(u, version_id)
    if isinstance(found, list):
        raise Unreadable("This version", found)
    return found


async def read_version(u: Unit, version_id: UUID) -> Journey | list[Problem]:
    """One version, or what is wrong with it. Versions never change, so it is read once a process."""
    key = (u.practice_id, version_id)
    if key in _cache:
        _cache.move_to_end(key)
        return _cache[key]
    sealed = (
        await u.execute(
            "SELECT definition FROM cm.campaign_version"
            " WHERE practice_id = :practice AND version_id = :version",
            practice=u.practice_id,
            version=version_id,
        )
    ).scalar_one_or_none()
    if sealed is None:
        raise NotFound("This version of the campaign does not exist.")
    journey = _opened(u, bytes(sealed), f"campaign.version:{version_id}")
    if isinstance(journey, list):
        return journey
    _cache[key] = journey
    if len(_cache) > _CACHED:
        _cache.popitem(last=False)
    return journey


async def versions(u: Unit, campaign_id: UUID) -> list[VersionRow]:
    """Every version, newest first."""
    u.actor.require("read")
    return await version_rows(u, campaign_id)


async def version_rows(u: Unit, campaign_id: UUID) -> list[VersionRow]:
    rows = await u.execute(
        queries.VERSIONS + " ORDER BY v.number DESC", practice=u.practice_id, campaign=campaign_id
    )
    return [VersionRow.model_validate(dict(row)) for row in rows.mappings()]


async def version_numbers(u: Unit, campaign_id: UUID) -> dict[UUID, int]:
    """Version → its number; not guarded, for features that show versions."""
    return {row.version_id: row.number for row in await version_rows(u, campaign_id)}


async def ensure_version(
    u: Unit, campaign_id: UUID, journey: Journey, *, editors: list[UUID], author: UUID
) -> VersionRow:
    """The version with this content: the newest if its hash is the same, else a new one.

    The caller holds the campaign's row lock, so numbers never collide.
    """
    known = await version_rows(u, campaign_id)
    digest = content_hash(journey)
    if known and known[0].content_hash == digest:
        return known[0]
    version_id = new_id()
    number = known[0].number + 1 if known else 1
    u.session.add(
        CampaignVersion(
            practice_id=u.practice_id,
            version_id=version_id,
            campaign_id=campaign_id,
            number=number,
            content_hash=digest,
            definition=u.keyring.seal(
                journey.model_dump_json().encode(), place=f"campaign.version:{version_id}"
            ),
            editors=editors,
            created_by=author,
            created_at=u.now,
        )
    )
    await u.session.flush()
    await record(
        u,
        AuditTag.VERSION_PUBLISHED,
        campaign_id=campaign_id,
        version=str(version_id),
        number=number,
        hash=digest,
    )
    return (await version_rows(u, campaign_id))[0]


async def editors_of(u: Unit, version_id: UUID) -> list[UUID]:
    found = await u.execute(
        "SELECT editors FROM cm.campaign_version WHERE practice_id = :practice AND version_id = :version",
        practice=u.practice_id,
        version=version_id,
    )
    return list(found.scalar_one())


def author_of(actor: Actor) -> UUID:
    """Who stands in `created_by`: the person, or the API key that acted."""
    if actor.person_id is not None:
        return actor.person_id
    _, _, ref = actor.ref.partition(":")
    try:
        return UUID(ref)
    except ValueError:
        return UUID(int=0)
