"""How often somebody may ask (SRF-3): counted in Redis, so every web process sees the same count.

A sliding window of a minute a caller and one a practice. When Redis does not answer, requests pass:
the limit keeps one client from crowding the others out and guards nothing, and the database is asked for
rights all the same.
"""

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import structlog
from limits import RateLimitItemPerSecond
from limits.aio.storage import RedisStorage
from limits.aio.strategies import SlidingWindowCounterRateLimiter
from redis.exceptions import RedisError

from services.kit.bus import Bus
from services.kit.clock import SystemClock
from services.kit.errors import AppError

log = structlog.get_logger("rates")
WINDOW = 60
"""Seconds."""
REST = 5.0
"""So many seconds Redis is not asked again after it did not answer."""


class TooMany(AppError):
    """More requests than the policy allows; the sentence says when to come back."""

    code = "too_many_requests"
    status = 429


@dataclass(frozen=True, slots=True)
class Policy:
    """`name` of a limit and how many requests it lets through a minute."""

    name: str
    allowed: int

    @property
    def words(self) -> str:
        return f'"{self.name}";q={self.allowed};w={WINDOW}'


@dataclass(frozen=True, slots=True)
class Standing:
    """How much is left under one policy, and in how many seconds more comes."""

    policy: Policy
    left: int
    seconds: int

    @property
    def words(self) -> str:
        return f'"{self.policy.name}";r={self.left};t={self.seconds}'


@dataclass
class Rates:
    """`take` one request from every policy it falls under."""

    bus: Bus
    _limiter: SlidingWindowCounterRateLimiter | None = None
    _rest_until: float = field(default=0.0)

    async def take(self, wanted: Sequence[tuple[Policy, str]]) -> list[Standing]:
        """Count one request under each (policy, whose). Raises TooMany at the first that is used up;
        `standing` in its details says how it stands. Without Redis: an empty list."""
        if asyncio.get_running_loop().time() < self._rest_until:
            return []
        try:
            return [await self._one(policy, whose) for policy, whose in wanted]
        except (RedisError, OSError) as error:
            self._rest_until = asyncio.get_running_loop().time() + REST
            log.warning("rates.unknown", error=type(error).__name__)
            return []

    async def _one(self, policy: Policy, whose: str) -> Standing:
        limiter = self._limiter or self._connect()
        item = RateLimitItemPerSecond(policy.allowed, WINDOW, namespace="cm:rate")
        passed = await limiter.hit(item, policy.name, whose)
        window = await limiter.get_window_stats(item, policy.name, whose)
        ahead = window.reset_time - SystemClock().now().timestamp()  # real seconds, as Redis counts them
        seconds = min(WINDOW, max(1, math.ceil(ahead)))
        standing = Standing(policy, max(0, window.remaining), seconds)
        if not passed:
            raise TooMany(
                f"Too many requests: {policy.allowed} a minute are let through. Wait {seconds} seconds.",
                standing=standing,
            )
        return standing

    def _connect(self) -> SlidingWindowCounterRateLimiter:
        pool = self.bus.redis.connection_pool
        storage = RedisStorage("async+redis://", implementation="redispy", connection_pool=pool)  # type: ignore[arg-type]
        self._limiter = SlidingWindowCounterRateLimiter(storage)
        return self._limiter
