"""An active campaign as the database holds it, for tests of the engine alone."""

from dataclasses import dataclass
from uuid import UUID

from services.bootstrap import App
from services.contracts.journey import ChannelContent, Entry, Exit, Journey, Message, Step, Variant
from services.contracts.segment import Audience, Condition
from services.kit.actor import system
from services.kit.ids import new_id
from tests.factories.ids import fixed_id

EVERYONE = Audience(
    kinds=["lead", "patient", "partner"],
    include=[Condition(field="contact.kind", op="in", value=["lead", "patient", "partner"])],
)


@dataclass(frozen=True)
class Launched:
    campaign_id: UUID
    version_id: UUID
    execution_id: UUID


def message(step_id: str, next: str | None, **more) -> Message:
    content = {
        channel: ChannelContent(subject="Hello", body="Hello {{ contact.first_name }}")
        for channel in more.get("channels", ["email"])
    }
    variants = more.pop("variants", None) or [Variant(content=content)]
    return Message(id=step_id, next=next, variants=variants, **{"channels": ["email"], **more})


def journey(*steps: Step, audience: Audience = EVERYONE, **more) -> Journey:
    """Entry → the given steps; the last one named `end` is added when missing."""
    entry = more.pop("entry", None) or Entry(id="entry", next=steps[0].id if steps else "end")
    tail = [] if any(s.id == "end" for s in steps) else [Exit(id="end")]
    return Journey(steps=[entry, *steps, *tail], audience=audience, **more)


async def launch(
    app: App,
    practice_id: UUID,
    definition: Journey,
    *,
    kind: str = "one_off",
    campaign_id: UUID | None = None,
) -> Launched:
    made = Launched(campaign_id or fixed_id(), new_id(), new_id())
    sealed = app.keyring.seal(
        definition.model_dump_json().encode(), place=f"campaign.version:{made.version_id}"
    )
    async with app.uow(system(practice_id, "test")) as u:
        await u.execute(
            "INSERT INTO cm.campaign (practice_id, campaign_id, name, campaign_type, kind, state, objective,"
            " active_version_id, draft_hash, created_by, created_at, updated_at, activated_at)"
            " VALUES (:p, :c, :name, :type, :kind, 'active', :objective, :v, 'h', :who, :now, :now, :now)",
            p=practice_id, c=made.campaign_id, name=f"Campaign {made.campaign_id.hex[-6:]}",
            type=definition.campaign_type, kind=kind, objective=definition.goal.objective,
            v=made.version_id, who=new_id(), now=u.now,
        )  # fmt: skip
        await u.execute(
            "INSERT INTO cm.campaign_version (practice_id, version_id, campaign_id, number, content_hash,"
            " definition, editors, created_by, created_at)"
            " VALUES (:p, :v, :c, 1, 'h', :definition, '{}', :who, :now)",
            p=practice_id, v=made.version_id, c=made.campaign_id, definition=sealed, who=new_id(), now=u.now,
        )  # fmt: skip
        if kind not in ("event", "recurring"):
            await u.execute(
                "INSERT INTO cm.execution (practice_id, execution_id, campaign_id, version_id, number, started_at)"
                " VALUES (:p, :x, :c, :v, 1, :now)",
                p=practice_id, x=made.execution_id, c=made.campaign_id, v=made.version_id, now=u.now,
            )  # fmt: skip
    return made
