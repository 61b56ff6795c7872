"""One campaign on paper."""

import reflex as rx

from components.layout import frame, head
from components.printable import sheet
from state.print_sheet import PrintSheet
from state.session import Session

ROUTE = "/campaigns/[campaign_id]/print"
TITLE = "Print · Campaign Manager"
ON_LOAD = [Session.enter, PrintSheet.load]


def page() -> rx.Component:
    return frame(
        "campaigns",
        head("Print", PrintSheet.name, back=("The journey", "/campaigns/" + PrintSheet.id)),
        sheet(),
        permission="read",
    )
