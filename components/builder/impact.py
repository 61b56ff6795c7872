"""Who is inside a journey that is about to change, and what becomes of each group (D8)."""

import reflex as rx

from components import tokens, ui
from state.builder_impact import ChangeImpact, Group


def impact() -> rx.Component:
    """Nothing while nobody is inside."""
    return rx.cond(
        ChangeImpact.groups.length() > 0,
        rx.el.fieldset(
            rx.el.legend(
                rx.el.span(ChangeImpact.people, " inside this journey now. What becomes of them?"),
                **tokens.text("label"),
                color=tokens.INK,
                padding="0",
            ),
            rx.cond(
                ChangeImpact.still_moving,
                ui.notice(
                    "People are still being moved after the last change. Send this request in a moment.",
                    tone="warn",
                    icon="hourglass",
                ),
            ),
            rx.el.ul(rx.foreach(ChangeImpact.groups, _group), class_name="cb-fates"),
            rx.flex(
                ui.quiet(
                    "Everybody finishes on the old version",
                    type="button",
                    size="2",
                    on_click=ChangeImpact.choose_all("finish"),
                    data_testid="fates-finish",
                ),
                ui.quiet(
                    "Back to what is proposed",
                    type="button",
                    size="2",
                    on_click=ChangeImpact.choose_all("proposed"),
                    data_testid="fates-proposed",
                ),
                gap="8px",
                wrap="wrap",
            ),
            border="0",
            padding="0",
            margin="0",
            min_width="0",
            data_testid="impact",
        ),
    )


def _group(group: rx.Var[Group]) -> rx.Component:
    return rx.el.li(
        rx.flex(
            rx.box(
                rx.el.strong(group.title, color=tokens.INK),
                ui.small(group.version, " · ", group.people),
                flex="1",
                min_width="0",
            ),
            justify="between",
            gap="12px",
        ),
        rx.el.select(
            rx.foreach(group.choices, lambda pair: rx.el.option(pair[1], value=pair[0])),
            value=group.fate,
            on_change=lambda value: ChangeImpact.choose(group.key, value),
            aria_label=f"What becomes of the people at {group.title}",
            class_name="cm-select",
            data_testid="fate",
        ),
        ui.small(group.why),
        data_testid="fate-group",
    )
