"""The panel of a step that hands people to another campaign."""

import reflex as rx

from components import ui
from state.builder import Builder
from state.builder_handover import HandOver


def handover() -> rx.Component:
    target = Builder.step.target
    return rx.box(
        rx.flex(
            rx.el.label(
                ui.label("Which campaign"),
                rx.el.select(
                    rx.foreach(HandOver.options, lambda pair: rx.el.option(pair[1], value=pair[0])),
                    value=target,
                    on_change=HandOver.choose,
                    disabled=~Builder.editable,
                    class_name="cm-select cb-select",
                    data_testid="sub-campaign",
                ),
            ),
            rx.cond(
                target != "",
                rx.el.a("Open that campaign", href="/campaigns/" + target, class_name="cv-link"),
            ),
            ui.small(
                "Whoever gets here starts that campaign at its beginning, if its own rules let them: who may come "
                "again, consent, limits and holds all count there too."
            ),
            ui.small(
                "Nobody waits for it to end: they go on here at once, and are in both campaigns from then on. To pause "
                "here meanwhile, put a wait or a wait for an event after this step."
            ),
            direction="column",
            gap="14px",
        ),
        on_mount=HandOver.load,
    )
