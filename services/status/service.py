"""One look at everything that must be alive, in words, with what to do (OPS-1, OPS-2)."""

import shutil
from datetime import datetime, timedelta
from importlib.metadata import version

from redis.exceptions import RedisError

from services.bootstrap import App
from services.contracts.events import source_of
from services.kit.actor import Actor
from services.kit.uow import Unit
from services.kit.vitals import Queue, Vital, queues, signs
from services.status import queries, rules
from services.status.contracts import Check, Group, Status

ENGINE = ("notices", "intake", "journeys", "relay")
MODULES = {
    "appointments": "Appointments", "pipeline": "Treatment Pipeline Manager", "consent": "Consent",
    "contacts": "Contacts", "recall": "Recall & Reconnect", "concierge": "AI Concierge", "loyalty": "Loyalty Insights",
    "loyalty_insights": "Loyalty handoffs", "proposals": "Proposals", "careplans": "Care Plan Subscriptions",
    "hub": "Communication Hub", "other": "Others",
}  # fmt: skip


async def status(app: App, actor: Actor) -> Status:
    """How everything is now. Needs `manage`. A database that is away raises; a bus that is away is said."""
    actor.require("manage")
    try:
        vitals, waiting, bus = await signs(app.bus), await queues(app.bus), await _bus(app)
    except (RedisError, OSError, TimeoutError):
        cure = "Events and pages that refresh themselves wait for it. Start it again, then `cm preflight`."
        vitals, waiting, bus = [], [], Check("bus", "Event bus", "red", "Does not answer.", cure)
    async with app.uow(actor) as u:
        groups = (
            Group("Processes", tuple(_processes(app, vitals, u.now))),
            Group("Work that waits", (*_queues(waiting), *await _work(u))),
            Group("Servers and storage", (*await _database(u), bus, _disk(app), BACKUPS)),
            Group("Self-checks", tuple(await _checks(u))),
            Group("Last heard from", tuple(await _sources(u))),
        )
        at = u.now
    light = rules.worst([check.light for group in groups for check in group.checks])
    return Status(at, version("campaign-manager"), light, groups)


BACKUPS = Check(
    "backups", "Backups", "off",
    "Made by whoever runs the servers, not from here.",
    "Back up the database and the files secret.key and data.keys together, and try a restore: without the keys drafts cannot be opened.",
)  # fmt: skip


def _processes(app: App, vitals: list[Vital], now: datetime) -> list[Check]:
    found = []
    for role in rules.ROLES:
        bundled = {"hub": app.settings.hub, "platform": app.settings.platform}.get(role, "bundled")
        if bundled != "bundled":
            found.append(
                Check(role, rules.ROLES[role][0], "off", "Somebody else's; see when it was last heard.")
            )
            continue
        mine = [v for v in vitals if role in _roles(v.process)]
        found.append(rules.process(role, len(mine), min((v.started_at for v in mine), default=None), now))
    return found


def _roles(process: str) -> tuple[str, ...]:
    return ENGINE if process == "engine" else tuple(process.split("-"))


def _queues(waiting: list[Queue]) -> list[Check]:
    ours = sum(q.waiting for q in waiting if q.group == "campaign-manager")
    hub = sum(q.waiting for q in waiting if q.group == "hub")
    return [
        rules.queue(
            "Events to take in", "queue_in", ours, "More workers help: start another `cm worker intake`."
        ),
        rules.queue("Requests for the Hub", "queue_hub", hub, "Look whether the Hub runs, and into its log."),
    ]


async def _work(u: Unit) -> list[Check]:
    who = {"practice": u.practice_id}
    outbox = (await u.execute(queries.OUTBOX, **who)).scalar_one()
    killed = (await u.execute(queries.KILLED, **who)).scalar_one()
    if killed is not None:
        step = Check(
            "due", "Steps that are due", "amber", "All sending is stopped.", "Release it in Settings."
        )
    else:
        due = (await u.execute(queries.OVERDUE, **who, now=u.now)).scalar_one()
        step = rules.overdue(
            "due", "Steps that are due", due, u.now,
            "Look whether Journeys runs above; with many people at once, start another `cm worker journeys`.",
        )  # fmt: skip
    out = rules.overdue("outbox", "Events to send out", outbox, u.now, "Look whether Events out runs above.")
    return [step, out]


async def _database(u: Unit) -> list[Check]:
    row = (await u.execute(queries.DATABASE)).one()
    tables = (await u.execute(queries.TABLES)).all()
    this, last = u.now.strftime("%Y%m"), (u.now.replace(day=1) - timedelta(days=1)).strftime("%Y%m")
    grown = {r.month: r.size for r in await u.execute(queries.GROWTH, this=this, last=last)}
    largest = ", ".join(f"{t.name.replace('_', ' ')} {rules.gigabytes(t.size)}" for t in tables)
    return [
        Check("database", "Database", "green", f"Answers; PostgreSQL {row.version.split()[0]}."),
        Check("storage", "Storage", "green", f"{rules.gigabytes(row.size)} in all. Largest: {largest}."),
        Check(
            "growth", "Growth", "green",
            f"{rules.gigabytes(grown.get(this, 0))} this month, {rules.gigabytes(grown.get(last, 0))} the month before.",
        ),
    ]  # fmt: skip


async def _bus(app: App) -> Check:
    info = await app.bus.redis.info("memory")
    return Check("bus", "Event bus", "green", f"Answers; {rules.gigabytes(info['used_memory'])} in memory.")


def _disk(app: App) -> Check:
    space = shutil.disk_usage(app.settings.home if app.settings.home.exists() else "/")
    return rules.disk(space.total - space.free, space.total)


async def _checks(u: Unit) -> list[Check]:
    who = {"practice": u.practice_id}
    row = (await u.execute(queries.INVARIANTS, **who, since=u.now - timedelta(days=1))).one()
    sealed = (await u.execute(queries.UNSEALED, **who)).scalar_one()
    seal = rules.overdue(
        "seal",
        "Sealing of the audit",
        sealed,
        u.now,
        "Look whether Journeys runs above: it seals every second.",
    )
    if row.broken:
        cure = "Open the audit, choose “invariant broken”, and tell whoever looks after the system before sending on."
        rule = Check(
            "invariants", "Rules that always hold", "red", f"{row.broken} broken in the last day.", cure
        )
    elif row.looked_at is None:
        rule = Check(
            "invariants", "Rules that always hold", "off", "Not looked at yet; that happens every hour."
        )
    else:
        late = (u.now - row.looked_at).total_seconds() > rules.INVARIANTS
        said = f"All held; looked at {rules.ago(row.looked_at, u.now)}."
        cure = "Look whether Journeys runs above: it looks every hour."
        rule = Check(
            "invariants", "Rules that always hold", "amber" if late else "green", said, cure if late else ""
        )
    return [rule, seal]


async def _sources(u: Unit) -> list[Check]:
    last: dict[str, datetime] = {}
    for row in await u.execute(queries.LAST_EVENTS, practice=u.practice_id):
        source = source_of(row.type)
        last[source] = max(last.get(source, row.at), row.at)
    return [
        Check(f"source_{key}", name, "green" if key in last else "off", _heard(last.get(key), u.now))
        for key, name in MODULES.items()
        if key in last or key != "other"
    ]


def _heard(at: datetime | None, now: datetime) -> str:
    return "Nothing yet." if at is None else rules.ago(at, now).capitalize() + "."
