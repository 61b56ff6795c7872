"""Practice settings and the kill switch; both ask for a fresh code where D10 says so."""

from datetime import time
from typing import Any

import reflex as rx
from pydantic import ValidationError

from services.access import service as access
from services.access.contracts import PracticeSettings
from services.bootstrap import app
from services.campaigns import service as campaigns
from services.contracts.campaign_types import TYPE_KEYS
from services.contracts.journey import Caps
from services.kit.errors import Invalid, StepUpNeeded
from state import step_up
from state.session import Session, acting, changed, permitted, token_of

NUMBERS = {
    "max_touches": "messages at most",
    "per_days": "days",
    "min_gap_hours": "hours",
    "concierge_hold_hours": "hours",
    "global_holdout_percent": "percent",
}


KEPT = ("keep_audit_years", "keep_analytics_years", "keep_snapshots_days", "keep_events_days")
"""How long things are kept (D26)."""


class Settings(rx.State):
    loading: bool = True
    may_change: bool = False
    single_operator: bool = False
    quiet_start: str = ""
    quiet_end: str = ""
    approval_reminder_hours: str = ""
    max_touches: str = ""
    per_days: str = ""
    min_gap_hours: str = ""
    concierge_hold_hours: str = ""
    global_holdout_percent: str = ""
    kept: dict[str, str] = dict.fromkeys(KEPT, "")
    emergency_stacks: str = ""
    long_horizon: list[str] = []
    cold_threshold: str = ""

    stopping: bool = False
    coding: bool = False
    code_hint: str = ""

    _waiting: dict[str, Any] = {}

    @rx.event
    async def load(self) -> None:
        self.stopping = self.coding = False
        self._waiting = {}
        await self._read()

    @rx.event
    def set_single(self, on: bool) -> None:
        self.single_operator = on

    @rx.event
    async def save(self, form: dict[str, Any]) -> Any:
        """Store the form; sensitive changes ask for a code first and go on by themselves."""
        return await self._try({"what": "save", "form": form, "single": self.single_operator})

    @rx.event
    def ask_stop(self, open: bool) -> None:
        self.stopping = open

    @rx.event
    async def stop(self, form: dict[str, str]) -> Any:
        """The kill switch: nothing of this practice is sent from this moment (D11)."""
        async with acting(self, "manage") as u:
            await campaigns.kill_switch(u, True, form.get("why", "")[:500])
        self.stopping = False
        await changed(self, "kill_switch")
        return [rx.toast.warning("All sending is stopped. Nobody loses their place."), Session.enter]

    @rx.event
    async def release(self) -> Any:
        return await self._try({"what": "release"})

    @rx.event
    def ask_code(self, open: bool) -> None:
        self.coding = open

    @rx.event
    async def give_code(self, form: dict[str, str]) -> Any:
        """Check the one-time code, then do what waited for it."""
        await permitted(self, "manage")
        await step_up.take(self, form)
        return await self._try(self._waiting)

    async def _try(self, wanted: dict[str, Any]) -> Any:
        try:
            return await (self._save(wanted) if wanted.get("what") == "save" else self._release())
        except StepUpNeeded:
            self._waiting = wanted
            await step_up.ask(self)
            return None

    async def _save(self, wanted: dict[str, Any]) -> Any:
        async with acting(self, "administer") as u:
            old = await access.practice_settings(u)
            new = _read_form(old, wanted["form"], wanted["single"])
            fresh = False
            if access.needs_step_up(old, new):
                await access.require_fresh(app(), token_of(self))
                fresh = True
            await access.save_settings(u, new, stepped_up=fresh)
        await self._read()
        return rx.toast.success("Settings saved. They count from the next step on.")

    async def _release(self) -> Any:
        await permitted(self, "manage")
        await access.require_fresh(app(), token_of(self))
        async with acting(self, "manage") as u:
            await campaigns.kill_switch(u, False, "Released in settings")
        await changed(self, "kill_switch")
        return [rx.toast.success("Sending goes on where it stopped."), Session.enter]

    async def _read(self) -> None:
        async with acting(self, "read") as u:
            found, self.may_change = await access.practice_settings(u), u.actor.may("administer")
        self.single_operator = found.single_operator
        self.quiet_start, self.quiet_end = f"{found.quiet_start:%H:%M}", f"{found.quiet_end:%H:%M}"
        self.max_touches = "" if found.caps.max_touches is None else str(found.caps.max_touches)
        self.per_days = str(found.caps.per_days)
        self.min_gap_hours = "" if found.caps.min_gap_hours is None else str(found.caps.min_gap_hours)
        self.approval_reminder_hours = str(found.approval_reminder_hours)
        self.concierge_hold_hours = str(found.concierge_hold_hours)
        self.global_holdout_percent = f"{found.global_holdout_percent:g}"
        self.kept = {name: str(getattr(found, name)) for name in KEPT}
        self.emergency_stacks = ", ".join(found.emergency_stacks)
        self.long_horizon = list(found.long_horizon_types)
        self.cold_threshold = (
            f"{found.cold_threshold_days} days" if found.cold_threshold_days else "Not reported yet"
        )
        self.loading = False


def _read_form(old: PracticeSettings, form: dict[str, Any], single: bool) -> PracticeSettings:
    """The settings a form asks for. Raises Invalid with what to put right."""
    stacks = [name.strip() for name in str(form.get("emergency_stacks", "")).split(",")]
    try:
        return PracticeSettings(
            single_operator=single,
            concierge_hold_hours=int(form["concierge_hold_hours"]),
            emergency_stacks=tuple(name for name in stacks if name),
            long_horizon_types=tuple(kind for kind in sorted(TYPE_KEYS) if form.get(f"long-{kind}")),
            caps=Caps(
                max_touches=_number(form.get("max_touches")),
                per_days=int(form["per_days"]),
                min_gap_hours=_number(form.get("min_gap_hours")),
                exclusive=old.caps.exclusive,
            ),
            global_holdout_percent=float(form["global_holdout_percent"]),
            quiet_start=time.fromisoformat(str(form["quiet_start"])),
            quiet_end=time.fromisoformat(str(form["quiet_end"])),
            approval_reminder_hours=int(form.get("approval_reminder_hours") or old.approval_reminder_hours),
            outside=old.outside,
            holidays_of=old.holidays_of,
            cold_threshold_days=old.cold_threshold_days,
            **{name: int(form.get(name) or getattr(old, name)) for name in KEPT},
        )
    except ValidationError as error:
        first = error.errors()[0]
        raise Invalid(f"{str(first['loc'][-1]).replace('_', ' ').capitalize()}: {first['msg']}.") from error
    except (KeyError, ValueError) as error:
        raise Invalid("Every number and time needs a value. Nothing was saved.") from error


def _number(text: Any) -> int | None:
    return int(text) if str(text or "").strip() else None
