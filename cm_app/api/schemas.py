"""The schemas of what travels: the journey a builder writes, and every event (EVT-7)."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends
from pydantic import BaseModel

from cm_app.api.security import Caller, caller
from services.contracts.envelope import Envelope
from services.contracts.events import INBOUND, OUTBOUND
from services.contracts.journey import Journey
from services.kit.errors import NotFound

router = APIRouter(prefix="/api/v1/schemas", tags=["Schemas"])
Reader = Annotated[Caller, Depends(caller())]


@router.get("")
async def names(_: Reader) -> dict[str, list[str]]:
    """Every schema by name."""
    return {
        "schemas": ["journey", "envelope"],
        "inbound": sorted(INBOUND),
        "outbound": sorted(OUTBOUND),
    }


@router.get("/{name}")
async def one(name: str, _: Reader) -> dict[str, Any]:
    """The JSON Schema of `journey`, `envelope`, or an event type."""
    known: dict[str, type[BaseModel]] = {"journey": Journey, "envelope": Envelope, **INBOUND, **OUTBOUND}
    if name not in known:
        raise NotFound(f"There is no schema called “{name}”.")
    return known[name].model_json_schema()
