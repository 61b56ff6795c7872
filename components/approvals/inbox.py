"""Requests that wait for a decision."""

import reflex as rx

from components import tokens, ui
from state.approvals import Approvals, Asked


def _asked(row: rx.Var[Asked]) -> rx.Component:
    return rx.el.li(
        rx.el.a(
            ui.card(
                rx.flex(
                    rx.box(
                        rx.el.h2(row.campaign, **tokens.text("heading"), color=tokens.INK, margin="0"),
                        ui.small(row.type, " · asked by ", row.by, " ", row.asked),
                        rx.cond(
                            row.note != "",
                            ui.body("“", row.note, "”", margin_top="10px", color=tokens.QUIET),
                        ),
                        flex="1 1 300px",
                        min_width="0",
                    ),
                    rx.flex(
                        ui.small(rx.icon("users", size=15, aria_hidden="true"), row.people,
                                 display="flex", gap="6px", align_items="center"),
                        ui.small(rx.icon("clock", size=15, aria_hidden="true"), row.starts,
                                 display="flex", gap="6px", align_items="center"),
                        rx.cond(row.mine, ui.pill("Waiting for someone else", "warn")),
                        direction="column",
                        gap="6px",
                        align="start",
                    ),
                    rx.icon("chevron-right", size=20, aria_hidden="true", color=tokens.QUIET),
                    gap="20px",
                    align="center",
                    wrap="wrap",
                ),
            ),
            href=f"/approvals/{row.id}",
            class_name="cm-row-link",
            data_testid="approval-row",
        ),
        list_style="none",
    )  # fmt: skip


def inbox() -> rx.Component:
    return rx.cond(
        Approvals.loading,
        ui.blocks(3, height="110px"),
        rx.cond(
            Approvals.rows.length() > 0,
            rx.el.ul(
                rx.foreach(Approvals.rows, _asked),
                display="flex",
                flex_direction="column",
                gap="14px",
                padding="0",
                margin="0",
            ),
            ui.card(
                ui.empty(
                    "badge-check",
                    "Nothing waits for approval",
                    "A campaign goes live only after someone who did not make it has read it here. "
                    "New requests appear by themselves.",
                    data_testid="empty-approvals",
                )
            ),
        ),
    )
