"""A practice's settings, its API keys and its kill switch, over HTTP (000 §17.3, D10, D11).

Settings and keys are for people: no key can hold `administer`.
"""

from datetime import datetime
from typing import Annotated, Any, Optional
from uuid import UUID

from fastapi import APIRouter, Depends
from pydantic import BaseModel, Field, ValidationError, create_model

from cm_app.api import paging
from cm_app.api.conditions import MustMatch
from cm_app.api.paging import Page, Pages
from cm_app.api.routing import Route
from cm_app.api.security import Caller, caller
from services.access import service as access
from services.access.contracts import ApiKeyRow, NewApiKey, PracticeSettings
from services.campaigns import service as campaigns
from services.campaigns.shell import shell
from services.contracts.envelope import Strict
from services.kit.errors import Invalid

router = APIRouter(prefix="/api/v1", tags=["Administration"], route_class=Route)
Administrator = Annotated[Caller, Depends(caller("administer"))]
Manager = Annotated[Caller, Depends(caller("manage"))]
Anyone = Annotated[Caller, Depends(caller())]

SettingsChanges: Any = create_model(
    "SettingsChanges",
    __base__=Strict,
    __doc__="What is left out, or null, stays as it is.",
    **{
        name: (Optional[Annotated[found.annotation, Field(), *found.metadata]], None)  # noqa: UP045 - made at run time
        for name, found in PracticeSettings.model_fields.items()
        if name != "cold_threshold_days"
    },
)


class NewKey(Strict):
    label: str = Field(min_length=1, max_length=100)
    scopes: list[str] = Field(min_length=1, max_length=20)


class Stop(Strict):
    reason: str = Field(min_length=1, max_length=500)


class Release(Strict):
    reason: str = Field("", max_length=500)


class KillSwitchOut(BaseModel):
    """`on`: nothing is sent; since when, by whom and why. `platform_wide`: by whoever runs the servers."""

    on: bool
    since: datetime | None = None
    who: str = ""
    reason: str = ""
    platform_wide: bool = False


@router.get("/settings")
async def settings(who: Administrator) -> PracticeSettings:
    """Read the practice's settings."""
    async with who.unit() as u:
        return await access.practice_settings(u)


@router.patch("/settings")
async def change_settings(
    who: Administrator, changes: SettingsChanges, if_match: MustMatch
) -> PracticeSettings:
    """Change the practice's settings.

    Consent rules, emergency identifiers and the single-operator flag need a one-time code of the last five
    minutes (D10).
    """
    async with who.unit("settings") as u:
        now = access.practice_settings(u)
        await if_match.still(u, "cm.practice", "practice_id", who.actor.practice_id, now)
        old = await access.practice_settings(u)
        new = _changed(old, changes.model_dump(exclude_none=True))
        guarded = access.needs_step_up(old, new)
        if guarded:
            await who.require_fresh()
        await access.save_settings(u, new, stepped_up=guarded)
        return await access.practice_settings(u)


@router.get("/api-keys")
async def keys(who: Administrator, pages: Pages) -> Page[ApiKeyRow]:
    """List API keys, the newest first, without their text."""
    async with who.unit() as u:
        found = await access.api_keys(u)
    return paging.of_list(who, "api-keys", found, pages, lambda row: row.api_key_id)


@router.post("/api-keys", status_code=201)
async def make_key(who: Administrator, new: NewKey) -> NewApiKey:
    """Make an API key. Its text is in the answer, once."""
    async with who.unit("settings") as u:
        return await access.create_api_key(u, label=new.label, scopes=new.scopes)


@router.delete("/api-keys/{api_key_id}", status_code=204)
async def revoke_key(api_key_id: UUID, who: Administrator) -> None:
    """Revoke an API key, at once and for good."""
    async with who.unit("settings") as u:
        await access.revoke_api_key(u, api_key_id)


@router.get("/kill-switch")
async def kill_switch(who: Anyone) -> KillSwitchOut:
    """Read whether everything is stopped, since when, by whom and why."""
    async with who.unit() as u:
        return _switch((await shell(u)).kill_switch)


@router.post("/kill-switch/stop")
async def stop(who: Manager, given: Stop) -> KillSwitchOut:
    """Stop everything. Nothing more of this practice is sent, batches under way included (D11)."""
    async with who.unit("campaigns", "kill_switch") as u:
        await campaigns.kill_switch(u, True, given.reason)
        return _switch((await shell(u)).kill_switch)


@router.post("/kill-switch/release")
async def release(who: Manager, given: Release) -> KillSwitchOut:
    """Release the kill switch. Needs a one-time code of the last five minutes (D10)."""
    await who.require_fresh()
    async with who.unit("campaigns", "kill_switch") as u:
        await campaigns.kill_switch(u, False, given.reason)
        return _switch((await shell(u)).kill_switch)


def _changed(old: PracticeSettings, given: dict[str, Any]) -> PracticeSettings:
    try:
        return PracticeSettings.model_validate(old.model_dump() | given)
    except ValidationError as error:
        wrong = error.errors(include_input=False, include_url=False, include_context=False)
        raise Invalid(
            "These settings do not go together; nothing was changed.",
            [{"field": ".".join(map(str, one["loc"])), "message": one["msg"]} for one in wrong],
        ) from error


def _switch(found: Any) -> KillSwitchOut:
    if found is None:
        return KillSwitchOut(on=False)
    return KillSwitchOut(
        on=True, since=found.since, who=found.who, reason=found.reason, platform_wide=found.platform_wide
    )
