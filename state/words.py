"""Numbers, times and codes as people read them. Times are shown in the practice's zone (D23)."""

from datetime import datetime
from typing import Literal
from zoneinfo import ZoneInfo

Tone = Literal["neutral", "accent", "ok", "warn", "danger", "info"]

STATES: dict[str, tuple[str, Tone]] = {
    "draft": ("Draft", "neutral"),
    "scheduled": ("Scheduled", "info"),
    "active": ("Active", "ok"),
    "paused": ("Paused", "warn"),
    "completed": ("Completed", "accent"),
    "cancelled": ("Cancelled", "danger"),
}
KINDS = {
    "one_off": "One-off",
    "scheduled": "Scheduled",
    "recurring": "Recurring",
    "event": "On an event",
    "dynamic": "Dynamic",
    "transactional": "Transactional",
}
CHANNELS = {"in_app": "In-app", "email": "Email", "sms": "SMS", "whatsapp": "WhatsApp"}
ROLES = {
    "marketer": "Marketer",
    "approver": "Approver",
    "front_desk": "Front desk",
    "analyst": "Analyst",
    "administrator": "Administrator",
    "compliance": "Compliance",
}


def plain(code: str) -> str:
    """A code such as `keep_informed` or `appointment.booked` as words: `Keep informed`."""
    return code.replace("_", " ").replace(".", " ").strip().capitalize()


def count(number: int | float | None) -> str:
    """`12,345`; an en dash where nothing was measured."""
    return "–" if number is None else f"{number:,.0f}"


def share(part: int | None, whole: int | None) -> str:
    """`42 %`, or an en dash when there is no whole to speak of."""
    return f"{100 * (part or 0) / whole:.0f} %" if whole else "–"


def plural(number: int, one: str, many: str = "") -> str:
    """`1 person`, `2 people`."""
    return f"{count(number)} {one if number == 1 else many or one + 's'}"


def day(at: datetime | None, zone: str) -> str:
    """`3 Jun 2026`."""
    if at is None:
        return "–"
    local = at.astimezone(ZoneInfo(zone))
    return f"{local.day} {local:%b %Y}"


def moment(at: datetime | None, zone: str) -> str:
    """`3 Jun 2026, 14:05`."""
    return "–" if at is None else f"{day(at, zone)}, {at.astimezone(ZoneInfo(zone)):%H:%M}"


def ago(at: datetime | None, now: datetime) -> str:
    """`just now`, `5 min ago`, `3 h ago`, `2 days ago`."""
    if at is None:
        return "never"
    seconds = max(0, int((now - at).total_seconds()))
    if seconds < 60:
        return "just now"
    if seconds < 3600:
        return f"{seconds // 60} min ago"
    if seconds < 86_400:
        return f"{seconds // 3600} h ago"
    return plural(seconds // 86_400, "day") + " ago"


def duration(seconds: float) -> str:
    """`40 ms`, `2.5 s`, `12 min`, `3 h`, `4 days`."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 60:
        return f"{seconds:.1f} s"
    if seconds < 3600:
        return f"{seconds // 60:.0f} min"
    return f"{seconds // 3600:.0f} h" if seconds < 86_400 else plural(int(seconds // 86_400), "day")


def initials(name: str) -> str:
    """At most two letters for a round portrait."""
    parts = [part for part in name.split() if part]
    return "".join(part[0] for part in (parts[:1] + parts[1:][-1:])).upper() or "?"


def unfinished(rules: int, *, nobody: bool) -> str:
    """What a count says about rules that somebody is still writing; empty when there are none."""
    if not rules:
        return ""
    if nobody:
        return "Waiting: finish a rule to see who is in."
    return f"Counted without {plural(rules, 'unfinished rule')}."
