"""When something is amber or red, and what to do then. Pure; times in seconds, sizes in bytes."""

from datetime import datetime

from services.status.contracts import Check, Light

ROLES: dict[str, tuple[str, str]] = {
    "web": ("Portal and API", "Start it again with `cm up`, or `cm worker web`."),
    "notices": (
        "Notices of events",
        "Until it runs, suppressions wait for the intake. Start `cm worker notices`.",
    ),
    "intake": ("Events in", "Nothing is lost: events wait on the bus. Start `cm worker intake`."),
    "journeys": ("Journeys", "Nobody moves on until it runs. Start `cm worker journeys`."),
    "relay": ("Events out", "Messages wait to be handed to the Hub. Start `cm worker relay`."),
    "hub": ("Communication Hub", "Messages wait and nothing is lost. Start `cm worker hub`."),
    "platform": ("Practice Platform", "Imports and corrections wait. Start `cm worker platform`."),
}
"""What has to be done → its name, and what to do when nobody does it."""
MANY, TOO_MANY = 1_000, 50_000
LATE, TOO_LATE = 60, 600
FULL, TOO_FULL = 0.85, 0.95
UNSEALED = 60
INVARIANTS = 3 * 3600
ORDER: tuple[Light, ...] = ("off", "green", "amber", "red")


def worst(lights: list[Light]) -> Light:
    return max(lights, key=ORDER.index, default="off")


def ago(then: datetime | None, now: datetime) -> str:
    """How long ago, in words."""
    if then is None:
        return "never"
    seconds = max(int((now - then).total_seconds()), 0)
    for size, one, many in ((86_400, "day", "days"), (3_600, "hour", "hours"), (60, "minute", "minutes")):
        if seconds >= size:
            number = seconds // size
            return f"{number} {one if number == 1 else many} ago"
    return "just now"


def process(role: str, instances: int, since: datetime | None, now: datetime) -> Check:
    name, cure = ROLES[role]
    if not instances:
        return Check(role, name, "red", "Gives no sign of life.", cure)
    how = "Running" if instances == 1 else f"{instances} running"
    return Check(role, name, "green", f"{how}; the first started {ago(since, now)}.")


def queue(name: str, key: str, waiting: int, cure: str) -> Check:
    light: Light = "red" if waiting >= TOO_MANY else "amber" if waiting >= MANY else "green"
    said = "Nothing waits." if not waiting else f"{waiting:,} {'waits' if waiting == 1 else 'wait'}."
    return Check(key, name, light, said, cure if light != "green" else "")


def overdue(key: str, name: str, oldest: datetime | None, now: datetime, cure: str) -> Check:
    """Work that should have been done at `oldest`; None: there is none."""
    if oldest is None:
        return Check(key, name, "green", "Nothing is waiting.")
    seconds = (now - oldest).total_seconds()
    light: Light = "red" if seconds >= TOO_LATE else "amber" if seconds >= LATE else "green"
    return Check(
        key, name, light, f"The oldest is from {ago(oldest, now)}.", cure if light != "green" else ""
    )


def disk(used: int, size: int) -> Check:
    share = used / size if size else 0
    light: Light = "red" if share >= TOO_FULL else "amber" if share >= FULL else "green"
    cure = "Make room, or move the data to a larger disk, before the database stops writing."
    return Check(
        "disk",
        "Disk",
        light,
        f"{share:.0%} full, {gigabytes(size - used)} free.",
        cure if light != "green" else "",
    )


def gigabytes(size: float) -> str:
    if size < 1e6:
        return "under 1 MB"
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.0f} MB"
