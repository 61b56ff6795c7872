"""Is the process alive, and can it work (OPS-2)."""

import asyncio
from collections.abc import Awaitable

from fastapi import APIRouter, Response
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from cm_app.api.routing import Route
from cm_app.api.security import Running
from services.bootstrap import App

router = APIRouter(tags=["Health"], route_class=Route)
PATIENCE = 2.0
"""Seconds a server may take before it counts as away."""


@router.get("/healthz")
async def healthz() -> dict[str, str]:
    """Say that the process is alive. Asks nothing else."""
    return {"status": "ok"}


@router.get("/readyz")
async def readyz(app: Running, response: Response) -> dict[str, str]:
    """Say whether database and bus answer: 200, else 503 with which of the two does not."""
    database, bus = await asyncio.gather(_answers(_database(app)), _answers(_bus(app)))
    ready = database == bus == "ok"
    response.status_code = 200 if ready else 503
    return {"status": "ok" if ready else "not ready", "database": database, "bus": bus}


async def _answers(question: Awaitable[None]) -> str:
    try:
        await asyncio.wait_for(question, PATIENCE)
    except (SQLAlchemyError, RedisError, OSError, TimeoutError):
        return "does not answer"
    return "ok"


async def _database(app: App) -> None:
    async with app.uow.engine.connect() as connection:
        await connection.execute(text("SELECT cm.practice_ids() LIMIT 1"))


async def _bus(app: App) -> None:
    await app.bus.redis.get("cm:ready")  # any read shows that it answers
