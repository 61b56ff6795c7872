"""A practice's own settings (000 §17.3)."""

import base64
from uuid import UUID

from services.access.closed_days import fill_holidays
from services.access.contracts import PracticeSettings
from services.access.roles import refuse_unless_mappable
from services.audit.append import record
from services.audit.tags import AuditTag
from services.kit.crypto import Keyring
from services.kit.errors import NotFound, StepUpNeeded
from services.kit.uow import Unit

SENSITIVE = ("single_operator", "emergency_stacks", "long_horizon_types")
"""D10: changing these needs a fresh one-time code."""


async def practice_settings(u: Unit) -> PracticeSettings:
    """The practice's settings; what it never set has the product's default. Read once a transaction.
    Raises NotFound."""
    kept: PracticeSettings | None = u.notes.get("practice_settings")
    if kept is not None:
        return kept
    row = await u.execute(
        "SELECT settings FROM cm.practice WHERE practice_id = :practice", practice=u.practice_id
    )
    stored = row.scalar_one_or_none()
    if stored is None:
        raise NotFound("This practice is not known here.")
    read = u.notes["practice_settings"] = PracticeSettings.model_validate(stored)
    return read


async def save_settings(u: Unit, new: PracticeSettings, *, stepped_up: bool = False) -> None:
    """Replace the settings; the audit keeps which changed, from what, to what.

    Needs `administer`; the sensitive ones also `stepped_up`, for which the caller asked
    `require_fresh` before (raises StepUpNeeded). Raises Forbidden for a group mapped to a role that
    would give whoever maps it more than they hold.
    """
    u.actor.require("administer")
    old = await practice_settings(u)
    new = new.model_copy(update={"cold_threshold_days": old.cold_threshold_days})
    before, after = old.model_dump(mode="json"), new.model_dump(mode="json")
    changed = sorted(name for name in after if before[name] != after[name])
    if not changed:
        return
    if not stepped_up and any(name in SENSITIVE for name in changed):
        raise StepUpNeeded("Changing this needs a fresh code from your authenticator app.")
    await refuse_unless_mappable(u, new.outside, old.outside)
    u.notes.pop("practice_settings", None)
    await u.execute(
        "UPDATE cm.practice SET settings = CAST(:settings AS jsonb) WHERE practice_id = :practice",
        practice=u.practice_id,
        settings=new.model_dump_json(),
    )
    await record(
        u,
        AuditTag.SETTINGS_CHANGED,
        changes={name: {"from": before[name], "to": after[name]} for name in changed},
    )
    if "holidays_of" in changed:
        await fill_holidays(u, new.holidays_of)


async def keep_holidays(u: Unit) -> int:
    """The public holidays ahead, as the practice's region has them; returns how many changed."""
    return await fill_holidays(u, (await practice_settings(u)).holidays_of)


def needs_step_up(old: PracticeSettings, new: PracticeSettings) -> bool:
    """Whether going from `old` to `new` asks for a fresh code; for forms that ask beforehand."""
    return any(getattr(old, name) != getattr(new, name) for name in SENSITIVE)


def webhook_secret(keyring: Keyring, practice_id: UUID) -> str:
    """The secret a neighbour signs its events with (Standard Webhooks form, `whsec_…`)."""
    key = keyring.derive(f"webhook/{practice_id}", 24)
    return "whsec_" + base64.b64encode(key).decode()
