"""A world that tests drive: the engine, the intake and the clock, without a second process."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from services.bootstrap import App
from services.contracts.envelope import envelope
from services.contracts.events import source_of
from services.engine.service import Engine, Round
from services.intake.consumer import Intake
from services.kit.actor import system
from services.kit.clock import VirtualClock
from services.kit.ids import new_id


@dataclass
class World:
    app: App
    clock: VirtualClock
    practice_id: UUID
    engine: Engine
    intake: Intake

    async def run(self) -> Round:
        """Everything that is due now."""
        return await self.engine.drain(self.practice_id)

    async def advance(self, **delta: float) -> Round:
        self.clock.advance(**delta)
        return await self.run()

    async def event(self, type: str, data: dict[str, Any], *, id: str | None = None, **more: Any) -> None:
        """Publish an event as its source would, and take it in."""
        await self.publish(type, data, id=id, **more)
        await self.intake.drain()

    async def publish(self, type: str, data: dict[str, Any], *, id: str | None = None, **more: Any) -> None:
        """As its source would; nobody has read it yet."""
        values = {
            "practice_id": str(self.practice_id),
            **{k: str(v) if isinstance(v, UUID) else v for k, v in data.items()},
        }
        body = envelope(
            id=id or new_id(), source=more.pop("source", source_of(type)), type=type,
            time=more.pop("time", self.clock.now()),
            practice_id=more.pop("practice_id", self.practice_id), data=values, **more,
        )  # fmt: skip
        await self.app.bus.publish(source_of(type), [body])

    async def rows(self, sql: str, **values: Any) -> list[Any]:
        async with self.app.uow(system(self.practice_id, "test")) as u:
            return list((await u.execute(sql, practice=self.practice_id, **values)).all())

    async def one(self, sql: str, **values: Any) -> Any:
        (row,) = await self.rows(sql, **values)
        return row[0]
