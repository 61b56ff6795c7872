"""The values that rules may be given: open choices of a field, and the saved segments."""

from uuid import UUID

from services.audience import segments
from services.audience import service as audience
from services.kit.uow import Unit


async def read_choices(u: Unit, name: str, *, but: UUID | None = None) -> list[tuple[str, str]]:
    """(value, words) of a field whose choices come from the data; of `segment`, the saved segments
    except `but`, which cannot be built on itself."""
    if name != "segment":
        return await audience.choices(u, name)
    return [(str(row.segment_id), row.name) for row in await segments.page(u) if row.segment_id != but]
