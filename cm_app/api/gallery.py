"""The gallery of ready-made journeys."""

from typing import Annotated

from fastapi import APIRouter, Depends, Path

from cm_app.api import paging
from cm_app.api.paging import Page, Pages
from cm_app.api.routing import Route
from cm_app.api.security import Caller, caller
from services.builder import gallery
from services.builder.gallery import GalleryTemplate

router = APIRouter(prefix="/api/v1/gallery", tags=["Gallery"], route_class=Route)
Reader = Annotated[Caller, Depends(caller("read"))]


@router.get("")
async def templates(who: Reader, pages: Pages) -> Page[GalleryTemplate]:
    """List the ready-made journeys."""
    return paging.of_list(who, "gallery", gallery.templates(), pages, lambda one: one.key)


@router.get("/{key}")
async def template(key: Annotated[str, Path(examples=["whitening_promotion"])], _: Reader) -> GalleryTemplate:
    """Read a ready-made journey."""
    return gallery.template(key)
