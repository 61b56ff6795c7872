"""The approvals inbox."""

import reflex as rx

from components.approvals.inbox import inbox
from components.layout import frame, head
from state.inbox import Approvals
from state.session import Session

ROUTE = "/approvals"
TITLE = "Approvals · Campaign Manager"
ON_LOAD = [Session.enter, Approvals.load]


def page() -> rx.Component:
    lead = rx.cond(
        Approvals.may_approve,
        "Read what each will do and to whom, then approve it or send it back.",
        "What waits for someone with the approver role.",
    )
    return frame(
        "approvals",
        head("Approvals", lead),
        inbox(),
        permission="read",
    )
