"""The saved segments as cards: name, sentence, size, and how the size went."""

import reflex as rx

from components import tokens, ui
from state.segments import SegmentCard, Segments
from state.session import may


def listed() -> rx.Component:
    return rx.cond(
        Segments.loading,
        ui.blocks(3),
        rx.cond(
            Segments.cards.length() > 0,
            rx.el.ul(rx.foreach(Segments.cards, _card), class_name="cs-cards"),
            ui.card(
                ui.empty(
                    "shapes",
                    "No segments yet",
                    "A segment is a group of people with a name, such as “Lapsed patients with a proposal”. "
                    "Write its rules once and use it in any campaign.",
                    rx.cond(
                        may("author"), ui.link_button("New segment", "/segments/new", icon="plus", main=True)
                    ),
                    data_testid="empty-segments",
                )
            ),
        ),
    )


def _card(row: rx.Var[SegmentCard]) -> rx.Component:
    return rx.el.li(
        ui.card(
            rx.flex(
                rx.el.h2(
                    rx.el.a(
                        row.name,
                        href=f"/segments/{row.id}",
                        class_name="cm-plain-link",
                        data_testid="segment-link",
                    ),
                    **tokens.text("subheading"),
                    color=tokens.INK,
                    margin="0",
                    flex="1",
                    min_width="0",
                    overflow_wrap="anywhere",
                ),
                rx.cond(may("author"), _menu(row)),
                gap="8px",
                align="start",
            ),
            ui.small(row.sentence, flex="1"),
            rx.flex(
                rx.box(
                    rx.el.div(
                        row.size, **tokens.text("figure"), color=tokens.INK, data_testid="segment-size"
                    ),
                    ui.small(row.counted),
                    rx.cond(row.trend != "", ui.small(row.trend)),
                    flex="1",
                ),
                rx.cond(row.points.length() > 1, ui.spark(row.points, width="130px", flex="none")),
                gap="16px",
                align="end",
            ),
            class_name="cm-card cs-card",
        ),
        data_testid="segment-card",
    )


def _menu(row: rx.Var[SegmentCard]) -> rx.Component:
    return rx.menu.root(
        rx.menu.trigger(ui.icon_button(f"Actions for {row.name}", icon="ellipsis", size="2", pixels=18)),
        rx.menu.content(
            rx.menu.item("Open", on_select=rx.redirect(f"/segments/{row.id}")),
            rx.menu.item(
                "Remove", on_select=Segments.archive(row.id), color_scheme="red", data_testid="remove-segment"
            ),
            min_width="160px",
        ),
    )
