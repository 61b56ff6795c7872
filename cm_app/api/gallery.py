"""The gallery of ready-made journeys."""

from typing import Annotated

from fastapi import APIRouter, Depends

from cm_app.api.security import Caller, caller
from services.builder import gallery
from services.builder.gallery import GalleryTemplate

router = APIRouter(prefix="/api/v1/gallery", tags=["Gallery"])
Reader = Annotated[Caller, Depends(caller("read"))]


@router.get("")
async def templates(_: Reader) -> list[GalleryTemplate]:
    return gallery.templates()


@router.get("/{key}")
async def template(key: str, _: Reader) -> GalleryTemplate:
    return gallery.template(key)
