"""The kill switch, the practice's rules, and the one-time code they may ask for."""

from typing import Any

import reflex as rx

from components import tokens, ui
from components.access.one_time_code import one_time_code
from services.contracts.campaign_types import CAMPAIGN_TYPES
from state.session import Session
from state.settings import Settings


def kill_switch() -> rx.Component:
    stopped = rx.flex(
        ui.notice(Session.stopped_words, tone="danger", icon="octagon-pause"),
        ui.primary(
            "Let sending go on", icon="play", on_click=Settings.release, data_testid="release-kill-switch"
        ),
        direction="column",
        gap="16px",
        align="start",
    )
    running = ui.primary(
        "Stop all sending",
        icon="octagon-pause",
        color_scheme="red",
        on_click=Settings.ask_stop(True),
        data_testid="kill-switch",
    )
    return ui.section(
        "Kill switch",
        rx.cond(Session.stopped, stopped, running),
        ui.form_dialog(
            "Stop all sending",
            "Every campaign stops before its next message, also in the middle of a batch. Nobody loses "
            "their place. Everyone here sees who stopped it and why.",
            ui.area("Why", "why", required=True, max_length=500, auto_focus=True),
            go="Stop everything",
            leave=Settings.ask_stop,
            open=Settings.stopping,
            on_submit=Settings.stop,
            color_scheme="red",
            data_testid="confirm-kill-switch",
        ),
        hint="Stops every campaign of the practice at once, until somebody lets it go on.",
    )


def code() -> rx.Component:
    return one_time_code(
        "This changes what protects patients, so it needs the six digits of your authenticator app.",
        hint=Settings.code_hint,
        open=Settings.coding,
        on_open_change=Settings.ask_code,
        on_submit=Settings.give_code,
    )


def _number(name: str, key: str, value: Any, hint: str, **props: Any) -> rx.Component:
    return ui.field(
        name, key, type="number", default_value=value, hint=hint, disabled=~Settings.may_change, **props
    )


def _long_horizon() -> rx.Component:
    """Types beside nurture, keep-informed and drip that emergencies are kept out of (D19)."""
    return rx.el.fieldset(
        rx.el.legend("Long-horizon campaign types", **tokens.text("label"), color=tokens.INK, padding="0"),
        ui.small(
            "People with an open emergency enquiry are kept out of nurture, keep-informed and drip campaigns, "
            "and of the types switched on here. Changing this needs a fresh code.",
            margin="4px 0 6px",
        ),
        rx.box(
            *[
                ui.check(
                    kind.label,
                    f"long-{kind.key}",
                    default_checked=Settings.long_horizon.contains(kind.key),
                    disabled=~Settings.may_change,
                )
                for kind in CAMPAIGN_TYPES
                if not kind.long_horizon
            ],
            class_name="cm-halves",
            gap="0 24px",
        ),
        border="0",
        padding="0",
        margin="0",
    )


def _often() -> rx.Component:
    return ui.section(
        "How often people hear from us",
        rx.box(
            _number("Messages at most", "max_touches", Settings.max_touches, "Empty: no limit", min="1"),
            _number("Within days", "per_days", Settings.per_days, "A sliding window", min="1"),
            _number("Hours between two", "min_gap_hours", Settings.min_gap_hours, "Empty: no gap", min="0"),
            class_name="cm-thirds",
        ),
        hint="For all campaigns together. A campaign may be stricter, never looser.",
    )


def _quiet_hours() -> rx.Component:
    off = ~Settings.may_change
    return ui.section(
        "Quiet hours",
        rx.box(
            ui.field("From", "quiet_start", type="time", default_value=Settings.quiet_start, disabled=off),
            ui.field("To", "quiet_end", type="time", default_value=Settings.quiet_end, disabled=off),
            class_name="cm-halves",
        ),
        hint="In the recipient's own time zone. Messages wait until the end.",
    )


def _approvals() -> rx.Component:
    return ui.section(
        "Approvals",
        _number(
            "Remind after hours",
            "approval_reminder_hours",
            Settings.approval_reminder_hours,
            "How long a request waits before approvers are reminded of it, once",
            min="1",
            max="720",
        ),
    )


def _protection() -> rx.Component:
    off = ~Settings.may_change
    return ui.section(
        "Protecting people",
        rx.flex(
            rx.box(
                _number(
                    "Concierge hold, hours",
                    "concierge_hold_hours",
                    Settings.concierge_hold_hours,
                    "How long marketing waits while the AI Concierge recovers someone",
                    min="1",
                    max="720",
                ),
                _number(
                    "Held out, percent",
                    "global_holdout_percent",
                    Settings.global_holdout_percent,
                    "People who get no marketing, to measure what it brings (0–10)",
                    min="0",
                    max="10",
                    step="0.5",
                ),
                class_name="cm-halves",
            ),
            ui.area(
                "Emergency stacks",
                "emergency_stacks",
                default_value=Settings.emergency_stacks,
                disabled=off,
                hint="Separated by commas. Entries of the platform stay. Changing this needs a fresh code.",
            ),
            _long_horizon(),
            ui.check(
                "Single operator",
                "single_operator",
                checked=Settings.single_operator,
                on_change=Settings.set_single,
                disabled=off,
                hint="The person who made a campaign may approve it. Each use is written to the audit. "
                "Changing this needs a fresh code.",
            ),
            rx.el.dl(ui.fact("Cold threshold", Settings.cold_threshold), margin="0"),
            ui.small("Set in Treatment Pipeline Manager and shown here."),
            direction="column",
            gap="18px",
        ),
    )


def _kept() -> rx.Component:
    def years(name: str, key: str, floor: int, unit: str) -> rx.Component:
        return _number(f"{name}, {unit}", key, Settings.kept[key], f"At least {floor}", min=str(floor))

    return ui.section(
        "How long things are kept",
        rx.box(
            years("The audit", "keep_audit_years", 7, "years"),
            years("Results of campaigns", "keep_analytics_years", 2, "years"),
            years("Who was in an audience", "keep_snapshots_days", 90, "days"),
            years("Events as they came in", "keep_events_days", 30, "days"),
            class_name="cm-halves",
        ),
        hint="Then they are deleted by themselves, and the audit says so. You may keep longer, never shorter.",
    )


def rules() -> rx.Component:
    """The form of practice settings; read-only for whoever may not change them."""
    return rx.cond(
        Settings.loading,
        ui.blocks(3),
        rx.el.form(
            rx.flex(
                _often(),
                _quiet_hours(),
                _approvals(),
                _protection(),
                _kept(),
                rx.cond(
                    Settings.may_change,
                    rx.flex(ui.primary("Save", type="submit", data_testid="save-settings"), justify="end"),
                    ui.notice("Only an administrator can change these."),
                ),
                direction="column",
                gap="24px",
            ),
            on_submit=Settings.save,
            max_width="860px",
        ),
    )
