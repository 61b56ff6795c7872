"""One of everything that is sealed, with words of its own to look for in files."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
import pyotp

from services.access import service as access
from services.access.step_up import store_secret
from services.audience import segments
from services.audience import service as audience
from services.bootstrap import App
from services.campaigns import service as campaigns
from services.content import service as content
from services.contracts.journey import ChannelContent
from services.contracts.segment import Audience, Condition
from services.followups import service as followups
from services.followups.contracts import NewFollowup
from services.keys.places import COLUMNS
from services.kit import answers
from services.kit.actor import system
from services.kit.crypto import LEAST
from services.kit.ids import new_id, new_token
from services.webhooks import service as webhooks
from tests.factories.journeys import journey, person
from tests.factories.practice import make_contact, run


@dataclass
class Everything:
    """What was made. `planted` are words and secrets that no file may show."""

    campaign: UUID
    template: UUID
    segment: UUID
    planted: dict[str, str]


def word() -> str:
    """Letters and digits that occur nowhere else."""
    return "zq" + "".join(c for c in new_token(48) if c.isalnum())[:40].lower()


async def one_of_everything(app: App, practice: UUID, database_url: str) -> Everything:
    """A row in every column of `services.keys.places`, made by the services where they can."""
    planted = {name: word() for name in ("journey", "template", "segment", "followup", "proof", "answer")}
    staff = person(practice)
    contact = make_contact(database_url, practice, app.clock.now())
    who = next(p for p in await access.ensure_demo_people(app, practice) if p.role == "administrator")
    async with app.uow(staff) as u:
        campaign = (await campaigns.create(u, name="Recall", journey=journey(planted["journey"]))).campaign_id
        await campaigns.request_approval(u, campaign)
        text = ChannelContent(body=f"Hello {planted['template']}. Reply STOP to opt out.")
        template = (await content.create_template(u, name="Text", channel="sms", content=text)).template_id
        rule = Condition(field="contact.postcode", op="starts_with", value=planted["segment"])
        segment = await segments.create(u, name="Near", audience=Audience(include=[rule]))
        words: Any = {"email": {"subject": "Hello", "body": f"Hello {planted['followup']}."}}
        await followups.plan(
            u,
            NewFollowup(
                contact_id=contact,
                due_at=u.now + timedelta(hours=9),
                why="Agreed",
                channels=["email"],
                content=words,
            ),
        )
        made = await webhooks.add(
            u, label="Warehouse", url="https://warehouse.example/in", event_types=["campaign.suppression.applied"],
            private=False,
        )  # fmt: skip
        planted["webhook secret"] = made.secret.removeprefix("whsec_")
        again = await webhooks.rotate(u, made.endpoint.endpoint_id)
        planted["newer webhook secret"] = again.secret.removeprefix("whsec_")
        planted["authenticator"] = pyotp.random_base32()
        person_id = (
            await u.execute("SELECT person_id FROM cm.person WHERE login = :login", login=who.login)
        ).scalar_one()
        await store_secret(u, person_id, planted["authenticator"])
        await answers.claim(u, "one", b"request")
        await answers.keep(u, "one", answers.Answer(200, planted["answer"].encode()))
    await _made_by_workers(app, practice, database_url, campaign, planted["proof"])
    return Everything(campaign, template, segment, planted)


async def _made_by_workers(app: App, practice: UUID, database_url: str, campaign: UUID, files: str) -> None:
    """What the engine, the proof worker and the self-check keep."""
    execution, proof = new_id(), new_id()
    named = {"p": practice, "c": campaign, "now": app.clock.now()}
    run(database_url, "INSERT INTO cm.execution (practice_id, execution_id, campaign_id, version_id, number, started_at)"
        " VALUES (:p, :e, :c, :c, 1, :now)", {**named, "e": execution})  # fmt: skip
    run(database_url, "INSERT INTO cm.proof (practice_id, proof_id, campaign_id, state, asked_by, asked_ref, asked_at, files)"
        " VALUES (:p, :f, :c, 'done', :p, 'test', :now, :files)",
        {**named, "f": proof, "files": app.keyring.seal(files.encode(), place=f"proof.files:{proof}")})  # fmt: skip
    run(database_url, "INSERT INTO cm.leak_scan (practice_id, at_table, after, rounds, began_at, looked_at)"
        " VALUES (:p, '', :after, 0, :now, :now)",
        {"p": practice, "now": app.clock.now(),
         "after": app.keyring.seal(orjson.dumps(["row"]), place=f"leak_scan.after:{practice}")})  # fmt: skip
    async with app.uow(system(practice, "engine")) as u:
        await audience.snapshot(u, execution, Audience())


async def opened(app: App, practice: UUID) -> dict[str, list[bytes]]:
    """Every sealed value of the practice in the clear, by column. Raises SealBroken."""
    found: dict[str, list[bytes]] = {}
    async with app.uow(system(practice, "test")) as u:
        for column in COLUMNS:
            key = ", ".join(column.key)
            rows = await u.execute(
                f"SELECT {key}, {column.column} AS sealed FROM {column.table}"
                f" WHERE octet_length({column.column}) >= :least ORDER BY {key}",
                least=LEAST,
            )
            found[column.name] = [
                u.keyring.open(bytes(row["sealed"]), place=column.place({**row, "practice_id": practice}))
                for row in rows.mappings()
            ]
    return found
