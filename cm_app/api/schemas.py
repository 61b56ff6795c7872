"""The schemas of what travels: the journey a builder writes, and every event (EVT-7)."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends

from cm_app.api.routing import Route
from cm_app.api.security import Caller, caller
from services.contracts import schemas

router = APIRouter(prefix="/api/v1", tags=["Schemas"], route_class=Route)
Reader = Annotated[Caller, Depends(caller())]


@router.get("/schemas")
async def names(_: Reader) -> dict[str, list[str]]:
    """List every schema by name."""
    return schemas.names()


@router.get("/schemas/{name}")
async def one(name: str, _: Reader) -> dict[str, Any]:
    """Read the JSON Schema of `journey`, `envelope`, or the data of an event type."""
    return schemas.json_schema(name)


@router.get("/asyncapi.json")
async def asyncapi(_: Reader) -> dict[str, Any]:
    """Read every event in and out, as an AsyncAPI 3 document."""
    return schemas.asyncapi()
