"""People, sessions, step-up, API keys and practice settings: the one door to all of them."""

from uuid import UUID

from services.access.api_keys import actor_of_key, api_keys, create_api_key, revoke_api_key
from services.access.closed_days import (
    ClosedDay,
    close_days,
    closed_day,
    closed_days,
    keep_day,
    reopen_day,
    work_on,
)
from services.access.contracts import (
    ApiKeyRow,
    DemoPerson,
    Me,
    NewApiKey,
    PersonRow,
    PracticeSettings,
    RoleRow,
    SessionRow,
    SignedIn,
    TotpSetup,
)
from services.access.demo import demo_code, demo_people, ensure_demo_people
from services.access.errors import REFUSALS, LockedOut, SignInRefused, WrongCode
from services.access.identities import invite, sign_in_from_outside
from services.access.oidc import Provider, provider
from services.access.people import (
    add_person,
    change_password,
    change_roles,
    names,
    people,
    reset_password,
    set_active,
)
from services.access.practice import (
    keep_holidays,
    needs_step_up,
    practice_settings,
    save_settings,
    webhook_secret,
)
from services.access.regions import countries, parts
from services.access.roles import add_role, change_role, retire_role, roles
from services.access.rules import ROLES, permissions_of
from services.access.sessions import (
    actor_of,
    carry_sessions,
    me,
    own_sessions,
    require_fresh,
    sign_in,
    sign_out,
    sign_out_elsewhere,
)
from services.access.step_up import begin_totp, confirm_totp, step_up
from services.kit.actor import Actor


def operator(practice_id: UUID) -> Actor:
    """Whoever runs commands on the server itself: may read, administer and export, and neither
    writes campaigns nor approves them."""
    return Actor(
        practice_id, "operator", frozenset({"read", "people", "administer", "compliance", "suppress"})
    )


__all__ = [
    "REFUSALS",
    "ROLES",
    "ApiKeyRow",
    "ClosedDay",
    "DemoPerson",
    "LockedOut",
    "Me",
    "NewApiKey",
    "PersonRow",
    "PracticeSettings",
    "Provider",
    "RoleRow",
    "SessionRow",
    "SignInRefused",
    "SignedIn",
    "TotpSetup",
    "WrongCode",
    "actor_of",
    "actor_of_key",
    "add_person",
    "add_role",
    "api_keys",
    "begin_totp",
    "carry_sessions",
    "change_password",
    "change_role",
    "change_roles",
    "close_days",
    "closed_day",
    "closed_days",
    "confirm_totp",
    "countries",
    "create_api_key",
    "demo_code",
    "demo_people",
    "ensure_demo_people",
    "invite",
    "keep_day",
    "keep_holidays",
    "me",
    "names",
    "needs_step_up",
    "operator",
    "own_sessions",
    "parts",
    "people",
    "permissions_of",
    "practice_settings",
    "provider",
    "reopen_day",
    "require_fresh",
    "reset_password",
    "retire_role",
    "revoke_api_key",
    "roles",
    "save_settings",
    "set_active",
    "sign_in",
    "sign_in_from_outside",
    "sign_out",
    "sign_out_elsewhere",
    "step_up",
    "webhook_secret",
    "work_on",
]
