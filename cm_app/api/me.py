"""Who am I, and what may I do."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel

from cm_app.api.routing import Route
from cm_app.api.security import Caller, caller
from services.access import service as access

router = APIRouter(prefix="/api/v1", tags=["Session"], route_class=Route)


class MeOut(BaseModel):
    """`fresh_until`: until when a one-time code counts (D10); null without one."""

    name: str
    login: str | None
    practice_id: UUID
    practice: str | None
    timezone: str | None
    roles: list[str]
    permissions: list[str]
    has_authenticator: bool
    fresh_until: datetime | None


@router.get("/me")
async def me(who: Annotated[Caller, Depends(caller())]) -> MeOut:
    """Read who you are and what you may do."""
    found = await access.me(who.app, who.token) if who.token else None
    return MeOut(
        name=who.actor.display_name,
        login=found.login if found else None,
        practice_id=who.actor.practice_id,
        practice=found.practice_label if found else None,
        timezone=found.timezone if found else None,
        roles=list(found.roles) if found else [],
        permissions=sorted(who.actor.permissions),
        has_authenticator=bool(found and found.has_totp),
        fresh_until=found.fresh_until if found else None,
    )
