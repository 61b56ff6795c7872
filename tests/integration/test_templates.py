"""The template registry and its languages: on a real database, and to the recipient."""

from uuid import UUID

import pytest

from services.bootstrap import App
from services.campaigns import service as campaigns
from services.content import service as content
from services.content.errors import NameTaken
from services.content.rules import content_ref
from services.contracts.journey import ChannelContent, Journey, Message, Variant
from services.kit.clock import VirtualClock
from services.kit.errors import Forbidden, Invalid, NotFound, StaleWrite
from services.kit.ids import new_id
from tests.factories.hub import Recorder, hub_world
from tests.factories.journeys import email, journey, person
from tests.factories.practice import make_contact

ENGLISH = ChannelContent(body="Hello {{ contact.first_name }}. Reply STOP to opt out.")
WELSH = ChannelContent(body="Helo {{ contact.first_name }}. Atebwch STOP i beidio.")
POLISH = ChannelContent(
    body="Witaj, {{ contact.first_name|default('Pacjencie') }}. Odpowiedz STOP, aby zrezygnować."
)


@pytest.mark.covers("CNT-1")
async def test_every_save_is_a_version_and_any_can_come_back(app: App, practice: UUID):
    async with app.uow(person(practice)) as u:
        made = await content.create_template(
            u, name="Text", channel="sms", content=ENGLISH, translations={"cy": WELSH}
        )
        newer = ChannelContent(body="Newer {{ practice.booking_url|default('x') }}")
        changed = await content.update_template(u, made.template_id, name="Newer", content=newer, expected=1)
        assert (changed.version, changed.translations, changed.optional_variables) == (
            2,
            {},
            ["practice.booking_url"],
        )
        with pytest.raises(StaleWrite):
            await content.update_template(u, made.template_id, name="Newer", content=newer, expected=1)
        back = await content.restore_template(u, made.template_id, 1)
        assert (back.name, back.version, back.content, back.translations) == (
            "Text",
            3,
            ENGLISH,
            {"cy": WELSH},
        )
        kept = await content.template_versions(u, made.template_id)
        assert [(v.version, v.name, v.restored) for v in kept] == [
            (3, "Text", 1),
            (2, "Newer", None),
            (1, "Text", None),
        ]
        with pytest.raises(NotFound):
            await content.restore_template(u, made.template_id, 9)
        bad = {"pl": ChannelContent(body="Witaj [IMIĘ]"), "cy": ChannelContent(body="\n\nTODO")}
        with pytest.raises(Invalid) as refused:
            await content.update_template(u, made.template_id, name="Text", content=ENGLISH, translations=bad)
        assert [(p["locale"], p["code"], p["line"]) for p in refused.value.problems] == [
            ("pl", "placeholder", 1),
            ("cy", "placeholder", 3),
        ]
    async with app.uow(person(practice, "read")) as u:
        with pytest.raises(Forbidden):
            await content.restore_template(u, made.template_id, 1)


@pytest.mark.covers("CNT-1")
async def test_a_name_is_unique_in_its_scope_and_uses_are_found(app: App, practice: UUID):
    async with app.uow(person(practice)) as u:
        made = await content.create_template(u, name="Hello", channel="sms", content=ENGLISH)
        value = journey().model_dump(mode="json")
        value["steps"][1] |= {"channels": ["sms"], "variants": [{"template_id": str(made.template_id)}]}
        row = await campaigns.create(u, name="Recall", journey=Journey.model_validate(value))
        own = await content.create_template(
            u, name="hello", channel="sms", content=ENGLISH, campaign_id=row.campaign_id
        )
        with pytest.raises(NameTaken):
            await content.create_template(u, name="HELLO", channel="whatsapp", content=WELSH)
        with pytest.raises(NotFound):
            await content.create_template(u, name="Else", channel="sms", content=WELSH, campaign_id=new_id())
        assert [t.template_id for t in await content.templates(u)] == [made.template_id]
        assert {t.template_id for t in await content.templates(u, campaign_id=row.campaign_id)} == {
            made.template_id,
            own.template_id,
        }
        (use,) = await campaigns.template_uses(u, made.template_id)
        assert (use.campaign_id, use.name, use.steps, use.live) == (
            row.campaign_id,
            "Recall",
            ["Hello"],
            False,
        )
        assert await campaigns.template_uses(u, own.template_id) == []


@pytest.mark.covers("CNT-1", "CNT-6", "LIF-5")
async def test_a_running_campaign_tells_its_templates_version_and_takes_a_newer_one_by_approval(
    app: App, practice: UUID, clock: VirtualClock
):
    author, approver = person(practice), person(practice)
    own = {"content": {"sms": {"body": "Words of our own. STOP"}}}

    async def approved(campaign_id: UUID) -> None:
        async with app.uow(author) as u:
            asked = await campaigns.request_approval(u, campaign_id)
        async with app.uow(approver) as u:
            await campaigns.approve(u, asked.approval_id)

    async def told(campaign_id: UUID) -> tuple[list[tuple[str, int, int, int]], int | None]:
        async with app.uow(person(practice, "read")) as u:
            running = await campaigns.running_words(u, campaign_id)
            (use,) = await campaigns.template_uses(u, template_id)
        assert {one.name for one in running} <= {"Text"}
        return [(one.step_id, one.variant, one.version, one.newest) for one in running], use.version

    async def written(body: str, translations: dict[str, ChannelContent]) -> None:
        clock.advance(minutes=5)
        async with app.uow(author) as u:
            await content.update_template(
                u, template_id, name="Text", content=ChannelContent(body=body), translations=translations
            )

    async with app.uow(author) as u:
        made = await content.create_template(u, name="Text", channel="sms", content=ENGLISH)
        template_id = made.template_id
        named = {"template_id": str(template_id)}
        value = journey().model_dump(mode="json")
        both = [{"key": "a", "percent": 50, **named}, {"key": "b", "percent": 50, **named, **own}]
        value["steps"][1] |= {"channels": ["sms"], "variants": both}
        row = await campaigns.create(u, name="Recall", journey=Journey.model_validate(value))
    assert await told(row.campaign_id) == ([], None)  # nothing runs
    await written("Second. STOP", {"cy": WELSH})
    await approved(row.campaign_id)
    assert await told(row.campaign_id) == ([("hello", 0, 2, 2)], 2)  # the other wording has its own words
    await written("Second. STOP", {"cy": WELSH, "pl": POLISH})  # one more language is a newer version
    await written("Third. STOP", {})
    assert await told(row.campaign_id) == ([("hello", 0, 2, 4)], 2)
    async with app.uow(author) as u:
        await campaigns.pause(u, row.campaign_id, reason="Newer words")
    await approved(row.campaign_id)
    assert await told(row.campaign_id) == ([("hello", 0, 4, 4)], 4)
    async with app.uow(person(practice, "read")) as u:
        with pytest.raises(NotFound):
            await campaigns.running_words(u, new_id())


@pytest.mark.covers("CNT-1", "CNT-7")
async def test_a_templates_languages_are_frozen_into_what_is_approved(app: App, practice: UUID):
    async with app.uow(person(practice)) as u:
        made = await content.create_template(
            u, name="Text", channel="sms", content=ENGLISH, translations={"cy": WELSH, "pl": POLISH}
        )
        own = ChannelContent(body="Wlasne slowa. STOP")
        value = journey().model_dump(mode="json")
        value["steps"][1] |= {
            "channels": ["sms"],
            "variants": [
                {"template_id": str(made.template_id), "translations": {"pl": {"sms": own.model_dump()}}}
            ],
        }
        resolved = await content.resolve(u, Journey.model_validate(value))
        hello = resolved.steps[1]
        assert isinstance(hello, Message)
        assert hello.variants[0].content == {"sms": ENGLISH}
        assert hello.variants[0].translations == {"pl": {"sms": own}, "cy": {"sms": WELSH}}, "own words win"


@pytest.mark.covers("CNT-7", "CNT-6")
async def test_everybody_reads_their_own_language(app: App, practice: UUID, database_url: str, servers):
    out = Recorder()
    adapters = dict.fromkeys(("email", "sms", "whatsapp", "in_app"), out)
    variant = Variant(
        content={"sms": ENGLISH, **Variant.model_validate({"content": email()}).content},
        translations={"cy": {"sms": WELSH}, "pl-PL": {"sms": POLISH}, "fr": {"sms": ChannelContent()}},
    )
    ref = content_ref(variant.content, variant.translations)
    locales = {"Ada": "en-GB", "Nia": "cy-GB", "Ola": "pl", "Zoé": "fr-FR", "Ida": ""}
    async with hub_world(app, practice, database_url, servers.redis_url, adapters=adapters) as world:
        people = {
            make_contact(
                database_url,
                practice,
                app.clock.now(),
                first_name=name,
                locale=locale,
                consent=("sms",),
                phone=f"+4479460000{n:02}",
            ): name
            for n, (name, locale) in enumerate(locales.items())
        }
        words = content.published(practice, ref, variant).model_dump(mode="json")
        asked = [world.request(one, channels=["sms"], content_ref=ref) for one in people]
        await world.hear(world.event("campaign.content.published", words), *asked)
        await world.send()
        said = {people[m.contact_id]: (m.language, m.text.split(".")[0]) for m in out.taken}
        assert said == {
            "Ada": ("", "Hello Ada"), "Nia": ("cy", "Helo Nia"), "Ola": ("pl-PL", "Witaj, Ola"),
            "Zoé": ("", "Hello Zoé"), "Ida": ("", "Hello Ida"),
        }  # fmt: skip
        sent = {data["contact_id"]: data for status, data in await world.reports() if status == "sent"}
        for message in out.taken:
            told = sent[str(message.contact_id)]
            assert (told["language"], told["rendered"]) == (message.language, message.digest)
        assert len({data["rendered"] for data in sent.values()}) == len(people), "each has a seal of its own"
