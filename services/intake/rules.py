"""Reading an entry: envelope, contract, practice. Pure; refuses with a sentence that says where."""

from uuid import UUID

import orjson
from pydantic import ValidationError

from services.contracts.envelope import Envelope
from services.contracts.events import HubMessageEvent, contract_for
from services.intake.contracts import Rejected, Understood
from services.kit.bus import Received

MAX_BYTES = 256 * 1024
MORE_THAN_A_NUMBER = frozenset(
    {"opened", "clicked", "replied", "bounced", "complained", "unsubscribed", "stop"}
)
"""Reports of the Hub that may move, end or suppress somebody; the others are only counted."""


def read(received: Received) -> Understood | Rejected:
    """Validate one entry against the envelope and the contract of its type."""
    if len(received.raw) > MAX_BYTES:
        return Rejected(received, f"The event is larger than {MAX_BYTES // 1024} kB.")
    try:
        event = Envelope.model_validate_json(received.raw)
    except ValidationError as error:
        return Rejected(received, f"Not a CloudEvents envelope: {_first(error)}")
    contract = contract_for(event.type)
    if contract is None:
        return Understood(received, event, None)
    try:
        data = contract.model_validate(event.data)
    except ValidationError as error:
        return Rejected(received, f"Not a valid {event.type}: {_first(error)}")
    named = getattr(data, "practice_id", event.practiceid)
    if named != event.practiceid:
        return Rejected(received, "The envelope and its data name different practices.")
    return Understood(received, event, data)


def practice_named(received: Received) -> UUID | None:
    """The practice that an entry names, however wrong the rest of it is."""
    try:
        found = orjson.loads(received.raw)
        return UUID(found["practiceid"])
    except (ValueError, TypeError, KeyError, AttributeError):
        return None


def only_a_number(understood: Understood) -> bool:
    """A report of the Hub that touches no journey, and so needs nobody's lock."""
    what = understood.event.type.rsplit(".", 1)[-1]
    return isinstance(understood.data, HubMessageEvent) and what not in MORE_THAN_A_NUMBER


def _first(error: ValidationError) -> str:
    problem = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(part) for part in problem["loc"]) or "event"
    return f"{where}: {problem['msg']}"
