"""The AsyncAPI document and the JSON Schemas say what the contracts say."""

from typing import Any

import pytest

from services.contracts.envelope import Envelope
from services.contracts.events import INBOUND, OUTBOUND, OWN_SOURCES, SOURCES, contract_for, source_of
from services.contracts.examples import EXAMPLES
from services.contracts.schemas import OWNERS, asyncapi, json_schema, names

ALL = {**INBOUND, **OUTBOUND}
pytestmark = pytest.mark.covers("EVT-7")


def refs(node: Any) -> list[str]:
    if isinstance(node, dict):
        mine = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
        return mine + [ref for value in node.values() for ref in refs(value)]
    return [ref for value in node for ref in refs(value)] if isinstance(node, list) else []


def resolve(document: dict[str, Any], ref: str) -> Any:
    found: Any = document
    for part in ref.removeprefix("#/").split("/"):
        found = found[part]
    return found


def test_the_document_is_whole():
    document = asyncapi()
    assert document["asyncapi"] == "3.0.0"
    assert set(document) == {"asyncapi", "info", "defaultContentType", "channels", "operations", "components"}
    assert {"title", "version"} <= set(document["info"])
    for ref in refs(document):
        assert ref.startswith("#/")
        assert resolve(document, ref)
    for operation in document["operations"].values():
        assert operation["action"] in ("send", "receive")
        channel = operation["channel"]["$ref"]
        assert all(message["$ref"].startswith(channel + "/messages/") for message in operation["messages"])
    assert set(document["channels"]) == {*SOURCES, *OWN_SOURCES} <= set(OWNERS)


def test_every_event_is_a_message_of_the_channel_that_carries_it():
    document = asyncapi()
    assert set(document["components"]["messages"]) == set(ALL)
    for type in ALL:
        assert type in document["channels"][source_of(type)]["messages"]
    sent = [m for own in OWN_SOURCES for m in document["operations"][f"send.{own}"]["messages"]]
    assert {message["$ref"].rsplit("/", 1)[-1] for message in sent} == set(OUTBOUND)
    assert len(sent) == len(OUTBOUND), "each on one stream"
    assert {"careplan.suppression", "careplan.segmentation"} <= set(OUTBOUND)


@pytest.mark.parametrize("type", ALL)
def test_the_example_of_every_event_is_valid_and_complete(type: str):
    message = asyncapi()["components"]["messages"][type]
    event = Envelope.model_validate(message["examples"][0]["payload"])
    model = ALL[type]
    data = model.model_validate(event.data)
    assert (event.type, contract_for(type) or OUTBOUND.get(type)) == (type, model)
    assert set(event.data) <= set(model.model_fields)
    schema = json_schema(type)
    assert set(schema.get("required", [])) <= set(event.data)
    assert schema["examples"] == [EXAMPLES[model]]
    assert data.model_dump(mode="json", exclude_unset=True).keys() == event.data.keys()


def test_every_schema_has_a_name_and_a_place():
    listed = names()
    for name in (*listed["schemas"], *listed["inbound"], *listed["outbound"]):
        assert json_schema(name)["$id"] == f"/api/v1/schemas/{name}"
