"""Closed days: public holidays by themselves, the practice's own, and windows that wait for neither (D23, ENG-4)."""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import httpx
import pytest

from services.access import service as access
from services.access.regions import countries, known_region, parts, public_holidays
from services.bootstrap import App
from services.kit.actor import Actor
from services.kit.clock import VirtualClock
from services.kit.errors import Conflict, Forbidden, Invalid, NotFound
from tests.factories.api import sign_in

SPRING = date(2027, 5, 3)  # a Monday: the early May bank holiday in England
WINDOW = "SELECT cm.next_window(:practice, :at, 'Europe/London', '09:00', '17:00', '{1,2,3,4,5}', :skip)"
SUNDAY = datetime(2027, 5, 2, 12, 0, tzinfo=UTC)


def staff(practice: UUID, *may: str) -> Actor:
    return Actor(practice, "test", permissions=frozenset({"read", *may}))


@pytest.mark.covers("ENG-4", "LIF-11")
async def test_public_holidays_come_by_themselves_and_windows_wait(
    app: App, practice: UUID, clock: VirtualClock
):
    async with app.uow(staff(practice)) as u:
        assert await access.keep_holidays(u) > 20
        assert await access.keep_holidays(u) == 0
        assert {one.source for one in await access.closed_days(u)} == {"public"}
        asked = {"practice": practice, "at": SUNDAY}
        opens = (await u.execute(WINDOW, **asked, skip=True)).scalar_one()
        assert opens.date() == SPRING + timedelta(days=1)
        assert (await u.execute(WINDOW, **asked, skip=False)).scalar_one().date() == SPRING
    async with app.uow(staff(practice, "manage")) as u:
        await access.work_on(u, SPRING, True)
        assert (await u.execute(WINDOW, **asked, skip=True)).scalar_one().date() == SPRING
        await access.close_days(u, first=SPRING, last=SPRING + timedelta(days=2), label="Refit")
        assert (await u.execute(WINDOW, **asked, skip=True)).scalar_one().date() == SPRING + timedelta(days=3)
        assert await access.reopen_day(u, SPRING + timedelta(days=1)) == "Refit"
        for wrong, why in (((SPRING, SPRING - timedelta(days=1)), "before"), ((clock.now().date() - timedelta(days=1),) * 2, "over"),
                           ((SPRING, SPRING + timedelta(days=90)), "at most")):  # fmt: skip
            with pytest.raises(Invalid, match=why):
                await access.close_days(u, first=wrong[0], last=wrong[1], label="")
        with pytest.raises(Conflict):  # a public holiday
            await access.reopen_day(u, SPRING)
        with pytest.raises(NotFound):
            await access.reopen_day(u, SPRING + timedelta(days=7))
    for deed in (access.work_on(u, SPRING, False), access.reopen_day(u, SPRING)):
        u.actor = staff(practice)
        with pytest.raises(Forbidden):
            await deed


@pytest.mark.covers("ENG-4")
async def test_another_region_has_other_holidays_and_the_practices_own_days_stay(app: App, practice: UUID):
    async with app.uow(staff(practice, "administer", "manage")) as u:
        await access.keep_holidays(u)
        await access.close_days(u, first=date(2026, 11, 30), last=date(2026, 11, 30), label="Training")
        old = await access.practice_settings(u)
        await access.save_settings(u, old.model_copy(update={"holidays_of": "GB-SCT"}))
        labels = {one.day: one.label for one in await access.closed_days(u)}
        assert labels[date(2026, 11, 30)] == "Training"  # Saint Andrew's Day as well
        assert date(2027, 1, 4) in labels  # the second of January, in Scotland
        new = await access.practice_settings(u)
        await access.save_settings(u, new.model_copy(update={"holidays_of": ""}))
        assert [one.source for one in await access.closed_days(u)] == ["own"]


def test_regions_are_known_by_their_codes():
    assert known_region(" gb-eng ") == "GB-ENG"
    assert known_region("") == ""
    for wrong in ("XX", "GB-XX", "england"):
        with pytest.raises(ValueError, match="not known"):
            known_region(wrong)
    assert ("GB", "United Kingdom") in countries()
    assert ("SCT", "Scotland") in parts("GB")
    assert public_holidays("DE-BY", range(2027, 2028))[date(2027, 10, 3)] == "German Unity Day"
    assert public_holidays("", range(2027, 2028)) == {}


@pytest.mark.covers("SRF-3", "LIF-11")
async def test_closed_days_are_read_kept_and_taken_back_over_the_api(
    app: App, practice: UUID, client: httpx.AsyncClient, cast
):
    async with app.uow(staff(practice)) as u:
        await access.keep_holidays(u)
    at, anyhow = "/api/v1/closed-days", {"if-match": "*"}
    await sign_in(client, cast["analyst"])
    first = (await client.get(at, params={"limit": 2})).json()
    again = (await client.get(at, params={"limit": 2, "cursor": first["next"]})).json()
    assert [one["source"] for one in first["rows"] + again["rows"]] == ["public"] * 4
    assert first["rows"][1]["day"] < again["rows"][0]["day"]
    assert (await client.put(f"{at}/2026-12-30", json={}, headers=anyhow)).json()["code"] == "forbidden"

    await sign_in(client, cast["marketer"])
    assert (await client.get(f"{at}/2026-12-30")).status_code == 404
    assert (await client.put(f"{at}/2026-12-30", json={})).json()["code"] == "if_match_missing"
    made = await client.put(f"{at}/2026-12-30", json={"label": "Refit"}, headers=anyhow)
    assert made.json() == {"day": "2026-12-30", "label": "Refit", "source": "own", "working": False}
    read = await client.get(f"{at}/2026-12-30")
    tag = {"if-match": read.headers["etag"]}
    assert (
        await client.get(f"{at}/2026-12-30", headers={"if-none-match": tag["if-match"]})
    ).status_code == 304
    renamed = await client.put(f"{at}/2026-12-30", json={"label": "Team day"}, headers=tag)
    assert renamed.json()["label"] == "Team day"
    assert (await client.put(f"{at}/2026-12-30", json={}, headers=tag)).json()["code"] == "stale"
    assert (await client.put(f"{at}/2026-12-30", json={}, headers=anyhow)).json()["label"] == "Team day"
    assert (await client.delete(f"{at}/2026-12-30", headers=tag)).json()["code"] == "stale"
    assert (await client.delete(f"{at}/2026-12-30")).status_code == 204
    assert (await client.delete(f"{at}/2026-12-30")).status_code == 404

    christmas = f"{at}/2026-12-25"
    opened = await client.put(christmas, json={"working": True}, headers=anyhow)
    assert (opened.json()["working"], opened.json()["source"]) == (True, "public")
    assert (await client.delete(christmas)).json()["code"] == "conflict"
    for day, body in (
        ("2026-12-25", {"label": "Ours"}),
        ("2026-12-30", {"working": True}),
        ("2026-05-31", {}),
        ("2026-13-01", {}),
        ("2026-12-30", {"label": "x" * 121}),
    ):
        answer = await client.put(f"{at}/{day}", json=body, headers=anyhow)
        assert (answer.status_code, answer.json()["code"]) == (422, "invalid"), day
    async with app.uow(access.operator(practice)) as u:
        rows = await u.execute(
            "SELECT detail FROM cm.audit WHERE tag = 'settings.changed' AND actor LIKE 'person:%'"
        )
        assert len(rows.all()) == 4
