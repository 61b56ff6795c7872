"""Signs of life and numbers of every process arrive in one place, in Prometheus' form (OPS-1)."""

import re
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from cm_app.api.factory import api
from services.audit.append import record
from services.audit.tags import AuditTag
from services.contracts.journey import Caps
from services.kit import vitals
from services.kit.errors import Forbidden
from services.kit.metrics import REGISTRY
from services.status import rules
from services.status.service import status
from tests.factories.campaign import journey, launch, message
from tests.factories.journeys import person as staff
from tests.factories.practice import make_contact
from tests.factories.world import World

BOOK = Path(__file__).resolve().parents[2] / "docs" / "operate" / "metrics.md"


def value(name: str, **labels: str) -> float:
    return REGISTRY.get_sample_value(name, labels) or 0.0


async def taken_back(world: World) -> None:
    """An activation that is not committed."""
    async with world.app.uow(staff(world.practice_id)) as u:
        await record(u, AuditTag.STATE_CHANGED, before="draft", after="active")
        raise ZeroDivisionError


@pytest.mark.covers("OPS-1")
def test_every_metric_is_documented_and_none_that_is_not_there():
    ours = {f"{m.name}_total" if m.type == "counter" else m.name for m in REGISTRY.collect()}
    told = set(re.findall(r"^\| `(cm_\w+)`", BOOK.read_text(), re.MULTILINE))
    assert told == ours | {"cm_process_up", "cm_stream_waiting"}


@pytest.mark.covers("OPS-1", "OPS-2")
async def test_what_happens_is_counted_and_scraped_from_one_place(world: World, database_url: str):
    names = [
        ("cm_campaign_activations_total", {}), ("cm_enrolments_total", {"outcome": "entered"}),
        ("cm_steps_total", {"outcome": "requested"}), ("cm_step_seconds_count", {}),
        ("cm_suppressions_total", {"what": "applied", "reason": "CONSENT_REVOKED"}),
        ("cm_events_in_total", {"outcome": "handled"}), ("cm_events_in_total", {"outcome": "rejected"}),
    ]  # fmt: skip
    before = {(n, *labels.values()): value(n, **labels) for n, labels in names}
    contact = make_contact(database_url, world.practice_id, world.clock.now())
    await launch(world.app, world.practice_id, journey(message("hello", "end"), caps=Caps(max_touches=9)))
    await world.run()
    with pytest.raises(ZeroDivisionError):
        await taken_back(world)
    assert value("cm_campaign_activations_total") == before[("cm_campaign_activations_total",)]
    async with world.app.uow(staff(world.practice_id)) as u:
        await record(u, AuditTag.STATE_CHANGED, before="paused", after="active")
        await record(u, AuditTag.STATE_CHANGED, before="scheduled", after="active")
    revoked = {"contact_id": contact, "channel": "all", "purpose": "marketing"}
    await world.event("consent.revoked", revoked)
    await world.event("consent.revoked", {"contact_id": "nobody"})
    after = {(n, *labels.values()): value(n, **labels) for n, labels in names}
    assert {key for key in after if after[key] == before[key]} == set()
    assert after[("cm_campaign_activations_total",)] == before[("cm_campaign_activations_total",)] + 1

    bus, clock = world.app.bus, world.clock
    for process in ("web", "intake", "journeys"):
        await vitals.give_sign(bus, clock, process, "here-1", clock.now())
    transport = httpx.ASGITransport(api(world.app))
    async with httpx.AsyncClient(transport=transport, base_url="http://portal") as client:
        answer = await client.get("/metrics")
        proxied = await client.get("/metrics", headers={"X-Forwarded-For": "203.0.113.7"})
    assert (answer.status_code, proxied.status_code) == (200, 401)
    families = {family.name: family for family in text_string_to_metric_families(answer.text)}
    up = {sample.labels["process"] for sample in families["cm_process_up"].samples}
    assert up == {"web", "intake", "journeys"}
    steps = [s for s in families["cm_steps"].samples if s.labels["outcome"] == "requested"]
    assert {s.labels["process"] for s in steps} == up
    assert {s.labels["group"] for s in families["cm_stream_waiting"].samples} >= {"campaign-manager"}
    assert str(contact) not in answer.text
    assert str(world.practice_id) not in answer.text


@pytest.mark.covers("OPS-1")
async def test_elsewhere_the_token_is_needed(world: World):
    config = world.app.settings.model_copy(update={"metrics_token": SecretStr("a-token-for-metrics")})
    object.__setattr__(world.app, "settings", config)
    transport = httpx.ASGITransport(api(world.app), client=("203.0.113.7", 4000))
    async with httpx.AsyncClient(transport=transport, base_url="http://portal") as client:
        assert (await client.get("/metrics")).status_code == 401
        assert (await client.get("/metrics", headers={"Authorization": "Bearer x"})).status_code == 401
        right = {"Authorization": "Bearer a-token-for-metrics"}
        assert (await client.get("/metrics", headers=right)).status_code == 200


@pytest.mark.covers("OPS-1", "OPS-2")
async def test_the_status_says_what_is_missing_late_or_broken_and_what_to_do(world: World, database_url: str):
    app, now = world.app, world.clock.now()
    await world.event("appointment.attended", {"patient_id": make_contact(database_url, world.practice_id, now),
                                               "appointment_id": world.practice_id})  # fmt: skip
    for process in ("web", "engine", "platform"):
        await vitals.give_sign(app.bus, world.clock, process, "here-1", now - timedelta(hours=2))
    manager = staff(world.practice_id, "manage")
    seen = await status(app, manager)
    checks = {c.key: c for group in seen.groups for c in group.checks}
    assert checks["journeys"].light == "green"
    assert "2 hours ago" in checks["journeys"].said
    assert (checks["hub"].light, seen.light) == ("red", "red")
    assert "cm worker hub" in checks["hub"].advice
    assert checks["queue_in"].light == checks["database"].light == checks["bus"].light == "green"
    assert checks["source_recall"].said == "Nothing yet."
    world.clock.advance(minutes=11)
    later = {c.key: c for group in (await status(app, manager)).groups for c in group.checks}
    assert later["seal"].light == "red"  # nobody sealed what the event wrote
    with pytest.raises(Forbidden):
        await status(app, staff(world.practice_id, "read"))


def test_lights_follow_their_limits():
    assert [rules.queue("x", "x", n, "do").light for n in (0, 999, 1_000, 50_000)] == [
        "green",
        "green",
        "amber",
        "red",
    ]
    assert [rules.disk(n, 100).light for n in (50, 90, 99)] == ["green", "amber", "red"]
    assert rules.worst(["off", "green"]) == "green"
    assert rules.worst(["amber", "red", "green"]) == "red"
    assert rules.worst([]) == "off"
