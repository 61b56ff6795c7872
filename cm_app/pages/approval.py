"""One request for approval."""

import reflex as rx

from components import ui
from components.approvals.request import request
from components.layout import frame, head
from state.approvals import Approval
from state.session import Session

ROUTE = "/approvals/[approval_id]"
TITLE = "Approval · Campaign Manager"
ON_LOAD = [Session.enter, Approval.load]


def page() -> rx.Component:
    return frame(
        "approvals",
        head(
            rx.cond(Approval.loading, "Approval", Approval.campaign),
            rx.cond(Approval.loading, "", f"{Approval.type} · {Approval.version} · asked by {Approval.by}"),
            rx.cond(
                ~Approval.loading,
                ui.link_button("Print", Approval.print_href, icon="printer", data_testid="open-print"),
            ),
            back=("Approvals", "/approvals"),
        ),
        rx.cond(
            Approval.note != "",
            rx.el.blockquote(
                Approval.note, margin="0", padding="4px 0 4px 16px", border_left="3px solid var(--accent-a7)"
            ),
        ),
        request(),
        permission="read",
    )
