"""The journey as a drawing on paper: black lines on white, a shape and a sign for each kind of step."""

import reflex as rx

from state.print_sheet import Card, PrintSheet, Word


def figure() -> rx.Component:
    """One SVG, as large as the sheet allows; the outline below has the same numbers."""
    return rx.el.figure(
        rx.el.svg(
            rx.el.title("The journey as a drawing. The numbered list below says the same in words."),
            rx.el.defs(
                rx.el.svg.marker(
                    rx.el.svg.path(d="M0 0 7 3.5 0 7Z"),
                    id="cp-arrow",
                    custom_attrs={
                        "viewBox": "0 0 7 7", "refX": "7", "refY": "3.5", "markerWidth": "7", "markerHeight": "7",
                        "orient": "auto", "markerUnits": "userSpaceOnUse",
                    },
                )
            ),
            rx.foreach(
                PrintSheet.lines,
                lambda line: rx.el.svg.path(d=line.path, class_name=rx.cond(line.arrow, "cp-way cp-arrow", "cp-way")),
            ),
            rx.foreach(PrintSheet.cards, _card),
            rx.foreach(PrintSheet.labels, _word),
            view_box=PrintSheet.view_box,
            style={"width": PrintSheet.drawn_width},
            role="img",
            aria_label="The journey as a drawing",
            data_testid="drawn-flow",
        ),
        rx.cond(
            PrintSheet.compact,
            rx.el.figcaption(
                "There are too many steps to name them here: each number is the one in the list below."
            ),
        ),
        class_name="cp-figure",
    )  # fmt: skip


def _card(card: rx.Var[Card]) -> rx.Component:
    return rx.el.svg.g(
        rx.el.svg.path(d=card.shape, class_name="cp-card", data_kind=card.kind),
        rx.el.svg.g(rx.el.svg.path(d=card.sign, class_name="cp-sign"), transform=card.sign_place),
        rx.foreach(card.words, _word),
        transform=card.place,
    )


def _word(word: rx.Var[Word]) -> rx.Component:
    return rx.el.svg.text(word.text, x=word.x, y=word.y, class_name="cp-word cp-" + word.what)
