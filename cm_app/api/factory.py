"""Makes the API; `cm_app.cm_app` mounts it on the portal's port."""

from fastapi import FastAPI

from cm_app.api import (
    approvals,
    audit,
    calendar,
    campaigns,
    errors,
    events,
    executions,
    followups,
    health,
    me,
    people,
    proofs,
    qa,
    running,
    schemas,
    segments,
    sessions,
    suppression,
    templates,
    webhooks,
)
from services.bootstrap import App
from services.kit.errors import AppError, NotFound
from services.kit.settings import Settings, settings

PUBLIC = frozenset(
    {("GET", "/healthz"), ("GET", "/readyz"), ("GET", "/api/openapi.json"), ("POST", "/api/session")}
)
"""The only routes that answer without credentials."""

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]

ROUTERS = (
    sessions.router,
    me.router,
    campaigns.router,
    running.router,
    calendar.router,
    executions.router,
    approvals.router,
    templates.router,
    segments.router,
    followups.router,
    proofs.router,
    schemas.router,
    events.router,
    people.router,
    webhooks.router,
    suppression.router,
    audit.router,
    health.router,
)


def api(wired: App | None = None) -> FastAPI:
    """The API of `wired`, or of this process's own app, found at the first request.

    Raises AppError when QA mode is on in production: a movable clock has no place there.
    """
    config: Settings = wired.settings if wired else settings()
    if config.qa and config.environment == "production":
        raise AppError("QA mode cannot run in production. Unset CM_QA and start again.")
    made = FastAPI(
        title="Campaign Manager",
        version="1",
        summary="Campaigns, approvals, events and the audit of one practice.",
        openapi_url="/api/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    made.state.wired = wired
    for router in ROUTERS:
        made.include_router(router)
    if config.qa:
        made.include_router(qa.router)
    made.add_api_route("/api/{rest:path}", _nothing, methods=METHODS, include_in_schema=False)
    errors.install(made)
    return made


async def _nothing(rest: str) -> None:
    """Without this an unknown address of the API would be answered with a page of the portal."""
    raise NotFound(f"The API has nothing at /api/{rest}. Its description is /api/openapi.json.")
