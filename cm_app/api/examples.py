"""Examples for the API's description: written by hand where sense matters, else made from the schema."""

import re
from typing import Any

ID = "0192f0c1-2a3b-7c4d-8e5f-60718293a4b5"
NAMED: dict[str, Any] = {
    "phone": "+441179460000", "name": "Spring check-ups", "label": "Reports", "note": "Asked at the desk", "why": "After the crown",
    "reason": "Wrong words in the second email", "entry": "someone@example.com", "url": "https://crm.example.com/hooks",
    "description": "Patients near us", "login": "maya", "password": "a-long-password", "code": "123456",
    "detail": "Somebody changed this since you read it.", "title": "Changed meanwhile", "timezone": "Europe/London",
    "zone": "Europe/London", "channel": "email", "topic": "marketing", "kind": "patient", "sentence": "They replied STOP on this channel.",
    "tag": "campaign.created", "actor": "engine", "actor_name": "The engine", "step_id": "hello", "next": None,
    "campaign_type": "reactivation", "objective": "booking", "content_hash": "9f2c", "draft_hash": "9f2c",
    "file_name": "leads.csv", "secret": "whsec_c2VjcmV0", "key": "cmk_secret", "cursor": None,
}  # fmt: skip
"""By the name of a field, wherever a text is asked for."""

BOOKED_BEFORE = {
    "kinds": ["patient"],
    "include": [{"node": "did", "what": "attended", "at_least": 1, "days": 0}],
}
JOURNEY: dict[str, Any] = {
    "campaign_type": "reactivation",
    "audience": BOOKED_BEFORE,
    "steps": [
        {"id": "start", "kind": "entry", "how": "segment", "next": "hello"},
        {
            "id": "hello",
            "kind": "message",
            "title": "Hello",
            "channels": ["email"],
            "variants": [
                {
                    "content": {
                        "email": {
                            "subject": "Time for a check-up?",
                            "body": "<p>Hello {{ contact.first_name }}</p>"
                            "<p>{{ practice.name }}, {{ practice.address }}."
                            ' <a href="{{ unsubscribe_url }}">Unsubscribe</a></p>',
                        }
                    }
                }
            ],
            "next": "done",
        },
        {"id": "done", "kind": "exit"},
    ],
}
ENVELOPE: dict[str, Any] = {
    "specversion": "1.0",
    "id": "01JD",
    "source": "appointments",
    "type": "appointment.booked",
    "time": "2026-06-01T10:00:00Z",
    "practiceid": ID,
    "data": {"practice_id": ID, "appointment_id": ID, "patient_id": ID},
}

BY_SCHEMA: dict[str, Any] = {
    "Journey": JOURNEY,
    "Audience": BOOKED_BEFORE,
    "NewCampaign": {"name": "Spring check-ups", "journey": JOURNEY, "external_key": "crm-42"},
    "Changes": {"name": "Spring 2026", "tags": ["whitening"]},
    "Move": {"to": "pause", "reason": "Holiday"},
    "ApprovalRequest": {"note": "Please look at the second email."},
    "SegmentIn": {
        "name": "Seen before",
        "description": "Everyone who attended once",
        "audience": BOOKED_BEFORE,
    },
    "AudienceIn": {"audience": BOOKED_BEFORE, "channel": "email"},
    "NewFollowup": {
        "contact_id": ID,
        "channels": ["email"],
        "why": "After the crown",
        "content": {"email": {"subject": "How are you?", "body": "Hello {{ contact.first_name }}"}},
        "external_key": "crown-7",
    },
    "FollowupChange": {"state": "cancelled", "note": "She came in"},
    "TemplateIn": {
        "name": "Hello",
        "channel": "sms",
        "content": {"body": "Hello {{ contact.first_name }}"},
        "translations": {"cy": {"body": "Helo {{ contact.first_name }}"}},
    },
    "TemplateChange": {"name": "Hello again", "content": {"body": "Good day"}, "expected": 1},
    "NewEndpoint": {
        "label": "CRM",
        "url": "https://crm.example.com/hooks",
        "event_types": ["campaign.activated"],
    },
    "EndpointChanges": {"on": False},
    "SettingsChanges": {"quiet_start": "20:00:00"},
    "ClosedDayChange": {"label": "Day out of the team"},
    "NewKey": {"label": "Reports", "scopes": ["read"]},
    "People": {"contact_ids": [ID]},
    "Confirmation": {
        "mapping": {"email": "Email"},
        "consent": {
            "channels": ["email"],
            "method": "web form",
            "date": "2026-05-01",
            "evidence": "Form 12, ticked box",
        },
    },
    "Envelope": ENVELOPE,
}
"""By the name of a schema: what a reader would send, or get."""

LIKELY = ("code", "a1", "cy", "en-GB", "GB", "0", "abc-1", "2026-06-01", "09:00:00")
"""One of these fits every pattern we use."""
FORMATS = {
    "uuid": ID, "date-time": "2026-06-01T10:00:00Z", "date": "2026-06-01", "time": "21:00:00",
    "uri": "https://example.com", "binary": "Email\nsomeone@example.com\n",
}  # fmt: skip


def example(schema: dict[str, Any], components: dict[str, Any], name: str = "", depth: int = 0) -> Any:
    """One value that fits a schema of our own description."""
    if reference := schema.get("$ref"):
        known = reference.rsplit("/", 1)[1]
        # FastAPI tells what is taken from what is given where they differ.
        plain = known.removesuffix("-Input").removesuffix("-Output")
        if plain in BY_SCHEMA:
            return BY_SCHEMA[plain]
        return example(components[known], components, name, depth + 1)
    for given in ("const", "default"):
        if schema.get(given) is not None:
            return schema[given]
    for several in ("examples", "enum"):
        if schema.get(several):
            return schema[several][0]
    for choice in ("anyOf", "oneOf", "allOf"):
        if choice in schema:
            return _of_choices(schema[choice], components, name, depth)
    return _plain(schema, components, name, depth)


def _of_choices(choices: list[dict[str, Any]], components: dict[str, Any], name: str, depth: int) -> Any:
    real = [one for one in choices if one.get("type") != "null"]
    if len(real) < len(choices) and (depth > 4 or (name in NAMED and NAMED[name] is None)):
        return None
    return example(real[0], components, name, depth)


def _plain(schema: dict[str, Any], components: dict[str, Any], name: str, depth: int) -> Any:
    match schema.get("type"):
        case "string":
            return _text(schema, name)
        case "integer" | "number":
            return schema.get("minimum", 0)
        case "boolean":
            return False
        case "array":
            return _list(schema, components, name, depth)
        case "object" if "properties" in schema:
            fields = schema["properties"].items()
            return {field: example(inner, components, field, depth + 1) for field, inner in fields}
        case "null":
            return None
    return {}


def _text(schema: dict[str, Any], name: str) -> str:
    if found := FORMATS.get(schema.get("format", "")):
        return str(found)
    if schema.get("pattern"):
        return next((one for one in LIKELY if re.search(schema["pattern"], one)), "a1")
    text = NAMED.get(name) or name.replace("_", " ") or "text"
    return str(text)[: schema.get("maxLength", 1_000)]


def _list(schema: dict[str, Any], components: dict[str, Any], name: str, depth: int) -> list[Any]:
    if "prefixItems" in schema:
        return [example(inner, components, name, depth + 1) for inner in schema["prefixItems"]]
    if depth > 5 and not schema.get("minItems"):
        return []
    return [example(schema.get("items", {}), components, name.removesuffix("s"), depth + 1)]
