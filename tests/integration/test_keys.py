"""Data keys rotate while people work, and what is stored is in no file in the clear (GOV-6, D28)."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from uuid import UUID

import pytest
from sqlalchemy.exc import DBAPIError

from cm_app import keys as commands
from services.bootstrap import App, bootstrap
from services.campaigns import service as campaigns
from services.campaigns import versions
from services.content import service as content
from services.keys import service as keys
from services.keys.contracts import CannotRotate, StillNeeded
from services.keys.places import COLUMNS
from services.kit import preflight
from services.kit.actor import system
from services.kit.clock import VirtualClock
from services.kit.crypto import KeysWrong, SealBroken, key_id, load_keyring
from services.kit.errors import NotFound
from services.kit.settings import Settings
from tests.factories.journeys import journey, person
from tests.factories.sealed import one_of_everything, opened

pytestmark = pytest.mark.covers("GOV-6")

NOT_SEALED = {
    "cm.session.session_hash", "cm.invitation.who_hash", "cm.api_key.key_hash", "cm.api_answer.key_hash",
    "cm.api_answer.request_hash", "cm.blocked_destination.hash", "cm.platform_block.hash", "cm.audit.leaf", "cm.audit_batch.digest",
    "cm.audit_batch.seal", "cm.webhook_delivery.body", "platform.import_batch.content",
    "hub.content.words",
}  # fmt: skip
"""Bytes that are hashes, that leave as they are, or that a neighbour seals for itself."""
BYTES = """
SELECT n.nspname || '.' || c.relname || '.' || a.attname FROM pg_attribute a
JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname IN ('cm', 'hub', 'platform', 'canonical') AND c.relkind IN ('r', 'p') AND NOT c.relispartition
  AND a.attnum > 0 AND NOT a.attisdropped AND a.atttypid = 'bytea'::regtype
"""
Open = Callable[..., App]


@pytest.fixture
async def opens(
    config: Settings, servers, database_url: str, clock: VirtualClock, tmp_path: Path
) -> AsyncIterator[Open]:
    """A process of its own: its keys from its home, or from settings."""
    assert config.secret_key
    (tmp_path / "secret.key").write_text(config.secret_key.get_secret_value())
    async with AsyncExitStack() as stack:

        def one(**values: str) -> App:
            settings = Settings(home=tmp_path, qa=True, _env_file=None, **values)
            made = bootstrap(
                config=settings,
                clock=clock,
                database_url=database_url,
                redis_url=servers.redis_url,
            )
            stack.push_async_callback(made.close)
            return made

        yield one


def told(*_: object) -> None:
    """Nobody looks at the progress."""


async def under(app: App) -> dict[str, int]:
    return {key.id: key.values for key in keys.keys(app, await keys.uses(app))}


async def test_every_column_of_bytes_is_known(opens: Open):
    async with opens().uow.engine.connect() as connection:
        found = set((await connection.exec_driver_sql(BYTES)).scalars())
    assert found == NOT_SEALED | {column.name for column in COLUMNS}


async def test_a_new_key_for_everything_while_people_work(opens: Open, practice: UUID, database_url: str):
    app, elsewhere = opens(), opens()
    made = await one_of_everything(app, practice, database_url)
    before = await opened(app, practice)
    assert all(before[column.name] for column in COLUMNS), "one of everything"
    derived = (app.keyring.password("cm_app"), app.keyring.sign("links", b"one"))
    author = person(practice)
    async with app.uow(author) as u:
        others = [(await campaigns.create(u, name=f"Busy {n}")).campaign_id for n in range(3)]
    ended, begun, saved = asyncio.Event(), asyncio.Event(), dict.fromkeys(others, 0)

    async def writes(campaign: UUID) -> None:
        while not ended.is_set() or saved[campaign] < 3:
            async with elsewhere.uow(author) as u:
                revision = (await campaigns.get(u, campaign)).row.draft_revision
                await campaigns.save_draft(
                    u, campaign, journey(f"Save {saved[campaign] + 1}"), revision=revision
                )
            saved[campaign] += 1

    async def rotates() -> str:
        try:
            return (await keys.rotate(app, lambda *_: begun.set())).key
        finally:
            ended.set()

    async with elsewhere.uow(author) as u:  # somebody saves under the old key, and is not done when it begins
        await campaigns.save_draft(u, made.campaign, journey("Held"), revision=1)
        rotation = asyncio.create_task(rotates())
        writers = [asyncio.create_task(writes(campaign)) for campaign in others]
        await begun.wait()
    first = await rotation
    await asyncio.gather(*writers)

    assert await under(app) == {first: sum((await under(app)).values()), key_id(app.keyring.root).hex(): 0}
    after = await opened(app, practice)
    assert {
        name: rows for name, rows in after.items() if name not in ("cm.campaign.draft", "cm.proof.files")
    } == {name: rows for name, rows in before.items() if name not in ("cm.campaign.draft", "cm.proof.files")}
    async with app.uow(author) as u:
        assert "Held" in (await campaigns.get(u, made.campaign)).draft.model_dump_json()
        for campaign, count in saved.items():
            assert f"Save {count}" in (await campaigns.get(u, campaign)).draft.model_dump_json()
        assert made.planted["template"] in (await content.template(u, made.template)).content.body
        tags = (
            await u.execute("SELECT tag, detail FROM cm.audit WHERE tag LIKE 'keys.%' ORDER BY batch_id")
        ).all()
    assert [row.tag for row in tags] == ["keys.rotation_begun", "keys.rotated"]
    assert first in tags[-1].detail
    assert (app.keyring.password("cm_app"), app.keyring.sign("links", b"one")) == derived

    second = (await keys.rotate(app, told)).key
    assert second != first
    assert await keys.retire(app, first)
    alone = opens()
    assert alone.keyring.known == [bytes.fromhex(second), key_id(alone.keyring.root)]
    versions._cache.clear()
    assert await opened(alone, practice) == await opened(app, practice)


async def test_a_rotation_that_was_killed_goes_on_where_it_was(
    opens: Open, practice: UUID, database_url: str
):
    app = opens()
    await one_of_everything(app, practice, database_url)
    everything, root = sum((await under(app)).values()), key_id(app.keyring.root).hex()
    assert app.settings.home.joinpath("data.keys").exists() is False

    def dies(_: str, done: int, __: int) -> None:
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await keys.rotate(app, dies)
    (key,) = app.keyring.data.of_file()
    found = await under(app)
    assert 4 <= found[key_id(key).hex()] < everything
    assert found[root] == everything - found[key_id(key).hex()]
    with pytest.raises(StillNeeded, match="the root's own key"):
        await keys.retire(app, root)

    again = opens()
    async with again.uow(person(practice)) as u:  # work that began before must end first
        await campaigns.create(u, name="Slow", journey=journey())
        with pytest.raises(CannotRotate, match="run `cm keys rotate` again"):
            await keys.rotate(again, told, patience=-1)
    done = await keys.rotate(again, told)
    assert (done.key, again.keyring.data.of_file()) == (key_id(key).hex(), (key,)), "no second key was made"
    assert (await under(again))[root] == 0
    assert oct(again.settings.home.joinpath("data.keys").stat().st_mode)[-3:] == "600"
    assert not again.keyring.data.unfinished
    await opened(again, practice)


async def test_a_value_that_cannot_be_opened_stays_and_keeps_its_key(
    opens: Open, practice: UUID, database_url: str
):
    app = opens()
    await one_of_everything(app, practice, database_url)
    first = (await keys.rotate(app, told)).key
    async with app.uow(system(practice, "test")) as u:  # moved to where it was not sealed for
        await u.execute("UPDATE cm.segment SET rule = (SELECT draft FROM cm.campaign LIMIT 1)")
    done = await keys.rotate(app, told)
    assert [name.split(",")[0] for name in done.unreadable] == ["cm.segment.rule"]
    assert done.unused == []
    with pytest.raises(StillNeeded, match=r"1 values .*cm\.segment\.rule"):
        await keys.retire(app, first)
    with pytest.raises(StillNeeded, match="Rotate first"):
        await keys.retire(app, done.key)
    with pytest.raises(NotFound, match="cm keys status"):
        await keys.retire(app, "00000000")


async def test_keys_from_the_settings_are_put_in_and_taken_out_there(
    opens: Open, config: Settings, practice: UUID, database_url: str, capsys: pytest.CaptureFixture[str]
):
    assert config.secret_key
    root, older, newer = config.secret_key.get_secret_value(), "older-key-" * 4, "newer-key-" * 4
    plain = opens(secret_key=root)
    await one_of_everything(plain, practice, database_url)
    with pytest.raises(CannotRotate, match="first in CM_DATA_KEYS"):
        await keys.rotate(plain, told)

    await commands.rotate(opens(secret_key=root, data_keys=older))
    both = opens(secret_key=root, data_keys=f"{newer},{older}")
    done = await commands.rotate(both)
    assert done.unused == [key_id(older.encode()).hex()]
    assert await keys.retire(both, done.unused[0]) is False, "only the setting can forget it"
    await commands.rotate(both)
    await commands.show(both)
    said = " ".join(capsys.readouterr().out.split())
    assert "CM_DATA_KEYS, number 1" in said
    assert "0 values were put under" in said
    assert "restart every process" in said
    assert not {root, older, newer} & set(said.replace(",", " ").split()), "ids, never keys"

    await opened(opens(secret_key=root, data_keys=newer), practice)
    for wrong in ({}, {"data_keys": older}):
        machine = opens(secret_key=root, **wrong)
        with pytest.raises(SealBroken, match=f"{done.key}.*CM_DATA_KEYS.*cm keys status"):
            await opened(machine, practice)
        await commands.show(machine)
        assert "not on this machine" in capsys.readouterr().out


def test_several_roots_and_short_keys_are_refused_at_the_start_with_a_cure(tmp_path: Path):
    long = "k" * 40
    for values, sentence in (
        ({"secret_key": f"{long},{long}2"}, "move the others to CM_DATA_KEYS"),
        ({"secret_key": long, "data_keys": f"{long},short"}, "CM_DATA_KEYS is too short"),
    ):
        settings = Settings(home=tmp_path, _env_file=None, **values)
        with pytest.raises(preflight.NotReady, match=sentence):
            preflight.refuse(preflight.machine(settings, ports=False))
        with pytest.raises(KeysWrong, match=sentence):
            load_keyring(settings)
    # An older root that moved there opens what it sealed.
    sealed = load_keyring(Settings(home=tmp_path, _env_file=None, secret_key=f"{long}2")).seal(
        b"old", place="x"
    )
    moved = load_keyring(Settings(home=tmp_path, _env_file=None, secret_key=long, data_keys=f"{long}2"))
    assert moved.open(sealed, place="x") == b"old"
    with pytest.raises(SealBroken, match="altered"):
        moved.open(sealed, place="y")
    (tmp_path / "data.keys").write_text("cut off\n")
    assert not all(c.ok for c in preflight.machine(Settings(home=tmp_path, _env_file=None), ports=False))


async def test_what_never_changes_may_change_its_key_and_nothing_else(
    opens: Open, practice: UUID, database_url: str
):
    app = opens()
    await one_of_everything(app, practice, database_url)
    staff = person(practice)
    other = "substring({0} FROM 1 FOR 1) || '\\xdeadbeef'::bytea || substring({0} FROM 6)"
    for table, column, more in (
        ("cm.campaign_version", "definition", "number = number + 1"),
        ("cm.template_version", "content", "name = name || '!'"),
    ):
        fresh = other.format(column)
        for change in (
            more, f"{column} = {column} || '\\x00'::bytea", f"{column} = {fresh} || '\\x00'::bytea",
            f"{column} = {column}", f"{column} = {fresh}, {more}",
            f"{column} = '\\x02'::bytea || substring({fresh} FROM 2)",
        ):  # fmt: skip
            with pytest.raises(DBAPIError):
                async with app.uow(staff) as u:
                    await u.execute(f"UPDATE {table} SET {change}")
        async with app.uow(staff) as u:
            assert (await u.execute(f"UPDATE {table} SET {column} = {fresh}")).rowcount == 1
