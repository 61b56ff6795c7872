"""Acts of and about people who work here: signing in, roles, keys, settings. Through the API where it has them."""

from services.access import service as access
from services.audit.tags import AuditTag
from tests.factories.acts.stage import Row, Stage, act

ROLE = {"label": "Receptionist", "description": "", "permissions": ["read"]}


@act(AuditTag.SIGNED_IN)
async def signed_in(s: Stage) -> Row:
    s.sessions.pop("analyst", None)
    return Row(actor=await s.signed_in("analyst"))


@act(AuditTag.SIGN_IN_FAILED)
async def sign_in_failed(s: Stage) -> Row:
    who = await s.signed_in("analyst")
    wrong = {"login": s.cast["analyst"].login, "password": "not mine"}
    assert (await s.client.post("/api/session", json=wrong)).status_code == 401
    detail = {"person_id": who.removeprefix("person:"), "failures": 1}
    return Row(actor="access", detail=detail)


@act(AuditTag.SIGNED_OUT)
async def signed_out(s: Stage) -> Row:
    who = await s.signed_in("analyst")
    assert (await s.client.delete("/api/session")).status_code == 204
    del s.sessions["analyst"]
    return Row(actor=who)


@act(AuditTag.STEPPED_UP)
async def stepped_up(s: Stage) -> Row:
    return Row(actor=await s.signed_in("administrator", fresh=True))


@act(AuditTag.ROLE_CHANGED)
async def role_changed(s: Stage) -> Row:
    async with s.world.app.uow(s.author) as u:
        key = await access.add_role(u, **ROLE)  # type: ignore[arg-type]
    return Row(actor=s.author.ref, detail={"role": key, "what": "added", "permissions": ["read"]})


@act(AuditTag.PERSON_CHANGED)
async def person_changed(s: Stage) -> Row:
    async with s.world.app.uow(s.author) as u:
        words = {"login": "nora", "display_name": "Nora", "password": "four grey seals"}
        person_id = await access.add_person(u, **words, roles=["analyst"])
    return Row(
        actor=s.author.ref, detail={"person_id": str(person_id), "what": "added", "roles": ["analyst"]}
    )


@act(AuditTag.API_KEY_CHANGED)
async def api_key_changed(s: Stage) -> Row:
    who = await s.signed_in("administrator")
    body = {"label": "Warehouse", "scopes": ["read"]}
    made = (await s.client.post("/api/v1/api-keys", json=body)).json()
    detail = {"api_key_id": made["api_key_id"], "what": "created", "scopes": ["read"]}
    return Row(actor=who, detail=detail)


@act(AuditTag.SETTINGS_CHANGED)
async def settings_changed(s: Stage) -> Row:
    who = await s.signed_in("administrator")
    answer = await s.client.patch(
        "/api/v1/settings", json={"approval_reminder_hours": 30}, headers={"If-Match": "*"}
    )
    assert answer.status_code == 200, answer.text
    return Row(actor=who, detail={"changes": {"approval_reminder_hours": {"from": 24, "to": 30}}})
