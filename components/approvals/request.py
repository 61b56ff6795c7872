"""One request: decision first, then what it will do, what people will read, and who they are."""

import reflex as rx

from components import tokens, ui
from components.versions.drawing import changes as step_changes
from components.versions.drawing import drawing, switch
from state.approval_rows import Inside, Remark, Said, Told
from state.approvals import Approval
from state.drawing import Drawing


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
        ui.field(
            "Approved until",
            "until",
            type="date",
            value=Approval.until,
            on_change=Approval.set_until,
            hint="Optional. The campaign is paused after this day and needs a new approval.",
        ),
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
            wrap="wrap",
            class_name="cm-decide",
        ),
        on_submit=Approval.approve,
        display="flex",
        flex_direction="column",
        gap="14px",
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
            ),
            rx.cond(
                (Approval.changes.length() == 0) & (Drawing.changes.length() == 0),
                ui.body("Nothing that people notice."),
            ),
            rx.cond(
                Drawing.changes.length() > 0,
                rx.fragment(
                    rx.flex(switch(), margin="4px 0 14px"),
                    rx.cond(Drawing.view == "list", step_changes(), drawing()),
                ),
            ),
            rx.cond(
                Approval.audience_was != "",
                _before_now("Who it is for", Approval.audience_was, Approval.read_back),
            ),
            rx.foreach(Approval.reworded, lambda one: _before_now(one.where, one.before, one.now)),
            hint="Compared with the version approved before",
            data_testid="changes",
        ),
    )


def _before_now(where: rx.Var[str] | str, before: rx.Var[str], now: rx.Var[str]) -> rx.Component:
    """Words as they were, beside the words as they are."""
    return rx.box(
        rx.el.h3(where, **tokens.text("label"), color=tokens.INK, margin="14px 0 8px"),
        rx.el.div(
            rx.el.div(rx.el.strong("Before"), "\n", before, color=tokens.QUIET),
            rx.el.div(rx.el.strong("Now"), "\n", now, color=tokens.INK),
            class_name="cm-before-now",
            **tokens.text("small"),
        ),
        data_testid="before-now",
    )


def risks() -> rx.Component:
    """What to look at before deciding; nothing when there is nothing."""
    return rx.cond(
        Approval.risks.length() > 0,
        ui.section(
            "Look at this first",
            rx.flex(
                rx.foreach(
                    Approval.risks,
                    lambda one: ui.notice(one.sentence, tone=one.tone, icon="triangle-alert"),
                ),
                direction="column",
                gap="10px",
            ),
            data_testid="risks",
        ),
    )


def forecast() -> rx.Component:
    return ui.section(
        "Forecast",
        rx.cond(
            Approval.forecast != "",
            ui.body(Approval.forecast, data_testid="forecast-headline"),
            rx.skeleton(height="20px", width="80%"),
        ),
        ui.link_button("See the forecast", f"/campaigns/{Approval.campaign_id}/forecast", icon="trending-up"),
    )


def thread() -> rx.Component:
    return ui.section(
        "Remarks",
        rx.el.ul(
            rx.foreach(Approval.comments, _remark), list_style="none", padding="0", margin="0", role="log"
        ),
        rx.cond(
            Approval.may_comment,
            rx.el.form(
                ui.area("Add a remark", "remark", required=True, max_length=2000),
                rx.flex(
                    ui.quiet("Add", icon="send", type="submit", data_testid="add-remark"),
                    justify="end",
                    margin_top="10px",
                ),
                on_submit=Approval.remark,
            ),
        ),
        hint="Everybody who reads this request sees them. Name no patients here.",
    )


def _remark(one: rx.Var[Remark]) -> rx.Component:
    return rx.el.li(
        ui.small(rx.el.strong(one.person), " · ", one.at),
        ui.body(one.words, white_space="pre-wrap"),
        padding="0 0 12px",
        data_testid="remark",
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
        dir=said.direction,
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
        rx.cond(
            said.subject != "",
            ui.body(said.subject, font_weight="600", margin_bottom="4px", dir=said.direction),
        ),
        rx.cond(said.preheader != "", ui.small(said.preheader, margin_bottom="8px", dir=said.direction)),
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
        rx.cond(Approval.people_change != "", ui.small(Approval.people_change)),
        ui.body(Approval.read_back, margin="14px 0 10px"),
        rx.el.ul(rx.foreach(Approval.left_out, lambda left: ui.counted(left.sentence, left.people)), padding="0", margin="0"),
        hint="Counted this moment; checked again for each person before each message",
    )  # fmt: skip


def request() -> rx.Component:
    return rx.cond(
        Approval.loading,
        rx.box(ui.blocks(3), ui.blocks(2), class_name="cm-two"),
        rx.flex(
            risks(),
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
                rx.flex(
                    decision(),
                    who(),
                    forecast(),
                    thread(),
                    direction="column",
                    gap="24px",
                    class_name="cm-first cm-stick",
                ),
                class_name="cm-two",
            ),
            direction="column",
            gap="24px",
        ),
    )
