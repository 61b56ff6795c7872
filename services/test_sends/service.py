"""Use cases of test messages. The Hub sends them on its usual path, with its mark; here one row says
what was asked and what became of it. No campaign, contact or figure changes.

Asking, handing over and noting the answer are three steps: nothing is sent inside a transaction, and
what was asked stays on record whatever becomes of the rest.
"""

from uuid import UUID

import httpx

from services.audit.append import record
from services.audit.tags import AuditTag
from services.bootstrap import App
from services.campaigns import service as campaigns
from services.content.rules import content_ref
from services.content.service import checked_variables, resolve
from services.contracts.hub_api import SendTest
from services.contracts.journey import ChannelContent, Message, Variant
from services.intake.asking import token_of
from services.kit.actor import Actor
from services.kit.errors import Conflict, Invalid, NotFound
from services.kit.ids import new_id
from services.kit.uow import Unit
from services.test_sends import queries
from services.test_sends.contracts import TriedOut, TryOut
from services.test_sends.rules import PER_PERSON, PER_PRACTICE, WITHIN, address_of, masked

TIMEOUT = 10.0


class TooManyTests(Conflict):
    code = "too_many_tests"
    status = 429


async def send(
    app: App, actor: Actor, campaign_id: UUID, wanted: TryOut, *, hub: httpx.AsyncClient | None = None
) -> list[TriedOut]:
    """Write to each address once. Needs `author`. `hub`: a way to the Hub other than its address. Raises NotFound, Invalid with what is not ready,
    TooManyTests. Whether the Hub took them is in the answer, not raised."""
    if app.settings.hub == "external" and not app.settings.hub_url:
        raise Invalid("Your Communication Hub takes no test messages. Set CM_HUB_URL to its address.")
    async with app.uow(actor) as u:
        asked = await ask(u, campaign_id, wanted)
    token = token_of(app.settings, app.keyring)
    async with hub or httpx.AsyncClient(base_url=app.settings.hub_api_address(), timeout=TIMEOUT) as client:
        answers = [(one.dispatch_id, await _hand_over(client, token, one)) for one in asked]
    async with app.uow(actor) as u:
        for test_id, problem in answers:
            await u.execute(
                queries.ANSWERED,
                practice=u.practice_id,
                test=test_id,
                state="failed" if problem else "accepted",
                reason=problem,
                now=u.now,
            )
        kept = {row.test_id: row for row in await tests(u, campaign_id)}
    return [kept[test_id] for test_id, _ in answers]


async def tests(u: Unit, campaign_id: UUID) -> list[TriedOut]:
    """The latest fifty test messages of a campaign, newest first."""
    u.actor.require("read")
    rows = await u.execute(queries.KEPT, practice=u.practice_id, campaign=campaign_id)
    return [TriedOut.model_validate(dict(row)) for row in rows.mappings()]


async def ask(u: Unit, campaign_id: UUID, wanted: TryOut) -> list[SendTest]:
    """Check everything and put it on record; returns what the Hub is to be handed."""
    u.actor.require("author")
    await u.execute(queries.ONE_AT_A_TIME, practice=u.practice_id)
    variant, words = await _words(u, campaign_id, wanted)
    addresses = await _addresses(u, wanted)
    await _room(u, len(addresses))
    language = wanted.language or ""
    ref = content_ref({wanted.channel: words}, {language: {wanted.channel: words}} if language else None)
    asked = [
        SendTest(
            practice_id=u.practice_id,
            dispatch_id=new_id(),
            campaign_id=campaign_id,
            channel=wanted.channel,
            to=address,
            content_ref=ref,
            content=words.model_dump(),
            language=language,
        )
        for address in addresses
    ]
    for one in asked:
        await u.execute(
            queries.INSERT,
            practice=u.practice_id,
            test=one.dispatch_id,
            campaign=campaign_id,
            step=wanted.step_id,
            variant=variant.key,
            channel=wanted.channel,
            language=language,
            ref=ref,
            sent_to=masked(one.to),
            person=u.actor.person_id or UUID(int=0),
            now=u.now,
        )
    await record(
        u, AuditTag.TEST_SENT, campaign_id=campaign_id, step=wanted.step_id, variant=variant.key, channel=wanted.channel,
        language=language, content_ref=ref, tests=[str(one.dispatch_id) for one in asked],
    )  # fmt: skip
    return asked


async def _words(u: Unit, campaign_id: UUID, wanted: TryOut) -> tuple[Variant, ChannelContent]:
    journey = await resolve(u, (await campaigns.get(u, campaign_id)).draft)
    step = next((s for s in journey.steps if s.id == wanted.step_id), None)
    if not isinstance(step, Message):
        raise NotFound("This campaign has no such message.")
    variant = next((v for v in step.variants if wanted.variant in ("", v.key)), None)
    if variant is None:
        raise NotFound("This message has no such wording.")
    there = variant.translations.get(wanted.language, {}) if wanted.language else variant.content
    words = there.get(wanted.channel)
    if words is None or not words.body.strip():
        raise Invalid("There are no words to send yet. Write them first.")
    checked_variables(wanted.channel, words)
    return variant, words


async def _addresses(u: Unit, wanted: TryOut) -> list[str]:
    country: str = (await u.execute(queries.COUNTRY, practice=u.practice_id)).scalar_one()
    looked = [address_of(wanted.channel, typed, country) for typed in wanted.addresses if typed.strip()]
    problems = [problem for _, problem in looked if problem]
    if problems or not looked:
        raise Invalid(problems[0] if problems else "Say where the test should go.")
    addresses = list(dict.fromkeys(address for address, _ in looked))
    lower = [address.lower() for address in addresses]
    if (await u.execute(queries.CONTACTS, practice=u.practice_id, addresses=lower)).first() is not None:
        raise Invalid(
            "One of these addresses belongs to somebody in your contacts. Tests ask nobody's consent, so "
            "they go to the team's own addresses only."
        )
    return addresses


async def _room(u: Unit, more: int) -> None:
    who = u.actor.person_id or UUID(int=0)
    row = (await u.execute(queries.LATELY, practice=u.practice_id, person=who, since=u.now - WITHIN)).one()
    if row.person + more > PER_PERSON or row.practice + more > PER_PRACTICE:
        raise TooManyTests(f"That would be more than {PER_PERSON} tests within an hour. Wait a little.")


async def _hand_over(hub: httpx.AsyncClient, token: str, one: SendTest) -> str:
    """What went wrong, in words; empty when the Hub took it."""
    try:
        answer = await hub.post(
            "/test-messages", json=one.model_dump(mode="json"), headers={"Authorization": f"Bearer {token}"}
        )
    except httpx.HTTPError:
        return "The Communication Hub could not be reached."
    return "" if answer.status_code == 202 else "The Communication Hub did not take it."
