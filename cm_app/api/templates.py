"""Message templates a practice writes once and uses in many campaigns (CNT-1)."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Response
from pydantic import Field

from cm_app.api import paging
from cm_app.api.conditions import MustMatch
from cm_app.api.paging import Page, Pages
from cm_app.api.routing import Route
from cm_app.api.security import Caller, caller
from services.campaigns import service as campaigns
from services.campaigns.contracts import TemplateUse
from services.content import service as content
from services.content.contracts import TemplateRow, TemplateVersion, Texts
from services.contracts.envelope import Strict
from services.contracts.journey import Channel
from services.contracts.languages import Locale

router = APIRouter(prefix="/api/v1/templates", tags=["Templates"], route_class=Route)
Reader = Annotated[Caller, Depends(caller("read"))]
Author = Annotated[Caller, Depends(caller("author"))]
VersionNumber = Annotated[int, Path(ge=1, le=1_000_000)]


class TemplateIn(Texts):
    """A whole text. `campaign_id` None: for every campaign. `locale`: the language of `content`, where it
    is not the practice's own."""

    name: str = Field(min_length=1, max_length=120)
    channel: Channel
    campaign_id: UUID | None = None
    locale: Locale | None = None


class TemplateChange(Texts):
    """What is sent replaces what was there, as a new version. With `expected`, the version you edited, a
    newer one of somebody else is refused with 409 instead of overwritten."""

    name: str = Field(min_length=1, max_length=120)
    locale: Locale | None = None
    expected: int | None = Field(None, ge=1)


class TemplateUseChange(Strict):
    """Take it out of use, or back into it. Campaigns that were approved with it go on as they are."""

    active: bool


@router.get("")
async def page(
    who: Reader,
    pages: Pages,
    channel: Channel | None = None,
    campaign_id: UUID | None = None,
    active: bool = False,
) -> Page[TemplateRow]:
    """List templates by name. Those of one campaign only with `campaign_id`; with `active`, only those in use."""
    async with who.unit() as u:
        found = await content.templates(u, channel=channel, campaign_id=campaign_id, active_only=active)
    return paging.of_list(who, "templates", found, pages, lambda row: row.template_id)


@router.post("", status_code=201)
async def create(who: Author, new: TemplateIn, response: Response) -> TemplateRow:
    """Write a template. Every problem of the words comes back at once, each with its field and line."""
    async with who.unit("templates") as u:
        made = await content.create_template(
            u,
            name=new.name,
            channel=new.channel,
            content=new.content,
            translations=new.translations,
            campaign_id=new.campaign_id,
            locale=new.locale or "",
        )
    response.headers["Location"] = f"/api/v1/templates/{made.template_id}"
    return made


@router.get("/{template_id}")
async def one(template_id: UUID, who: Reader) -> TemplateRow:
    """Read a template."""
    async with who.unit() as u:
        return await content.template(u, template_id)


@router.put("/{template_id}")
async def change(template_id: UUID, who: Author, wanted: TemplateChange, if_match: MustMatch) -> TemplateRow:
    """Change a template. The words that are sent become its newest version."""
    async with who.unit("templates") as u:
        now = content.template(u, template_id)
        await if_match.still(u, "cm.content_template", "template_id", template_id, now)
        return await content.update_template(
            u,
            template_id,
            name=wanted.name,
            content=wanted.content,
            translations=wanted.translations,
            locale=wanted.locale or "",
            expected=wanted.expected,
        )


@router.patch("/{template_id}")
async def in_use(
    template_id: UUID, who: Author, wanted: TemplateUseChange, if_match: MustMatch
) -> TemplateRow:
    """Take a template out of use, or back into it."""
    async with who.unit("templates") as u:
        now = content.template(u, template_id)
        await if_match.still(u, "cm.content_template", "template_id", template_id, now)
        await content.set_template_active(u, template_id, wanted.active)
        return await content.template(u, template_id)


@router.get("/{template_id}/versions")
async def versions(template_id: UUID, who: Reader, pages: Pages) -> Page[TemplateVersion]:
    """List every saved state, newest first."""
    async with who.unit() as u:
        found = await content.template_versions(u, template_id)
    return paging.of_list(who, f"template/{template_id}", found, pages, lambda row: row.version)


@router.post("/{template_id}/versions/{version}/restore")
async def restore(template_id: UUID, version: VersionNumber, who: Author) -> TemplateRow:
    """Make an earlier state the newest one; nothing in between is lost."""
    async with who.unit("templates") as u:
        return await content.restore_template(u, template_id, version)


@router.get("/{template_id}/uses")
async def uses(template_id: UUID, who: Reader, pages: Pages) -> Page[TemplateUse]:
    """List campaigns that are not over and name this template."""
    async with who.unit() as u:
        await content.template(u, template_id)
        found = await campaigns.template_uses(u, template_id)
    return paging.of_list(who, f"uses/{template_id}", found, pages, lambda row: row.campaign_id)
