"""The proof run dialog: what it is in a sentence, a button, and what the last runs found."""

import reflex as rx

from components import tokens, ui
from state.proofs import Proofs, Run
from state.session import may


def proof_button() -> rx.Component:
    return rx.el.button(
        rx.icon("flask-conical", size=16, aria_hidden="true"),
        type="button",
        aria_label="Proof run",
        title="Proof run: everything but the sending",
        on_click=Proofs.show(True),
        class_name="cb-look",
        data_testid="open-proofs",
    )


def proofs() -> rx.Component:
    return ui.dialog(
        "Proof run",
        "The whole campaign runs as if it began now, to its last day, but nothing is sent. You see who would be written to, "
        "who would not, and why.",
        rx.cond(
            Proofs.runs.length() > 0,
            rx.el.ul(rx.foreach(Proofs.runs, _run), padding="0", margin="0", aria_live="polite"),
            ui.small(
                "There has been no proof run yet. It takes seconds for a practice, and leaves limits, figures and "
                "people’s history as they are. The evidence comes as files with a seal.",
                data_testid="no-proofs",
            ),
        ),
        rx.flex(
            ui.quiet("Close", on_click=Proofs.show(False)),
            rx.cond(
                may("author"),
                ui.primary(
                    "Start a proof run",
                    icon="play",
                    on_click=Proofs.start,
                    disabled=Proofs.busy,
                    data_testid="start-proof",
                ),
            ),
            gap="12px",
            justify="end",
            margin_top="18px",
        ),
        open=Proofs.open,
        on_open_change=Proofs.show,
    )


def _run(run: rx.Var[Run]) -> rx.Component:
    return rx.el.li(
        rx.flex(ui.small(run.when, flex="1"), ui.pill(run.state, run.tone), gap="12px", align="center"),
        ui.body(run.said, margin_top="6px"),
        rx.foreach(run.reasons, lambda reason: ui.small(reason, margin_top="4px")),
        rx.cond(
            run.href != "",
            ui.link_button(
                "Download the evidence", run.href, icon="download", file=True, size="2", margin_top="12px"
            ),
        ),
        padding="14px 0",
        border_top=f"1px solid {tokens.LINE}",
        list_style="none",
        data_testid="proof-run",
    )
