"""Client of the Practice Platform's HTTP API; answers are contracts, failures are our own errors."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from uuid import UUID

import httpx
from pydantic import TypeAdapter

from services.contracts.platform_api import (
    ConfirmImport,
    ContactHit,
    EraseContact,
    ImportBatch,
    ImportDetail,
    ImportKind,
    LeadRows,
    Rectify,
    Settled,
    Simulate,
    Simulated,
    Unconfirmed,
)
from services.kit.crypto import Keyring
from services.kit.errors import AppError, Conflict, Forbidden, Invalid, NotFound, NotSignedIn, Unavailable
from services.kit.settings import Settings

TIMEOUT = 120.0  # seconds: a large import is one request
_KNOWN: dict[str, type[AppError]] = {kind.code: kind for kind in (Conflict, Forbidden, NotFound, NotSignedIn)}


class PlatformClient:
    """One practice's view of the platform. Close it, or use `platform_client`.

    Every call raises Unavailable when the platform cannot be reached or fails, and what the
    platform itself answered otherwise: Invalid, NotFound, Conflict.
    """

    def __init__(
        self,
        address: str,
        keyring: Keyring,
        practice_id: UUID,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.practice_id = practice_id
        self._http = httpx.AsyncClient(
            base_url=address,
            headers={"Authorization": f"Bearer {keyring.sign('platform-api', b'v1')}"},
            timeout=httpx.Timeout(TIMEOUT, connect=5.0),
            transport=transport,
            trust_env=False,  # the platform is a neighbour, never behind the machine's proxy
        )

    async def close(self) -> None:
        await self._http.aclose()

    async def upload(
        self, kind: ImportKind, files: Sequence[tuple[str, bytes]], *, uploaded_by: str
    ) -> ImportBatch:
        """Hand over a file; the answer shows headers, the guessed mapping and a sample."""
        answer = await self._call(
            "POST",
            "/imports",
            data={"kind": kind, "practice_id": str(self.practice_id), "uploaded_by": uploaded_by},
            files=[("file", (name, content, "text/csv")) for name, content in files],
        )
        return ImportBatch.model_validate(answer)

    async def confirm(self, batch_id: UUID, confirmed: ConfirmImport) -> ImportDetail:
        """Import the batch as mapped; an empty mapping means the guessed one."""
        answer = await self._call(
            "POST",
            f"/imports/{batch_id}/confirm",
            params=self._practice,
            json=confirmed.model_dump(mode="json"),
        )
        return ImportDetail.model_validate(answer)

    async def import_rows(
        self, rows: Sequence[dict[str, str]], *, source: str, uploaded_by: str, **more: Any
    ) -> ImportDetail:
        """Import leads without a file; keys are lead fields, `more` as in `LeadRows`."""
        given = LeadRows.model_validate(
            {"practice_id": self.practice_id, "rows": list(rows), "source": source,
             "uploaded_by": uploaded_by, **more}
        )  # fmt: skip
        answer = await self._call("POST", "/imports/rows", json=given.model_dump(mode="json"))
        return ImportDetail.model_validate(answer)

    async def batches(self) -> list[ImportBatch]:
        answer = await self._call("GET", "/imports", params=self._practice)
        return TypeAdapter(list[ImportBatch]).validate_python(answer)

    async def batch(self, batch_id: UUID) -> ImportDetail:
        """One batch with the problems of its rows."""
        return ImportDetail.model_validate(
            await self._call("GET", f"/imports/{batch_id}", params=self._practice)
        )

    async def unconfirmed(self, before: datetime) -> list[Unconfirmed]:
        """Of every practice: how many files were brought before then and never imported."""
        answer = await self._call("GET", "/imports/unconfirmed", params={"before": before.isoformat()})
        return TypeAdapter(list[Unconfirmed]).validate_python(answer)

    async def forget_unconfirmed(self, before: datetime) -> int:
        """Have this practice's such files deleted; returns how many there were."""
        asked = {**self._practice, "before": before.isoformat()}
        return int(await self._call("DELETE", "/imports/unconfirmed", params=asked))

    async def search(self, typed: str, *, kind: str = "", limit: int = 20) -> list[ContactHit]:
        answer = await self._call(
            "GET", "/contacts/search", params={**self._practice, "q": typed, "kind": kind, "limit": limit}
        )
        return TypeAdapter(list[ContactHit]).validate_python(answer)

    async def simulate(self, contact_id: UUID, what: str, **more: Any) -> Simulated:
        """Make something happen to a person; `what` and `more` are fields of `Simulate`."""
        asked = Simulate.model_validate(
            {"practice_id": self.practice_id, "contact_id": contact_id, "what": what, **more}
        )
        answer = await self._call("POST", "/simulate", json=asked.model_dump(mode="json"))
        return Simulated.model_validate(answer)

    async def rectify(self, asked: Rectify) -> Settled:
        """Put right what the platform holds of a contact; says which fields were different."""
        answer = await self._call("POST", "/contacts/rectify", json=asked.model_dump(mode="json"))
        return Settled.model_validate(answer)

    async def erase(self, contact_id: UUID) -> Settled:
        """Erase a contact's record; everybody else hears of it by `contact.erased`."""
        asked = EraseContact(practice_id=self.practice_id, contact_id=contact_id)
        answer = await self._call("POST", "/contacts/erase", json=asked.model_dump(mode="json"))
        return Settled.model_validate(answer)

    @property
    def _practice(self) -> dict[str, Any]:
        return {"practice_id": str(self.practice_id)}

    async def _call(self, method: str, path: str, **request: Any) -> Any:
        try:
            response = await self._http.request(method, path, **request)
        except httpx.TransportError as error:
            raise Unavailable(
                "The Practice Platform does not answer. Nothing was changed; try again in a moment,"
                " and check that `cm up` is still running."
            ) from error
        if response.is_success:
            return response.json()
        raise _error(response)


def _error(response: httpx.Response) -> AppError:
    """The platform's problem document as our own error, with its sentence."""
    if "json" not in response.headers.get("content-type", ""):
        return Unavailable(
            f"The Practice Platform failed (status {response.status_code}). Look into its log."
        )
    body = response.json()
    sentence, code = str(body.get("detail", "")), str(body.get("code", ""))
    if code == Invalid.code:
        return Invalid(sentence, body.get("problems"))
    if kind := _KNOWN.get(code):
        return kind(sentence)
    return Unavailable(f"The Practice Platform failed: {sentence or response.status_code}")


@asynccontextmanager
async def platform_client(
    config: Settings, keyring: Keyring, practice_id: UUID
) -> AsyncIterator[PlatformClient]:
    """A client at the configured address, closed afterwards."""
    client = PlatformClient(config.platform_address(), keyring, practice_id)
    try:
        yield client
    finally:
        await client.close()
