"""The rights of a person over HTTP (GOV-5): what is held of them, put right, forgotten.

For whoever holds `compliance`; the report and the erasure need a one-time code of the last five minutes.
"""

from datetime import date
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Depends, Response
from fastapi.responses import HTMLResponse
from pydantic import Field

from cm_app.api.routing import Route
from cm_app.api.security import Caller, caller
from services.contracts.envelope import Strict
from services.privacy import service as privacy
from services.privacy.contracts import AccessReport, ErasureProgress
from services.privacy.readable import page

router = APIRouter(prefix="/api/v1/people/{contact_id}", tags=["Privacy"], route_class=Route)
Officer = Annotated[Caller, Depends(caller("compliance"))]


class PutRight(Strict):
    """Only what is given is changed."""

    first_name: str | None = Field(None, min_length=1, max_length=100)
    last_name: str | None = Field(None, min_length=1, max_length=100)
    email: str | None = Field(None, min_length=3, max_length=200)
    phone: str | None = Field(None, min_length=8, max_length=16, description="E.164: `+` and digits.")
    postcode: str | None = Field(None, min_length=1, max_length=12)
    date_of_birth: date | None = None


class Put(Strict):
    changed: list[str]


@router.get("/access-report", response_model=AccessReport)
async def access_report(
    contact_id: UUID, who: Officer, response: Response, form: Literal["json", "html"] = "json"
) -> AccessReport | HTMLResponse:
    """Report everything held about a person, as data or as a page to print. Audited."""
    await who.require_fresh()
    async with who.unit() as u:
        report = await privacy.access_report(u, contact_id, form=form)
    name = f'attachment; filename="access-report-{report.made_at:%Y-%m-%d}.{form}"'
    headers = {"Content-Disposition": name, "Cache-Control": "no-store"}
    if form == "html":
        policy = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}
        return HTMLResponse(page(report), headers=headers | policy)
    response.headers.update(headers)
    return report


@router.post("/rectification")
async def rectification(contact_id: UUID, who: Officer, given: PutRight) -> Put:
    """Put a person's record right. Has the Practice Platform, whose record it is, put these fields right."""
    values = given.model_dump(mode="json", exclude_none=True)
    async with who.unit():  # claims the Idempotency-Key; the act is the platform's
        return Put(changed=await privacy.rectify(who.app, who.actor, contact_id, values))


@router.post("/erasure")
async def erasure(contact_id: UUID, who: Officer) -> ErasureProgress:
    """Forget a person: here at once, then at the Practice Platform, which tells the others. Asked
    again, it goes on with what is left."""
    await who.require_fresh()
    async with who.unit():
        return await privacy.forget_person(who.app, who.actor, contact_id)


@router.get("/erasure")
async def how_far(contact_id: UUID, who: Officer) -> ErasureProgress:
    """Read how far an erasure is."""
    async with who.unit() as u:
        return await privacy.progress(u, contact_id)
