"""ENG-6: everything but the sending, with its evidence in files, and not a row of it left behind."""

import csv
import io
from uuid import UUID

import orjson
import pytest
from sqlalchemy.exc import DBAPIError

from services.campaigns import service as campaigns
from services.contracts.journey import Caps, ChannelContent, Journey, Message, Variant
from services.kit.errors import Conflict, Forbidden, Invalid, NotFound
from services.kit.ids import new_id
from services.proofs import service as proofs
from services.proofs.artefacts import verify_manifest
from services.proofs.contracts import Proof
from services.proofs.run import setting_of
from services.proofs.shadow import TABLES, Shadow, shadowed
from tests.factories.campaign import EVERYONE, launch, message
from tests.factories.campaign import journey as small
from tests.factories.journeys import journey
from tests.factories.journeys import person as staff
from tests.factories.practice import make_contact
from tests.factories.world import World

pytestmark = pytest.mark.covers("ENG-6")
# What a proof may not change, counted.
WATCHED = (
    *(t for t in TABLES if t != "platform_control"),
    "followup",
    "message_event",
    "suppression",
    "conversion",
)


async def silent(_: str) -> None:
    return None


async def draft(world: World, definition: Journey) -> UUID:
    async with world.app.uow(staff(world.practice_id)) as u:
        return (await campaigns.create(u, name="Spring check-ups", journey=definition)).campaign_id


async def prove(world: World, campaign_id: UUID) -> Proof:
    return await proofs.make(world.app.uow, world.practice_id, campaign_id, new_id(), silent)


async def counts(world: World) -> dict[str, str]:
    """Every row of every watched table, as a hash: not only how many there are."""
    return {
        name: await world.one(
            f"SELECT count(*) || ' ' || coalesce(md5(string_agg(t::text, ',' ORDER BY t::text)), '') FROM cm.{name} t"
        )
        for name in WATCHED
    }


def table(proof: Proof, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(proof.files[name].decode())))


def everyone(**more) -> Journey:
    return journey(audience=EVERYONE.model_dump(), caps=Caps(max_touches=9).model_dump(), **more)


async def test_it_says_who_would_get_what_and_when_and_leaves_nothing(world: World, database_url: str):
    now = world.clock.now()
    ada = make_contact(database_url, world.practice_id, now)
    make_contact(database_url, world.practice_id, now, consent=())
    make_contact(database_url, world.practice_id, now, do_not_contact=True)
    campaign = await draft(world, everyone())
    before = await counts(world)
    proof = await prove(world, campaign)
    assert await counts(world) == before

    sent = table(proof, "messages.csv")
    assert [(row["contact_id"], row["step_id"], row["channels"]) for row in sent] == [
        (str(ada), "hello", "email"), (str(ada), "again", "email"),
    ]  # fmt: skip
    first, second = (row["at_practice_time"] for row in sent)
    assert (first, second) == ("2026-06-01 11:00", "2026-06-04 11:00")
    words = {row["content_ref"]: row for row in table(proof, "words.csv")}
    assert words[sent[0]["content_ref"]]["subject"] == "Hello"
    assert sent[0]["subject_ref"] == f"{sent[0]['content_ref']}#email.subject"
    assert sorted(row["reason"] for row in table(proof, "refused.csv")) == [
        "DO_NOT_CONTACT", "NO_CONSENT", "NO_CONSENT",
    ]  # fmt: skip
    summary = proof.summary
    assert (summary["entered"], summary["messages"], summary["people"], summary["refusals"]) == (2, 2, 1, 3)
    assert {row["tag"]: row["rows"] for row in summary["audit_rows"]}["step.requested"] == 2
    assert "Nothing was sent." in proof.files["summary.md"].decode()
    everything = b"".join(proof.files.values()).decode()
    assert f"{ada.hex}@example.com" not in everything, "people appear as references only"


async def test_it_is_what_the_real_run_then_does(world: World, database_url: str):
    """The same people, steps and reasons as the engine's own run of the same journey."""
    now = world.clock.now()
    for n in range(12):
        make_contact(
            database_url, world.practice_id, now,
            consent=("email",) if n % 3 else (), do_not_contact=n % 5 == 0,
        )  # fmt: skip
    definition = everyone()
    proof = await prove(world, await draft(world, definition))
    launched = await launch(world.app, world.practice_id, definition)
    await world.run()
    await world.advance(days=3)
    version = {"v": launched.version_id}
    sent = await world.rows(
        "SELECT contact_id, step_id FROM cm.dispatch WHERE practice_id = :practice AND version_id = :v",
        **version,
    )
    refused = await world.rows(
        "SELECT contact_id, reason FROM cm.refusal WHERE practice_id = :practice AND version_id = :v",
        **version,
    )
    assert sorted((r["contact_id"], r["step_id"]) for r in table(proof, "messages.csv")) == sorted(
        (str(r.contact_id), r.step_id) for r in sent
    )
    assert sorted((r["contact_id"], r["reason"]) for r in table(proof, "refused.csv")) == sorted(
        (str(r.contact_id), r.reason) for r in refused
    )
    assert len(sent) > 4


async def test_the_limits_see_what_was_really_sent(world: World, database_url: str):
    contact = make_contact(database_url, world.practice_id, world.clock.now())
    await launch(world.app, world.practice_id, small(message("hello", "end")))
    await world.run()
    campaign = await draft(
        world, journey(audience=EVERYONE.model_dump(), caps={"max_touches": 1, "per_days": 7})
    )
    proof = await prove(world, campaign)
    refused = [(r["contact_id"], r["step_id"], r["reason"]) for r in table(proof, "refused.csv")]
    assert refused == [(str(contact), step, "FREQUENCY_CAP") for step in ("hello", "again")]


async def test_the_database_lets_nothing_else_be_written(world: World):
    campaign = await draft(world, everyone())
    reader = staff(world.practice_id, "read")
    async with world.app.uow(reader) as u:
        setting, _ = await setting_of(u, campaign, (await campaigns.get(u, campaign)).draft)
    async with Shadow.over(world.app.uow, reader, setting) as shadow:
        for sql in (
            "INSERT INTO cm.holiday (practice_id, day) VALUES (:practice, '2026-06-01')",
            "DELETE FROM cm.suppression WHERE practice_id = :practice",
            "SELECT 1 FROM cm.person WHERE practice_id = :practice FOR UPDATE",
        ):
            with pytest.raises(DBAPIError, match="read-only transaction"):
                async with shadow(reader) as u:
                    await u.execute(sql, practice=world.practice_id)
        async with shadow(reader) as u:  # while its own tables take everything
            u.emit("campaign.step.requested", {"x": 1})
    assert await world.one("SELECT count(*) FROM cm.outbox WHERE type = 'campaign.step.requested'") == 0
    assert shadowed("JOIN cm.campaign c, cm.campaign_version, cm.practice_ids(), cm.dispatch d") == (
        "JOIN pg_temp.campaign c, pg_temp.campaign_version, cm.practice_ids(), pg_temp.dispatch d"
    )


async def test_it_holds_nobody_up(world: World, database_url: str):
    """While a proof is under way a kill switch and a suppression go through at once."""
    contact = make_contact(database_url, world.practice_id, world.clock.now())
    campaign = await draft(world, everyone())
    seen = []

    async def meanwhile(words: str) -> None:
        if not seen:
            await world.event("consent.revoked", {"contact_id": contact, "channel": "all"})
            async with world.app.uow(staff(world.practice_id)) as u:
                await u.execute("SET LOCAL lock_timeout = '2s'")
                await u.execute(
                    "UPDATE cm.practice SET kill_switch_at = :now WHERE practice_id = :p",
                    now=u.now, p=world.practice_id,
                )  # fmt: skip
        seen.append(words)

    await proofs.make(world.app.uow, world.practice_id, campaign, new_id(), meanwhile)
    assert len(seen) > 2
    assert await world.one("SELECT count(*) FROM cm.suppression WHERE practice_id = :practice") == 1


async def test_a_long_journey_spread_over_days_is_still_a_short_run(world: World, database_url: str):
    now = world.clock.now()
    for _ in range(30):
        make_contact(database_url, world.practice_id, now)
    spread = journey(audience=EVERYONE.model_dump(), caps={"max_touches": 9}, pace={"spread_minutes": 10_000})
    proof = await prove(world, await draft(world, spread))
    assert proof.summary["messages"] == 60
    assert len(proof.summary["by_day"]) > 5
    assert proof.summary["exact_to_minutes"] > 1
    assert world.clock.now() == now, "the real clock stays where it is"


async def test_asked_for_done_by_a_worker_and_taken_as_files(world: World, database_url: str):
    make_contact(database_url, world.practice_id, world.clock.now())
    campaign = await draft(world, everyone())
    marketer = staff(world.practice_id, "author", "read")
    async with world.app.uow(marketer) as u:
        asked = await proofs.ask(u, campaign)
    assert asked.state == "asked"
    with pytest.raises(Conflict, match="under way"):
        async with world.app.uow(marketer) as u:
            await proofs.ask(u, campaign)
    with pytest.raises(NotFound, match="no files yet"):
        async with world.app.uow(marketer) as u:
            await proofs.bundle(u, asked.proof_id)
    assert await proofs.work_once(world.app.uow, world.practice_id)
    assert not await proofs.work_once(world.app.uow, world.practice_id)
    async with world.app.uow(marketer) as u:
        (done,) = await proofs.proofs(u, campaign)
        files = proofs.unpacked(await proofs.bundle(u, done.proof_id))
    assert (done.state, done.summary["messages"]) == ("done", 2)
    keyring = world.app.keyring
    assert verify_manifest(files, keyring) == []
    assert orjson.loads(files["manifest.json"])["nothing_was_sent"] is True
    assert verify_manifest({**files, "messages.csv": b""}, keyring) == ["messages.csv was changed."]
    forged = orjson.loads(files["manifest.json"]) | {"content_hash": "0"}
    assert verify_manifest({**files, "manifest.json": orjson.dumps(forged)}, keyring) == [
        "The manifest's seal does not fit what it says."
    ]
    tags = await world.rows(
        "SELECT tag, detail FROM cm.audit WHERE practice_id = :practice AND tag LIKE 'proof.%' ORDER BY audit_id"
    )
    assert [t.tag for t in tags] == ["proof.asked", "proof.made", "proof.exported"]
    assert done.manifest_sha256 in tags[1].detail, "the audit seals the evidence"


async def test_what_a_dead_process_was_doing_is_done_again(world: World):
    campaign = await draft(world, everyone())
    async with world.app.uow(staff(world.practice_id)) as u:
        asked = await proofs.ask(u, campaign)
        await u.execute(
            "UPDATE cm.proof SET state = 'running', beat_at = :now WHERE proof_id = :id",
            now=u.now,
            id=asked.proof_id,
        )
    assert not await proofs.work_once(world.app.uow, world.practice_id)
    world.clock.advance(minutes=6)
    assert await proofs.work_once(world.app.uow, world.practice_id)


async def test_what_cannot_run_cannot_be_proved(world: World):
    broken = everyone()
    (hello, *_) = (s for s in broken.steps if isinstance(s, Message))
    unwritten = Variant(
        content={c: ChannelContent(subject="Hello", body="lorem ipsum") for c in hello.channels}
    )
    steps = [s if s is not hello else s.model_copy(update={"variants": [unwritten]}) for s in broken.steps]
    campaign = await draft(world, broken.model_copy(update={"steps": steps}))
    with pytest.raises(Invalid, match="First put right"):
        async with world.app.uow(staff(world.practice_id)) as u:
            await proofs.ask(u, campaign)
    with pytest.raises(Forbidden):
        async with world.app.uow(staff(world.practice_id, "read")) as u:
            await proofs.ask(u, campaign)


async def test_a_campaign_that_runs_is_proved_as_if_it_began_now(world: World, database_url: str):
    make_contact(database_url, world.practice_id, world.clock.now())
    campaign = await draft(world, everyone())
    first = await prove(world, campaign)
    async with world.app.uow(staff(world.practice_id)) as u:
        await u.execute(
            "INSERT INTO cm.enrolment (practice_id, enrolment_id, campaign_id, version_id, contact_id, pseudonym, state,"
            " step_id, move_no, enrolled_at, moved_at, ended_at, exit_reason) SELECT :p, uuidv7(), :c, uuidv7(), contact_id,"
            " uuidv7(), 'completed', 'done', 5, :now, :now, :now, 'END_OF_JOURNEY' FROM canonical.contact",
            p=world.practice_id, c=campaign, now=u.now,
        )  # fmt: skip
    again = await prove(world, campaign)
    assert (first.summary["entered"], again.summary["entered"]) == (1, 1)
