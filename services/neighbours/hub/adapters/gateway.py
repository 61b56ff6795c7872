"""SMS and WhatsApp through an HTTP gateway.

The gateway gets `POST {"id", "to", "from", "text", "channel"}` with an `Idempotency-Key`, and is
expected to honour that key: a repeated key is one message. 2xx means taken; what became of it
comes back by `POST /inbound/receipt`.
"""

from collections.abc import Sequence

import httpx

from services.neighbours.hub.contracts import Begin, Later, Never, Outcome, Outgoing, Sent, unmarked

TIMEOUT = httpx.Timeout(10.0)
PASSING = {408, 409, 425, 429}


class GatewayAdapter:
    name = "gateway"
    idempotent = True
    metered = True
    simulated = False

    def __init__(self, url: str, token: str, *, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self.url = url
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}
        self.transport = transport

    async def hand_over(self, batch: Sequence[Outgoing], _begin: Begin = unmarked, /) -> list[Outcome]:
        async with httpx.AsyncClient(
            timeout=TIMEOUT, headers=self.headers, transport=self.transport, follow_redirects=False
        ) as client:
            return [await self._one(client, message) for message in batch]

    async def _one(self, client: httpx.AsyncClient, message: Outgoing) -> Outcome:
        body = {
            "id": str(message.dispatch_id),
            "to": message.to,
            "from": message.sender,
            "text": message.text,
            "channel": message.channel,
        }
        try:
            answer = await client.post(
                self.url, json=body, headers={"Idempotency-Key": str(message.dispatch_id)}
            )
        except httpx.HTTPError as error:
            return Later(f"The gateway could not be reached ({type(error).__name__}).")
        if answer.is_success:
            return Sent(_provider_id(answer), delivered=False)
        if answer.status_code in PASSING or answer.status_code >= 500:
            return Later(f"The gateway answered {answer.status_code}.")
        if answer.status_code in (401, 403, 404):
            return Later(f"The gateway answered {answer.status_code}: check its address and token.")
        return Never(
            f"The gateway refused it with {answer.status_code}.", address_dead=answer.status_code == 410
        )


def _provider_id(answer: httpx.Response) -> str:
    try:
        body = answer.json()
    except ValueError:
        return ""
    return str(body.get("id", ""))[:200] if isinstance(body, dict) else ""
