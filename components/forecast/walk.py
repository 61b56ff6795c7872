"""The test walk: one person, one step at a time, with arrow keys or buttons."""

import reflex as rx

from components import tokens, ui
from state.walk import Check, Read, WalkPage

KEYS = """
if (!window.cmWalkKeys) {
  window.cmWalkKeys = true;
  addEventListener('keydown', (e) => {
    if (e.target.closest('select, input, textarea') || e.altKey || e.ctrlKey || e.metaKey) return;
    const name = {ArrowRight: 'walk-next', ArrowLeft: 'walk-back'}[e.key];
    const button = name && document.querySelector(`[data-testid=${name}]`);
    if (button) { e.preventDefault(); button.click(); }
  });
}
"""
"""Arrow keys press the buttons, wherever the focus is but in a field; elsewhere they find none."""


def walk() -> rx.Component:
    return rx.cond(
        WalkPage.people.length() > 0,
        rx.flex(_controls(), _step(), direction="column", gap="20px"),
        rx.cond(
            WalkPage.unreadable != "",
            ui.notice(WalkPage.unreadable, tone="danger", icon="file-x-2", data_testid="unreadable"),
            ui.card(
                ui.empty(
                    "users",
                    "Nobody to walk with",
                    "The audience of this campaign is empty today. Widen its rules in the builder.",
                )
            ),
        ),
    )


def _controls() -> rx.Component:
    return rx.flex(
        ui.choice("Sample person", "person", WalkPage.people, value=WalkPage.person, on_change=WalkPage.choose),
        rx.flex(
            ui.quiet("Back", icon="arrow-left", on_click=WalkPage.step(-1), disabled=WalkPage.at == 0, data_testid="walk-back"),
            ui.primary(
                "Next", icon="arrow-right", on_click=WalkPage.step(1),
                disabled=WalkPage.at + 1 >= WalkPage.places.length(), data_testid="walk-next",
            ),
            gap="10px",
        ),
        ui.small("Nothing is sent and nothing changes. The arrow keys ← and → step too.", padding_bottom="12px"),
        gap="16px", align="end", wrap="wrap",
    )  # fmt: skip


def _check(check: rx.Var[Check]) -> rx.Component:
    return rx.el.li(
        rx.flex(
            rx.cond(
                check.refuses,
                rx.icon("circle-x", size=16, color=tokens.ink("danger"), flex="none", aria_label="Refuses"),
                rx.icon("circle-check", size=16, color=tokens.ink("ok"), flex="none", aria_label="Passes"),
            ),
            rx.box(
                ui.small(check.label, font_weight="560"), rx.cond(check.facts != "", ui.small(check.facts))
            ),
            gap="10px",
        ),
        list_style="none",
        padding="6px 0",
    )


def _read(read: rx.Var[Read]) -> rx.Component:
    return rx.box(
        ui.small(read.heading, font_weight="560", margin_bottom="6px"),
        rx.cond(read.subject != "", ui.body(read.subject, font_weight="600", margin_bottom="8px")),
        rx.cond(
            read.html,
            rx.el.iframe(
                src_doc=read.text, sandbox="", title=read.heading, width="100%", height="320px", background="white",
                class_name="cm-paper", tab_index=-1,
            ),
            rx.el.div(
                read.text, **tokens.text("body"), white_space="pre-wrap", overflow_wrap="anywhere", padding="12px 16px",
                border_radius="14px", background="var(--gray-a2)", border=f"1px solid {tokens.LINE}",
            ),
        ),
        margin_top="14px",
    )  # fmt: skip


def _step() -> rx.Component:
    here = WalkPage.here
    return rx.el.section(
        rx.cond(
            WalkPage.belongs,
            None,
            ui.notice("They do not belong to the audience today, so the journey would not start for them.", tone="warn"),
        ),
        ui.card(
            rx.flex(
                ui.small(WalkPage.position, data_testid="walk-position"),
                ui.small(here.when, " where they live"),
                justify="between",
                gap="12px",
                wrap="wrap",
            ),
            rx.el.h2(here.title, **tokens.text("heading"), margin="8px 0 6px", data_testid="walk-title"),
            ui.body(here.explained, data_testid="walk-explained"),
            rx.cond(
                here.waits,
                rx.el.label(
                    rx.el.input(
                        type="checkbox", checked=here.happened, on_change=WalkPage.event_comes, width="20px", height="20px",
                        data_testid="event-comes",
                    ),
                    "The event comes",
                    display="inline-flex", gap="10px", align_items="center", min_height=tokens.TOUCH, margin_top="8px",
                ),
            ),
            rx.foreach(here.read, _read),
            rx.cond(
                here.kind == "message",
                rx.box(
                    ui.small("The checks, as they answer at that moment", font_weight="560", margin_top="18px"),
                    rx.el.ul(rx.foreach(here.refused, _check), padding="0", margin="6px 0 0"),
                    rx.el.details(
                        rx.el.summary(here.passed.length(), " checks they pass", cursor="pointer", padding="10px 0"),
                        rx.el.ul(rx.foreach(here.passed, _check), padding="0", margin="0"),
                    ),
                    data_testid="walk-checks",
                ),
            ),
            rx.cond(here.next != "", ui.small("Next: ", here.next, margin_top="14px"), ui.small("Nothing follows.", margin_top="14px")),
            aria_live="polite",
        ),
        tab_index=0,
        aria_label="The walk. Arrow keys step on and back.",
        on_mount=rx.call_script(KEYS),
        id="walk",
        data_testid="walk",
    )  # fmt: skip
