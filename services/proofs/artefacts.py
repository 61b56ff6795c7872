"""What a proof run leaves behind: CSV files, a summary for people, and a manifest that seals them.

People appear as contact references only. The words are the unrendered ones behind each reference;
no file holds a name or an address.
"""

import csv
import hashlib
import io
from collections.abc import Sequence
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

import orjson

from services.content.rules import content_ref
from services.contracts.journey import Journey, Message
from services.contracts.step_names import step_name
from services.gates.reasons import sentence
from services.kit.crypto import Keyring
from services.kit.uow import Unit
from services.proofs.contracts import Proof
from services.proofs.run import Ran

PAGE = 20_000
MESSAGES = """
SELECT d.dispatch_id, d.contact_id, d.requested_at, d.step_id, d.channels, d.variant, d.topic, d.content_ref,
  d.enrolment_id || '/' || d.move_no AS idempotency_key
FROM cm.dispatch d WHERE d.practice_id = :practice AND d.version_id = :version AND d.dispatch_id > :after
ORDER BY d.dispatch_id LIMIT :page
"""
REFUSALS = """
SELECT r.refusal_id, r.contact_id, r.at, r.step_id, r.reason, coalesce(r.inputs ->> 'channels', '') AS channels,
  coalesce(r.inputs ->> 'effect', 'not entered') AS effect
FROM cm.refusal r WHERE r.practice_id = :practice AND r.version_id = :version AND r.refusal_id > :after
ORDER BY r.refusal_id LIMIT :page
"""
TOTALS = """
SELECT (SELECT count(*) FROM cm.enrolment WHERE practice_id = :practice AND version_id = :version) AS entered,
  count(*) AS messages, count(DISTINCT contact_id) AS people FROM cm.dispatch
WHERE practice_id = :practice AND version_id = :version
"""
BY_STEP = """
SELECT step_id, variant, channels[1] AS first_channel, content_ref, count(*) AS messages FROM cm.dispatch
WHERE practice_id = :practice AND version_id = :version GROUP BY 1, 2, 3, 4 ORDER BY min(requested_at), 1, 2, 3
"""
BY_REASON = """
SELECT step_id, reason, count(*) AS people FROM cm.refusal WHERE practice_id = :practice AND version_id = :version
GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2
"""
BY_DAY = """
SELECT (requested_at AT TIME ZONE :zone)::date AS day, count(*) AS messages FROM cm.dispatch
WHERE practice_id = :practice AND version_id = :version GROUP BY 1 ORDER BY 1
"""
AUDIT = "SELECT tag, count(*) AS rows FROM cm.audit WHERE practice_id = :practice GROUP BY 1 ORDER BY 1"
LEFT = """
SELECT state, coalesce(exit_reason, held_reason, '') AS why, count(*) AS people FROM cm.enrolment
WHERE practice_id = :practice AND version_id = :version GROUP BY 1, 2 ORDER BY 3 DESC, 1, 2
"""
# For whoever wants to see for themselves that nothing of the run is in the real tables.
PROOF_SQL = """-- Every count is 0: nothing of this proof run is in the product's own tables.
SELECT 'dispatch' AS kept_in, count(*) FROM cm.dispatch WHERE version_id = '{version}'
UNION ALL SELECT 'refusal', count(*) FROM cm.refusal WHERE version_id = '{version}'
UNION ALL SELECT 'enrolment', count(*) FROM cm.enrolment WHERE version_id = '{version}'
UNION ALL SELECT 'metric', count(*) FROM cm.metric WHERE version_id = '{version}'
UNION ALL SELECT 'outbox', count(*) FROM cm.outbox WHERE data ->> 'version_id' = '{version}';
"""


async def artefacts(u: Unit, ran: Ran, *, proof_id: UUID, name: str, zone: str, keyring: Keyring) -> Proof:
    """Read the shadow (`u` is one of its units) into files by name."""
    summary = await _summary(u, ran, proof_id, name, zone)
    files = {
        "messages.csv": await _messages(u, ran, zone),
        "refused.csv": await _refused(u, ran),
        "words.csv": _words(ran.journey),
        "summary.json": orjson.dumps(summary, option=orjson.OPT_INDENT_2),
        "summary.md": _markdown(summary).encode(),
        "proof.sql": PROOF_SQL.format(version=ran.version_id).encode(),
    }
    manifest = _manifest(summary, files, keyring)
    files["manifest.json"] = manifest
    return Proof(summary, files, hashlib.sha256(manifest).hexdigest())


def _manifest(summary: dict[str, Any], files: dict[str, bytes], keyring: Keyring) -> bytes:
    """Names, sizes and hashes, sealed with the practice's key: a changed file or list shows."""
    listed = {
        "proof_id": summary["proof_id"],
        "campaign_id": summary["campaign_id"],
        "content_hash": summary["content_hash"],
        "nothing_was_sent": True,
        "files": [
            {"name": name, "bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()}
            for name, body in sorted(files.items())
        ],
    }
    seal = keyring.sign("proof", orjson.dumps(listed, option=orjson.OPT_SORT_KEYS))
    return orjson.dumps(listed | {"seal": seal}, option=orjson.OPT_INDENT_2)


def verify_manifest(files: dict[str, bytes], keyring: Keyring) -> list[str]:
    """What does not hold, in sentences; none: every file is as it was sealed."""
    listed = orjson.loads(files["manifest.json"])
    seal = listed.pop("seal", "")
    wrong = []
    if seal != keyring.sign("proof", orjson.dumps(listed, option=orjson.OPT_SORT_KEYS)):
        wrong.append("The manifest's seal does not fit what it says.")
    for entry in listed["files"]:
        body = files.get(entry["name"])
        if body is None:
            wrong.append(f"{entry['name']} is missing.")
        elif hashlib.sha256(body).hexdigest() != entry["sha256"]:
            wrong.append(f"{entry['name']} was changed.")
    return wrong


async def _messages(u: Unit, ran: Ran, zone: str) -> bytes:
    local = ZoneInfo(zone)
    titles = _titles(ran.journey)
    rows = []
    async for row in _pages(u, ran, MESSAGES, "dispatch_id"):
        ref, channel = row.content_ref, row.channels[0]
        rows.append((
            row.contact_id, row.requested_at.isoformat(), row.requested_at.astimezone(local).strftime("%Y-%m-%d %H:%M"),
            row.step_id, titles.get(row.step_id, ""), " ".join(row.channels), row.variant, row.topic, ref,
            f"{ref}#{channel}.subject", f"{ref}#{channel}.body", row.idempotency_key,
        ))  # fmt: skip
    head = (
        "contact_id", "at", "at_practice_time", "step_id", "step", "channels", "variant", "topic", "content_ref",
        "subject_ref", "body_ref", "idempotency_key",
    )  # fmt: skip
    return _csv(head, rows)


async def _refused(u: Unit, ran: Ran) -> bytes:
    titles = _titles(ran.journey)
    rows = [
        (
            row.contact_id, row.at.isoformat(), row.step_id, titles.get(row.step_id, ""), row.reason,
            sentence(row.reason), row.channels, row.effect,
        )
        async for row in _pages(u, ran, REFUSALS, "refusal_id")
    ]  # fmt: skip
    head = ("contact_id", "at", "step_id", "step", "reason", "sentence", "channels", "effect")
    return _csv(head, rows)


def _words(journey: Journey) -> bytes:
    """What each reference says, as it was written."""
    rows: dict[tuple[str, str, str], tuple[str, ...]] = {}
    for step in journey.steps:
        for variant in step.variants if isinstance(step, Message) else ():
            ref = content_ref(variant.content, variant.translations)
            for language, content in {"": variant.content, **variant.translations}.items():
                for channel, text in content.items():
                    rows[ref, channel, language] = (
                        ref,
                        channel,
                        language,
                        text.subject,
                        text.preheader,
                        text.body,
                    )
    return _csv(("content_ref", "channel", "language", "subject", "preheader", "body"), list(rows.values()))


async def _pages(u: Unit, ran: Ran, sql: str, key: str) -> Any:
    after = UUID(int=0)
    while True:
        found = await u.execute(sql, practice=u.practice_id, version=ran.version_id, after=after, page=PAGE)
        rows = found.all()
        for row in rows:
            yield row
        if len(rows) < PAGE:
            return
        after = getattr(rows[-1], key)


async def _summary(u: Unit, ran: Ran, proof_id: UUID, name: str, zone: str) -> dict[str, Any]:
    who = {"practice": u.practice_id, "version": ran.version_id}
    totals = (await u.execute(TOTALS, **who)).mappings().one()
    titles = _titles(ran.journey)

    async def rows(sql: str, **more: Any) -> list[dict[str, Any]]:
        return [dict(row) for row in (await u.execute(sql, **more)).mappings()]

    def titled(found: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [{**row, "step": titles.get(row["step_id"], row["step_id"])} for row in found]

    reasons = titled(await rows(BY_REASON, **who))
    value = {
        "proof_id": proof_id,
        "campaign_id": ran.campaign_id,
        "campaign": name,
        "content_hash": ran.content_hash,
        "started_at": ran.started_at,
        "ended_at": ran.ended_at,
        "zone": zone,
        "exact_to_minutes": max(1, round(ran.coarse.total_seconds() / 60)),
        **totals,
        "refusals": sum(row["people"] for row in reasons),
        "by_step": titled(await rows(BY_STEP, **who)),
        "refused": [{**row, "sentence": sentence(row["reason"])} for row in reasons],
        "by_day": await rows(BY_DAY, **who, zone=zone),
        "ended": await rows(LEFT, **who),
        "audit_rows": await rows(AUDIT, practice=u.practice_id),
    }
    plain: dict[str, Any] = orjson.loads(orjson.dumps(value))
    return plain


def _markdown(summary: dict[str, Any]) -> str:
    """The summary as a page to read and to pass on."""
    lines = [
        f"# Proof run: {summary['campaign']}",
        "",
        "Nothing was sent. Every step, every rule and the audit ran as they would, to the point where the",
        "Hub would take over; nobody's limits, figures or history changed.",
        "",
        f"- People who would enter: {summary['entered']:,}",
        f"- Messages: {summary['messages']:,}, to {summary['people']:,} people",
        f"- Refusals: {summary['refusals']:,}",
        f"- From {summary['started_at']} to {summary['ended_at']} (times to within {summary['exact_to_minutes']} min)",
        f"- Fingerprint of the journey: `{summary['content_hash']}`",
        f"- Proof: `{summary['proof_id']}`",
        "",
        "Supposed: the campaign begins now, everyone in the audience enters at once, nobody clicks, answers or books, and nobody's",
        "consent changes. Quiet hours are the Hub's: a message may wait for the morning. People handed to",
        "another campaign are not followed there.",
    ]
    lines += _table("Messages", ("step", "variant", "first_channel", "messages"), summary["by_step"])
    lines += _table("Not sent, and why", ("step", "reason", "sentence", "people"), summary["refused"])
    lines += _table(f"By day ({summary['zone']})", ("day", "messages"), summary["by_day"])
    lines += _table("Where people ended", ("state", "why", "people"), summary["ended"])
    lines += _table("Audit rows that would be written", ("tag", "rows"), summary["audit_rows"])
    return "\n".join(lines) + "\n"


def _table(name: str, columns: Sequence[str], rows: list[dict[str, Any]]) -> list[str]:
    if not rows:
        return ["", f"## {name}", "", "None."]
    cells = [[str(row[c]).replace("|", "\\|") for c in columns] for row in rows]
    head = [c.replace("_", " ") for c in columns]
    body = [f"| {' | '.join(line)} |" for line in [head, ["---"] * len(columns), *cells]]
    return ["", f"## {name}", "", *body]


def _titles(journey: Journey) -> dict[str, str]:
    return {step.id: step_name(step) for step in journey.steps}


def _csv(head: Sequence[str], rows: Sequence[Sequence[Any]]) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(head)
    writer.writerows([_cell(value) for value in row] for row in rows)
    return out.getvalue().encode()


def _cell(value: Any) -> str:
    """A spreadsheet takes what begins like a formula for one."""
    text = str(value)
    return f"'{text}" if text[:1] in ("=", "+", "-", "@", "\t", "\r") else text
