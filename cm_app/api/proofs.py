"""Proof runs: a campaign with everything but the sending, and its evidence (ENG-6)."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Response

from cm_app.api import paging
from cm_app.api.paging import Page, Pages
from cm_app.api.routing import Route
from cm_app.api.security import Caller, caller
from services.campaigns import service as campaigns
from services.proofs import service as proofs
from services.proofs.contracts import ProofRow

router = APIRouter(prefix="/api/v1", tags=["Proof runs"], route_class=Route)
Reader = Annotated[Caller, Depends(caller("read"))]
Author = Annotated[Caller, Depends(caller("author"))]


@router.post("/campaigns/{campaign_id}/proofs", status_code=202)
async def ask(campaign_id: UUID, who: Author, response: Response) -> ProofRow:
    """Ask for a proof run of the draft as it stands. A worker does it: see `state` and `progress`."""
    async with who.unit("proofs") as u:
        asked = await proofs.ask(u, campaign_id)
    response.headers["Location"] = f"/api/v1/proofs/{asked.proof_id}"
    return asked


@router.get("/campaigns/{campaign_id}/proofs")
async def kept(campaign_id: UUID, who: Reader, pages: Pages) -> Page[ProofRow]:
    """List the proof runs of a campaign, the newest first."""
    async with who.unit() as u:
        await campaigns.get(u, campaign_id)
        found = await proofs.proofs(u, campaign_id)
    return paging.of_list(who, f"proofs/{campaign_id}", found, pages, lambda row: row.proof_id)


@router.get("/proofs/{proof_id}")
async def one(proof_id: UUID, who: Reader) -> ProofRow:
    """Read how far a proof run is."""
    async with who.unit() as u:
        return await proofs.one(u, proof_id)


@router.get("/proofs/{proof_id}/files", response_class=Response)
async def files(proof_id: UUID, who: Reader) -> Response:
    """Take the files of a proof run as one zip. Taking them is audited."""
    async with who.unit() as u:
        packed = await proofs.bundle(u, proof_id)
    headers = {
        "Content-Disposition": f'attachment; filename="proof-{proof_id.hex[-8:]}.zip"',
        "Cache-Control": "no-store",
    }
    return Response(packed, media_type="application/zip", headers=headers)
