"""JSON Schemas of everything on the wire, and the AsyncAPI document, made from the contracts (EVT-7).

Nothing here is written twice: a model added to `events.INBOUND` or `OUTBOUND` is described at once.
"""

from functools import cache
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from services.contracts.envelope import Envelope
from services.contracts.events import INBOUND, OUTBOUND, OWN_SOURCE, OWN_SOURCES, SOURCES, source_of
from services.contracts.examples import EXAMPLES, example_event
from services.contracts.journey import Journey
from services.kit.errors import NotFound

DIALECT = "https://json-schema.org/draft/2020-12/schema"
RECOVERY = "concierge.recovery.started"
OWNERS = {
    "pipeline": "Treatment Pipeline Manager",
    "appointments": "Appointment Manager",
    "consent": "Consent",
    "contacts": "Contacts",
    "recall": "Recall & Reconnect",
    "concierge": "AI Concierge",
    "loyalty": "Loyalty & Rewards",
    "loyalty_insights": "Loyalty Insights",
    "proposals": "Smart Treatment Proposals",
    "careplans": "Care Plan Subscriptions",
    "hub": "Communication Hub",
    "other": "Anyone else",
    OWN_SOURCE: "Campaign Manager",
    "campaign_telemetry": "Campaign Manager: what became of messages, and numbers",
    "campaign_audit": "Campaign Manager: the audit",
}
"""Stream → the module that publishes on it."""


def names() -> dict[str, list[str]]:
    """Every schema there is, by name."""
    return {
        "schemas": ["journey", "envelope"],
        "inbound": sorted(INBOUND),
        "outbound": sorted(OUTBOUND),
    }


def json_schema(name: str) -> dict[str, Any]:
    """The JSON Schema of `journey`, `envelope`, or the data of an event type. Raises NotFound."""
    known: dict[str, type[BaseModel]] = {"journey": Journey, "envelope": Envelope, **INBOUND, **OUTBOUND}
    model = known.get(name)
    if model is None:
        raise NotFound(f"There is no schema called “{name}”.")
    made = {"$schema": DIALECT, "$id": f"/api/v1/schemas/{name}", **model.model_json_schema()}
    if model in EXAMPLES:
        made["examples"] = [EXAMPLES[model]]
    return made


@cache
def asyncapi() -> dict[str, Any]:
    """The AsyncAPI 3 document: one channel a source module, one message an event type. Campaign
    Manager receives on every channel but its own three, where it sends."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Campaign Manager",
            "version": "1.0.0",
            "description": (
                "CloudEvents 1.0 in JSON with the extensions `practiceid` and `traceparent`, over Redis "
                "Streams (`cm:events:<channel>`, field `event`), at least once. Consumers are idempotent "
                "by source and id; order is kept per `subject`. The same envelopes are taken at "
                "`POST /api/v1/events`, signed by Standard Webhooks. Contracts grow by addition."
            ),
        },
        "defaultContentType": "application/cloudevents+json",
        "channels": {source: _channel(source) for source in (*SOURCES, *OWN_SOURCES)},
        "operations": {
            f"{'send' if source in OWN_SOURCES else 'receive'}.{source}": _operation(source)
            for source in (*SOURCES, *OWN_SOURCES)
        },
        "components": {
            "messages": {type: _message(type, model) for type, model in _all().items()},
            "schemas": _definitions(),
        },
    }


def _all() -> dict[str, type[BaseModel]]:
    return {**INBOUND, **OUTBOUND}


def _types(source: str) -> list[str]:
    return [type for type in _all() if source_of(type) == source]


def _channel(source: str) -> dict[str, Any]:
    return {
        "address": f"cm:events:{source}",
        "title": OWNERS[source],
        "messages": {type: {"$ref": f"#/components/messages/{type}"} for type in _types(source)},
    }


def _operation(source: str) -> dict[str, Any]:
    return {
        "action": "send" if source in OWN_SOURCES else "receive",
        "channel": {"$ref": f"#/channels/{source}"},
        "messages": [{"$ref": f"#/channels/{source}/messages/{type}"} for type in _types(source)],
    }


def _message(type: str, model: type[BaseModel]) -> dict[str, Any]:
    """The envelope, narrowed to this type and its data."""
    kind: dict[str, Any] = {"const": type}
    if type == RECOVERY:  # D14: any other signal of a recovery means the same
        kind = {"type": "string", "pattern": r"^concierge\.recovery\."}
    summary = (model.__doc__ or "").strip().splitlines()
    return {
        "name": type,
        "title": type,
        **({"summary": summary[0]} if summary else {}),
        "contentType": "application/cloudevents+json",
        "payload": {
            "allOf": [
                {"$ref": "#/components/schemas/Envelope"},
                {
                    "type": "object",
                    "required": ["data"],
                    "properties": {
                        "type": kind,
                        "data": {"$ref": f"#/components/schemas/{model.__name__}"},
                    },
                },
            ]
        },
        "examples": [{"name": type, "payload": example_event(type, model, source_of(type))}],
    }


def _definitions() -> dict[str, Any]:
    all_models: set[type[BaseModel]] = {Envelope, *_all().values()}
    models = sorted(all_models, key=lambda model: model.__name__)
    _, made = models_json_schema(
        [(model, "validation") for model in models], ref_template="#/components/schemas/{model}"
    )
    return dict(made["$defs"])
