"""Proof runs of the campaign on the canvas: asking for one, watching it, taking its files."""

from dataclasses import dataclass
from typing import Any

import reflex as rx

from services.proofs import service as proofs
from services.proofs.contracts import ProofRow
from state import words
from state.builder import Builder
from state.session import Session, acting, changed, pings

STATES: dict[str, tuple[str, words.Tone]] = {
    "asked": ("Waiting its turn", "neutral"),
    "running": ("Running", "info"),
    "done": ("Done", "ok"),
    "failed": ("Stopped", "danger"),
}


@dataclass(frozen=True)
class Run:
    id: str
    when: str
    state: str
    tone: str
    said: str
    reasons: list[str]
    href: str


class Proofs(rx.State):
    open: bool = False
    runs: list[Run] = []
    busy: bool = False

    @rx.event
    async def show(self, open: bool) -> Any:
        """Opens the dialog and keeps it fresh while a run is under way."""
        self.open = open
        if not open:
            return None
        await self._read()
        return Proofs.follow

    @rx.event
    async def start(self) -> Any:
        """Asks for a run of the draft as it stands."""
        builder = await self.get_state(Builder)
        async with acting(self, "author") as u:
            await proofs.ask(u, builder.key)
        await self._read()
        await changed(self, "proofs")

    @rx.event(background=True, supersedes=True)
    async def follow(self) -> None:
        async for topic in pings(self, "/campaigns"):
            async with self:
                if not self.open:
                    return
                if topic in ("tick", "proofs"):
                    await self._read()

    async def _read(self) -> None:
        builder = await self.get_state(Builder)
        zone = (await self.get_state(Session)).zone
        async with acting(self, "read") as u:
            found = await proofs.proofs(u, builder.key)
        self.runs = [_run(row, zone) for row in found[:3]]
        self.busy = any(row.state in ("asked", "running") for row in found)


def _run(row: ProofRow, zone: str) -> Run:
    state, tone = STATES[row.state]
    refused = row.summary.get("refused", [])[:4]
    return Run(
        id=str(row.proof_id),
        when=f"{words.moment(row.asked_at, zone)} · {row.asked_by}",
        state=state,
        tone=tone,
        said=_said(row),
        reasons=[f"{words.count(r['people'])} at “{r['step']}”: {r['sentence']}" for r in refused],
        href=f"/api/v1/proofs/{row.proof_id}/files" if row.state == "done" and not row.failure else "",
    )


def _said(row: ProofRow) -> str:
    if row.state != "done" or row.failure:
        return row.failure or row.progress or "It starts in a moment."
    s = row.summary
    return (
        f"{words.plural(s['entered'], 'person', 'people')} would enter. {words.plural(s['messages'], 'message')} would go"
        f" to {words.plural(s['people'], 'person', 'people')}; {words.plural(s['refusals'], 'message')} would be held back."
    )
