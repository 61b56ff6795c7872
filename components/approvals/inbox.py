"""Requests that wait for a decision."""

import reflex as rx

from components import tokens, ui
from components.access.one_time_code import one_time_code
from state.inbox import Approvals, Asked


def _asked(row: rx.Var[Asked]) -> rx.Component:
    return rx.el.li(
        rx.cond(Approvals.may_approve & ~row.mine, _mark(row), rx.box(width="44px", flex="none")),
        rx.el.a(
            ui.card(
                rx.flex(rx.flex(
                    rx.box(
                        rx.el.h2(row.campaign, **tokens.text("heading"), color=tokens.INK, margin="0"),
                        ui.small(row.type, " · asked by ", row.by, " ", row.asked),
                        rx.cond(row.inside != "", ui.small(row.inside, margin_top="6px")),
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
                        rx.cond(row.reminded != "", ui.pill(row.reminded, "warn")),
                        direction="column",
                        gap="6px",
                        align="start",
                    ),
                    gap="20px",
                    align="center",
                    wrap="wrap",
                    flex="1",
                    min_width="0",
                ),
                    rx.icon("chevron-right", size=20, aria_hidden="true", color=tokens.QUIET, flex="none"),
                    gap="12px",
                    align="center",
                ),
            ),
            href=f"/approvals/{row.id}",
            flex="1",
            min_width="0",
            class_name="cm-row-link",
            data_testid="approval-row",
        ),
        list_style="none",
        display="flex",
        align_items="center",
        gap="6px",
    )  # fmt: skip


def _mark(row: rx.Var[Asked]) -> rx.Component:
    """To approve several together."""
    return ui.mark(
        f"Mark {row.campaign}",
        on=Approvals.chosen.contains(row.id),
        on_change=lambda on: Approvals.choose(row.id, on),
        size="3",
        flex="none",
        data_testid="mark-request",
    )


def _together() -> rx.Component:
    return ui.marked(
        Approvals.chosen.length(),
        ui.body(Approvals.chosen.length(), " marked"),
        ui.primary(
            "Approve them together",
            icon="check",
            on_click=Approvals.approve_chosen,
            data_testid="approve-together",
        ),
        gap="16px",
        justify="end",
    )


def inbox() -> rx.Component:
    return rx.cond(
        Approvals.loading,
        ui.blocks(3, height="110px"),
        rx.cond(
            Approvals.rows.length() > 0,
            rx.fragment(
                rx.el.ul(
                    rx.foreach(Approvals.rows, _asked),
                    display="flex",
                    flex_direction="column",
                    gap="14px",
                    padding="0",
                    margin="0",
                ),
                _together(),
                one_time_code(
                    "Approving several at once needs the six digits of your authenticator app.",
                    hint=Approvals.code_hint,
                    open=Approvals.coding,
                    on_open_change=Approvals.ask_code,
                    on_submit=Approvals.give_code,
                ),
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
