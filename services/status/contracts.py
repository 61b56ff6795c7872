"""What the status page shows: one look at everything that must be alive."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Light = Literal["green", "amber", "red", "off"]
"""`off`: not run here, or nothing to say yet."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at. `said` is how it is, `advice` what to do; empty when it is well."""

    key: str
    name: str
    light: Light
    said: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Group:
    name: str
    checks: tuple[Check, ...]


@dataclass(frozen=True, slots=True)
class Status:
    """Everything at `at` (UTC); `light` is the worst of all."""

    at: datetime
    version: str
    light: Light
    groups: tuple[Group, ...]
