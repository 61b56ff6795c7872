"""Makes the API; `cm_app.cm_app` mounts it on the portal's port."""

from functools import lru_cache, partial

from fastapi import FastAPI, HTTPException
from fastapi.routing import APIRoute

from cm_app.api import (
    administration,
    approvals,
    audit,
    calendar,
    campaigns,
    closed_days,
    drafts,
    enrolments,
    errors,
    events,
    executions,
    followups,
    gallery,
    health,
    imports,
    me,
    metrics,
    oidc,
    people,
    privacy,
    prometheus,
    proofs,
    qa,
    running,
    schemas,
    segments,
    sessions,
    stored,
    suppression,
    suppressions,
    templates,
    test_sends,
    webhooks,
)
from cm_app.api.description import describe
from cm_app.api.routing import Route
from services.bootstrap import App
from services.kit.errors import AppError, NotFound
from services.kit.settings import Settings, settings

PUBLIC = frozenset(
    {
        ("GET", "/healthz"),
        ("GET", "/readyz"),
        ("GET", "/metrics"),
        ("GET", "/api/openapi.json"),
        ("POST", "/api/session"),
        ("GET", "/api/session/oidc"),
        ("GET", "/api/session/oidc/back"),
    }
)
"""The only routes that answer without credentials; `/metrics` then only to this machine."""

METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE"]

ROUTERS = (
    sessions.router,
    oidc.router,
    me.router,
    campaigns.router,
    running.router,
    calendar.router,
    drafts.router,
    stored.router,
    executions.router,
    enrolments.router,
    metrics.router,
    approvals.router,
    templates.router,
    test_sends.router,
    gallery.router,
    segments.router,
    followups.router,
    proofs.router,
    schemas.router,
    events.router,
    people.router,
    privacy.router,
    webhooks.router,
    suppression.router,
    suppressions.router,
    imports.router,
    closed_days.router,
    administration.router,
    audit.router,
    health.router,
    prometheus.router,
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
    made.router.route_class = Route
    for router in ROUTERS:
        assert router.route_class is Route, f"{router.prefix} needs the routes that hold calls to the rules"
        made.include_router(router)
    if config.qa:
        made.include_router(qa.router)
    made.add_api_route("/api/{rest:path}", _nothing, methods=METHODS, include_in_schema=False)
    errors.install(made)
    made.openapi = lru_cache(partial(describe, made, routes_of(config)))  # type: ignore[method-assign]
    return made


def routes_of(config: Settings) -> tuple[APIRoute, ...]:
    """Every route that is described, in the order of the routers."""
    routers = (*ROUTERS, qa.router) if config.qa else ROUTERS
    return tuple(route for router in routers for route in router.routes if isinstance(route, APIRoute))


async def _nothing(rest: str) -> None:
    """Without this an unknown address of the API would be answered with a page of the portal."""
    allowed = sorted(methods_at(f"/api/{rest}"))
    if allowed:
        raise HTTPException(405, headers={"Allow": ", ".join(allowed)})
    raise NotFound(f"The API has nothing at /api/{rest}. Its description is /api/openapi.json.")


def methods_at(path: str) -> set[str]:
    """What an address of the API can be asked for; empty when there is nothing."""
    every = (route for router in ROUTERS for route in router.routes if isinstance(route, APIRoute))
    return {method for route in every if route.path_regex.match(path) for method in route.methods or ()}
