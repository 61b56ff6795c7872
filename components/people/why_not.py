"""“Why not now?”: a button, and every rule's answer for each campaign that runs."""

import reflex as rx

from components import tokens, ui
from state.why_not import Asked, Rule, Why

COLUMNS = ["Rule", "Channel", "Answer"]


def _rule(row: rx.Var[Rule]) -> rx.Component:
    return rx.el.tr(
        rx.el.td(
            rx.el.span(row.label, font_weight="540"),
            rx.cond(row.why != "", ui.small(row.why, color=tokens.ink("danger"))),
            ui.small(row.facts),
            min_width="240px",
        ),
        rx.el.td(row.channel, white_space="nowrap"),
        rx.el.td(ui.pill(row.verdict, row.tone)),
        data_testid="rule-row",
    )


def _asked(row: rx.Var[Asked]) -> rx.Component:
    return rx.el.details(
        rx.el.summary(
            rx.box(
                rx.el.span(row.campaign, font_weight="580", color=tokens.INK),
                ui.small(f"“{row.message}” · {row.place}"),
                flex="1 1 220px",
                min_width="0",
            ),
            ui.pill(row.verdict, row.tone),
            rx.icon("chevron-down", size=18, aria_hidden="true", class_name="cm-turns", color=tokens.QUIET),
            class_name="cm-summary-row",
        ),
        rx.foreach(row.notes, lambda note: ui.notice(note, tone="warn", margin="0 24px 12px")),
        rx.cond(
            row.refused.length() > 0,
            ui.table("Rules that refuse", COLUMNS, rx.foreach(row.refused, _rule)),
        ),
        rx.el.details(
            rx.el.summary(row.passed, class_name="cm-summary", margin="0 24px 10px"),
            ui.table("Rules that let it pass", COLUMNS, rx.foreach(row.passing, _rule)),
            data_testid="passing",
        ),
        key=row.id,
        open=Why.campaign != "",
        data_testid="why-row",
        border_top=f"1px solid {tokens.LINE}",
    )


def why_not() -> rx.Component:
    return ui.section(
        "Why not now?",
        rx.cond(
            Why.asked,
            rx.fragment(
                rx.cond(
                    Why.campaigns.length() > 1,
                    rx.flex(
                        ui.choice(
                            "Campaign",
                            "why-campaign",
                            Why.campaigns,
                            value=Why.campaign,
                            on_change=Why.of_campaign,
                        ),
                        rx.cond(
                            Why.steps.length() > 0,
                            ui.choice(
                                "Message", "why-step", Why.steps, value=Why.step, on_change=Why.of_step
                            ),
                        ),
                        gap="14px",
                        wrap="wrap",
                        padding="0 24px 18px",
                    ),
                ),
                rx.cond(
                    Why.rows.length() > 0,
                    rx.foreach(Why.rows, _asked),
                    ui.small("No campaign with a message is running.", padding="0 24px 22px"),
                ),
            ),
        ),
        hint="Asks every rule of every running campaign about this person, at this moment.",
        actions=ui.quiet(
            rx.cond(Why.asked, "Ask again", "Why not now?"),
            icon="circle-help",
            on_click=Why.ask,
            loading=Why.working,
            data_testid="why-not",
        ),
        flush=True,
    )
