"""Every example of docs/operate/api-vocabulary.md is sent as it stands, with an API key (003)."""

import re
from pathlib import Path

import pytest

from services.access import service as access
from tests.factories.practice import make_contact

PAGE = Path(__file__).parents[2] / "docs/operate/api-vocabulary.md"
EXAMPLE = re.compile(r"```http\n(.*?)\n```\n`(\d+)`", re.S)


@pytest.mark.covers("SRF-3", "EVT-8", "LIF-1")
async def test_the_five_words_of_the_source_work_as_the_page_says(app, practice, client, cast, database_url):
    person = cast["administrator"]
    ada = (await access.sign_in(app, person.login, person.password)).actor
    async with app.uow(ada) as u:
        key = (await access.create_api_key(u, label="CRM", scopes=["read", "manage"])).key
        await u.execute("UPDATE cm.person SET roles = array_append(roles, 'marketer') WHERE login = 'ada'")
        await u.execute("UPDATE cm.api_key SET scopes = array_append(scopes, 'author')")
    client.headers["authorization"] = f"Bearer {key}"
    known = {"contact_id": str(make_contact(database_url, practice, app.clock.now()))}
    examples = EXAMPLE.findall(PAGE.read_text())
    assert len(examples) == PAGE.read_text().count("```http") == 8
    for example, status in examples:
        head, _, body = example.partition("\n\n")
        (method, path), *headers = (line.split(maxsplit=1) for line in head.splitlines())
        for name, value in known.items():
            path, body = path.replace(f"{{{name}}}", value), body.replace(f'"{{{name}}}"', f'"{value}"')
        sent = {name.removesuffix(":"): value for name, value in headers}
        if body:
            sent["content-type"] = "application/json"
        answer = await client.request(method, path, headers=sent, content=body.encode() or None)
        assert answer.status_code == int(status), f"{method} {path}: {answer.text}"
        if path == "/api/v1/campaigns" and method == "POST":
            assert (
                known.setdefault("campaign_id", answer.json()["campaign_id"]) == answer.json()["campaign_id"]
            )
    assert answer.json() == {"sent": 1, "failed": 0, "waiting": 0}
