"""In the place of a journey that cannot be read: what is wrong, where, and what can be done."""

import reflex as rx

from components import tokens, ui
from state.builder import Builder
from state.session import may


def unreadable() -> rx.Component:
    return rx.box(
        ui.card(
            ui.heading("This journey cannot be read"),
            ui.body(
                "What is stored of it is damaged, or was made by another release. It stays as it is until somebody "
                "restores a version.",
                margin_top="6px",
            ),
            rx.el.ul(
                rx.foreach(Builder.unreadable, lambda said: rx.el.li(said, **tokens.text("body"))),
                padding_left="20px",
                margin="16px 0",
                data_testid="what-is-wrong",
            ),
            rx.flex(
                rx.cond(
                    may("author") & (Builder.good_version != ""),
                    ui.primary(
                        "Restore " + Builder.good_version,
                        icon="history",
                        on_click=Builder.restore_good,
                        data_testid="restore-good",
                    ),
                ),
                ui.link_button("Versions", "/campaigns/" + Builder.id + "/versions", icon="git-compare"),
                rx.cond(
                    may("manage"),
                    ui.link_button(
                        "Download the text for support",
                        "/api/v1/campaigns/" + Builder.id + "/stored",
                        icon="download",
                        file=True,
                        data_testid="download-stored",
                    ),
                ),
                gap="10px",
                wrap="wrap",
            ),
            max_width="720px",
            margin="48px auto",
        ),
        padding="0 20px",
        data_testid="unreadable",
    )
