"""A month or a week of campaigns: squares on a desk, a list of days where there is little room."""

import reflex as rx

from components import tokens, ui
from state.agenda import Calendar, Day, Item

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def calendar() -> rx.Component:
    return rx.cond(
        Calendar.loading,
        ui.blocks(4, height="110px"),
        rx.flex(_turn(), _grid(), _legend(), _overlaps(), _move(), direction="column", gap="18px"),
    )


def _turn() -> rx.Component:
    def view(key: str, name: str) -> rx.Component:
        return ui.chip(name, on=Calendar.view == key, on_click=Calendar.show(key), data_testid=f"view-{key}")

    return rx.flex(
        ui.icon_button("Back", icon="chevron-left", on_click=Calendar.turn(-1), data_testid="calendar-back"),
        ui.icon_button("On", icon="chevron-right", on_click=Calendar.turn(1), data_testid="calendar-on"),
        rx.el.h2(
            Calendar.title,
            **tokens.text("heading"),
            color=tokens.INK,
            margin="0",
            flex="1 1 200px",
            aria_live="polite",
            data_testid="calendar-title",
        ),
        ui.quiet("Today", size="2", on_click=Calendar.turn(0)),
        view("month", "Month"),
        view("week", "Week"),
        gap="8px",
        align="center",
        wrap="wrap",
    )


def _grid() -> rx.Component:
    return rx.el.div(
        rx.el.div(
            *[rx.el.div(name, class_name="cm-cal-head") for name in WEEKDAYS],
            class_name="cm-cal-heads",
            aria_hidden="true",
        ),
        rx.el.ol(
            rx.foreach(Calendar.days, _day),
            class_name="cm-cal",
            aria_label=Calendar.title,
            data_view=Calendar.view,
            data_testid="calendar",
        ),
    )


def _day(day: rx.Var[Day]) -> rx.Component:
    return rx.el.li(
        rx.el.div(
            rx.el.span(day.weekday, " ", class_name="cm-cal-weekday"),
            rx.el.strong(day.label),
            rx.cond(day.today, rx.el.span(" Today", class_name="cm-cal-word")),
            rx.cond(day.holiday != "", rx.el.span(" ", day.holiday, class_name="cm-cal-word")),
            class_name="cm-cal-date",
        ),
        rx.foreach(day.plans, lambda item: _item(item, day)),
        class_name="cm-cal-day",
        data_today=rx.cond(day.today, "true", "false"),
        data_outside=rx.cond(day.outside, "true", "false"),
        data_closed=rx.cond(day.holiday != "", "true", "false"),
        data_empty=rx.cond(day.plans.length() > 0, "false", "true"),
        data_testid="calendar-day",
        data_day=day.day,
    )


def _item(item: rx.Var[Item], day: rx.Var[Day]) -> rx.Component:
    return rx.el.div(
        rx.el.a(
            rx.el.strong(item.campaign),
            rx.el.span(item.line),
            href="/campaigns/" + item.campaign_id,
            class_name="cm-cal-link",
        ),
        rx.cond(
            item.movable,
            rx.el.button(
                rx.icon("calendar-clock", size=15, aria_hidden="true"),
                type="button",
                aria_label=f"Move {item.campaign} to another day",
                title="Move to another day",
                on_click=Calendar.ask_move(item.campaign_id, item.campaign, day.day),
                class_name="cm-cal-move",
                data_testid="move-start",
            ),
        ),
        class_name="cm-cal-item",
        data_what=item.what,
        data_testid="calendar-item",
    )


def _legend() -> rx.Component:
    return rx.cond(
        Calendar.nothing,
        ui.notice("Nothing is planned, due or sent in these days.", data_testid="calendar-empty"),
        ui.small(
            "“Due” counts the people who stand in running journeys now and whose next message comes that day. "
            "Who will still come in is in each campaign's forecast."
        ),
    )


def _overlaps() -> rx.Component:
    return rx.cond(
        Calendar.overlaps.length() > 0,
        ui.section(
            "In two campaigns in the same week",
            rx.el.ul(
                rx.foreach(Calendar.overlaps, lambda line: rx.el.li(line, **tokens.text("body"))),
                padding_left="20px",
                margin="0",
                data_testid="overlaps",
            ),
            hint="Caps decide what they get; a rule in one of the audiences can keep the two apart.",
        ),
    )


def _move() -> rx.Component:
    return ui.dialog(
        "Move to another day",
        "The time of day stays. What was approved was the old day, so somebody has to approve the new one.",
        rx.flex(
            ui.field(
                rx.fragment("New day for ", Calendar.moving_name),
                "move-to",
                type="date",
                value=Calendar.moving_to,
                on_change=Calendar.set_moving_to,
            ),
            ui.decisions(
                "Move it", away=Calendar.set_moving(False), on_click=Calendar.move, data_testid="confirm-move"
            ),
            direction="column",
            gap="12px",
        ),
        open=Calendar.moving,
        on_open_change=Calendar.set_moving,
    )
