"""One request: decision first, then what it will do, what people will read, and who they are."""

import reflex as rx

from components import tokens, ui
from state.approvals import Approval, Inside, Said, Told


def decision() -> rx.Component:
    """Approve, or send back with a note; or why this person cannot."""
    waiting = ui.notice(
        rx.el.strong("Waiting for someone else. "),
        Approval.why_not,
        tone="warn",
        icon="hourglass",
        data_testid="why-not",
    )
    buttons = rx.el.form(
        ui.field("Note for the record", "note", placeholder="Optional", max_length=2000),
        rx.flex(
            ui.primary("Approve", icon="check", type="submit", flex="1 1 auto", data_testid="approve"),
            ui.quiet(
                "Send back",
                icon="undo-2",
                type="button",
                on_click=Approval.ask_back(True),
                flex="1 1 auto",
                data_testid="send-back",
            ),
            gap="12px",
            margin_top="16px",
        ),
        on_submit=Approval.approve,
    )
    return ui.section(
        "Your decision",
        rx.cond(
            Approval.decided != "",
            ui.notice(Approval.decided, tone="info", data_testid="decided"),
            rx.cond(Approval.may_decide, buttons, waiting),
        ),
        _back(),
        hint=Approval.starts,
    )


def _back() -> rx.Component:
    return ui.dialog(
        "Send back",
        "Say what should change. The author sees your note; the campaign stays as it is.",
        rx.el.form(
            ui.area("What should change", "back", required=True, max_length=2000, auto_focus=True),
            ui.decisions("Send back", away=Approval.ask_back(False), data_testid="confirm-send-back"),
            on_submit=Approval.send_back,
        ),
        open=Approval.asking,
        on_open_change=Approval.ask_back,
    )


def _sentence(sentence: rx.Var[str]) -> rx.Component:
    return rx.el.li(sentence, **tokens.text("body"), padding="0 0 8px")


def summary() -> rx.Component:
    return ui.section(
        "What it will do",
        rx.el.ol(
            rx.foreach(Approval.summary, _sentence),
            list_style="none",
            padding="0",
            margin="0",
            data_testid="summary",
        ),
        hint="In plain words, from the first step to the last",
    )


def changes() -> rx.Component:
    return rx.cond(
        Approval.first_time,
        None,
        ui.section(
            "What changed",
            rx.cond(
                Approval.changes.length() > 0,
                rx.el.ul(rx.foreach(Approval.changes, _sentence), padding_left="20px", margin="0"),
                ui.body("Nothing that people notice."),
            ),
            hint="Compared with the version approved before",
            data_testid="changes",
        ),
    )


def inside() -> rx.Component:
    """What becomes of people who are in the journey while it changes (D8)."""
    return rx.cond(
        Approval.inside.length() > 0,
        ui.section(
            "People inside now",
            rx.el.ul(rx.foreach(Approval.inside, _inside), list_style="none", padding="0", margin="0"),
            hint="Counted when approval was asked for; it happens the moment you approve",
            data_testid="inside",
        ),
    )


def _inside(one: rx.Var[Inside]) -> rx.Component:
    return rx.el.li(
        rx.el.strong(one.who), rx.el.span(" ", one.what), **tokens.text("body"), padding="0 0 8px"
    )


def _said(said: rx.Var[Said]) -> rx.Component:
    paper = rx.el.iframe(
        src_doc=said.text,
        sandbox="",
        title=said.words,
        width="100%",
        height="400px",
        background="white",
        class_name="cm-paper",
    )
    bubble = rx.el.div(
        said.text,
        **tokens.text("body"),
        white_space="pre-wrap",
        overflow_wrap="anywhere",
        padding="12px 16px",
        border_radius="14px",
        background="var(--gray-a2)",
        border=f"1px solid {tokens.LINE}",
    )
    return rx.box(
        ui.small(said.words, font_weight="560", margin_bottom="6px"),
        rx.cond(said.subject != "", ui.body(said.subject, font_weight="600", margin_bottom="8px")),
        rx.cond(said.html, paper, bubble),
        margin_top="14px",
    )


def _told(told: rx.Var[Told]) -> rx.Component:
    return rx.box(
        rx.el.h3(told.title, **tokens.text("subheading"), margin="0", color=tokens.INK),
        rx.foreach(told.said, _said),
        padding="18px 0",
        border_top=f"1px solid {tokens.LINE}",
    )


def messages() -> rx.Component:
    return ui.section(
        "What people will read",
        rx.foreach(Approval.messages, _told),
        hint="Filled in for an example person; each gets their own name and dates",
    )


def who() -> rx.Component:
    return ui.section(
        "Who",
        rx.el.div(
            Approval.reachable, **tokens.text("figure"), color=tokens.INK, data_testid="reachable"
        ),
        ui.small(
            "can be written to now, of ", Approval.people, " in the audience (",
            Approval.people_then, " when approval was asked)",
        ),
        ui.body(Approval.read_back, margin="14px 0 10px"),
        rx.el.ul(rx.foreach(Approval.left_out, lambda left: ui.counted(left.sentence, left.people)), padding="0", margin="0"),
        hint="Counted this moment; checked again for each person before each message",
    )  # fmt: skip


def request() -> rx.Component:
    return rx.cond(
        Approval.loading,
        rx.box(ui.blocks(3), ui.blocks(2), class_name="cm-two"),
        rx.box(
            rx.flex(
                changes(),
                inside(),
                summary(),
                messages(),
                direction="column",
                gap="24px",
                class_name="cm-second",
            ),
            rx.flex(decision(), who(), direction="column", gap="24px", class_name="cm-first cm-stick"),
            class_name="cm-two",
        ),
    )
