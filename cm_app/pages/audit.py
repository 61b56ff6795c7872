"""The audit."""

import reflex as rx

from components import ui
from components.access.one_time_code import one_time_code
from components.audit.book import book, chain, export_dialog
from components.layout import frame, head
from state.audit import Audit
from state.session import Session

ROUTE = "/audit"
TITLE = "Audit · Campaign Manager"
ON_LOAD = [Session.enter, Audit.load]


def page() -> rx.Component:
    return frame(
        "audit",
        head(
            "Audit",
            "Everything that was done, by whom and why. Entries are chained: a change to any of them shows.",
            ui.quiet("Export", icon="download", on_click=Audit.ask_export(True), data_testid="export-audit"),
            ui.primary(
                "Verify the chain",
                icon="shield-check",
                on_click=Audit.verify,
                loading=Audit.checking,
                data_testid="verify-audit",
            ),
        ),
        chain(),
        book(),
        export_dialog(),
        one_time_code(
            "The export holds everything that happened here, so it needs the six digits of your authenticator app.",
            hint=Audit.code_hint,
            open=Audit.coding,
            on_open_change=Audit.ask_code,
            on_submit=Audit.give_code,
        ),
        permission="compliance",
    )
