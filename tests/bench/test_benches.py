"""Each benchmark runs small, so that none rots, and its checkers are checked: nothing here is timed."""

from collections.abc import Iterator
from importlib.util import find_spec

import orjson
import pytest
from sqlalchemy import text

from cm_app.bench import intake, peers, trigger
from cm_app.bench.intake_events import SUPPRESSING
from cm_app.bench.stage import Stage, campaign, messages, people, percentile, private_stage
from services.kit.actor import system


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with private_stage(database=["track_commit_timestamp = on", "fsync = off"]) as running:
        yield running


@pytest.mark.covers("SUP-1")
async def test_intake_takes_everything_in_and_finds_no_late_request(stage: Stage, capsys):
    figures = await intake.measure(stage, rate=40, seconds=1, rows=300)
    assert figures.events == 40
    assert figures.suppressions == 24
    assert 0 < figures.p50_ms <= figures.p99_ms <= figures.worst_ms
    assert figures.violations == figures.standing == 0
    assert figures.raw_per_second > 0

    intake._show(figures)
    assert orjson.loads(capsys.readouterr().out.splitlines()[-1])["bench"] == "intake"

    (practice,) = stage.ask("SELECT practice_id FROM cm.practice ORDER BY practice_id DESC LIMIT 1")[0]
    assert intake.judge(stage, practice) == (0, 0)
    await _request_late(stage, practice)
    assert intake.judge(stage, practice) == (1, 0), "the checker must convict a request that came late"


async def _request_late(stage: Stage, practice) -> None:
    """What a broken dispatcher would leave behind: the audit row of a request, committed after."""
    app = stage.app()
    async with app.uow(system(practice, "test")) as u:
        await u.session.execute(
            text(
                "INSERT INTO cm.audit (practice_id, at, audit_id, batch_id, seq, tag, actor, pseudonym, reason, leaf)"
                " SELECT s.practice_id, :now, uuidv7(), uuidv7(), 0, 'step.requested', 'engine', s.pseudonym, '', ''"
                " FROM cm.subject s JOIN cm.inbound_event i USING (practice_id, contact_id)"
                " WHERE i.practice_id = :practice AND i.type = ANY (:types) LIMIT 1"
            ),
            {"now": u.now, "practice": practice, "types": list(SUPPRESSING)},
        )
    await app.close()


@pytest.mark.covers("ENG-2")
async def test_trigger_leads_every_event_and_the_planned_start_to_a_request(
    stage: Stage, capsys, monkeypatch
):
    monkeypatch.setattr(trigger, "AHEAD", 0.5)
    figures = await trigger.measure(stage, rate=20, seconds=1)
    assert figures.events == figures.requested == 20
    assert 0 <= figures.p50_ms <= figures.p99_ms
    trigger._show(figures)
    assert orjson.loads(capsys.readouterr().out.splitlines()[-1])["bench"] == "trigger"


def test_peers_do_the_same_sends(stage: Stage, monkeypatch, capsys):
    present = {peer.name: find_spec(peer.package) is not None for peer in peers.PEERS}
    if not any(present.values()):
        pytest.skip(f"none of {', '.join(present)} is installed: {peers.GET_THEM}")
    ours, *theirs = results = peers.measure(stage, 200)
    assert ours.sends_per_minute > 0
    for result in theirs:
        assert (result.sends_per_minute > 0) == present[result.name]
        assert result.note == ("" if present[result.name] else f"not installed: {peers.GET_THEM}")
    peers._show(200, results)
    assert orjson.loads(capsys.readouterr().out.splitlines()[-1])["results"][0]["name"] == ours.name

    stage.run("DELETE FROM peer.send WHERE contact_id = (SELECT contact_id FROM peer.send LIMIT 1)")
    with pytest.raises(peers.WrongEffects):
        peers._check(stage, "x", "SELECT contact_id FROM peer.send", "SELECT count(*) FROM peer.audit", 200)

    monkeypatch.setattr(peers, "find_spec", lambda name: None)
    assert all(r.note == f"not installed: {peers.GET_THEM}" for r in peers.others(stage, 200, ours=1.0))


def test_percentiles_are_by_nearest_rank():
    assert percentile([3, 1, 2], 0.5) == 2
    assert percentile(range(1, 101), 0.99) == 99
    assert percentile([], 0.99) == 0


def test_people_of_the_stage_are_due(stage: Stage):
    practice, everybody = people(stage, 40)
    campaign(stage, practice, messages(2), due="m0", state="paused")
    assert len(everybody) == len(set(everybody)) == 40
    mine = {"p": practice}
    assert (
        stage.ask("SELECT count(*) FROM cm.work WHERE practice_id = :p AND step_id = 'm0'", **mine)[0][0]
        == 40
    )
    revoked = "SELECT count(*) FROM canonical.consent WHERE practice_id = :p AND state = 'revoked'"
    assert stage.ask(revoked, **mine)[0][0] == 2
