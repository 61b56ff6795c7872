"""One person's planned messages: the list, the dialog that plans one, the one that takes it off."""

import reflex as rx

from components import tokens, ui
from state.followups import OWN_WORDS, Followup, Followups
from state.session import Session, may
from state.words import CHANNELS

MAY_PLAN = may("author") | may("manage")
MAY_CANCEL = may("author") | may("manage") | may("suppress")
WAYS = list(CHANNELS.items())


def plan_button() -> rx.Component:
    return rx.cond(
        MAY_PLAN,
        ui.quiet(
            "Plan a message", icon="calendar-plus", on_click=Followups.ask(True), data_testid="plan-message"
        ),
    )


def planned() -> rx.Component:
    return ui.section(
        "Planned messages",
        rx.cond(
            Followups.rows.length() > 0,
            rx.el.ul(rx.foreach(Followups.rows, _row), padding="0", margin="0", data_testid="followups"),
            ui.small(
                rx.cond(
                    MAY_PLAN,
                    "Nothing is planned. “Plan a message” writes once, to this person only, at the time you "
                    "choose. Consent and every other rule still hold.",
                    "Nothing is planned for this person.",
                ),
                data_testid="no-followups",
            ),
        ),
    )


def _row(row: rx.Var[Followup]) -> rx.Component:
    return rx.el.li(
        rx.flex(
            ui.body(row.when, font_weight="580", flex="1"),
            ui.pill(row.state, row.tone),
            gap="12px",
            align="start",
        ),
        ui.small(row.how, " · ", row.why, overflow_wrap="anywhere"),
        ui.small(row.more, overflow_wrap="anywhere"),
        rx.cond(
            row.open & MAY_CANCEL,
            ui.quiet(
                "Cancel it",
                size="2",
                margin_top="10px",
                on_click=Followups.ask_cancel(row.id),
                data_testid="cancel-followup",
            ),
        ),
        padding="12px 0",
        border_top=f"1px solid {tokens.LINE}",
        list_style="none",
        data_testid="followup",
    )


def dialogs() -> rx.Component:
    return rx.fragment(_plan(), _cancel())


def _plan() -> rx.Component:
    return ui.form_dialog(
        "Plan a message",
        "One message to this person. When its time comes, consent and every other rule are asked first.",
        rx.flex(
            ui.field(
                "When",
                "due",
                type="datetime-local",
                default_value=Followups.due,
                min=Followups.first_day,
                required=True,
                hint=rx.fragment("Practice time (", Session.zone, "). Their quiet hours are kept."),
            ),
            ui.choice(
                "What it says",
                "template",
                Followups.templates,
                value=Followups.template,
                on_change=Followups.choose_template,
            ),
            rx.cond(Followups.template == OWN_WORDS, _own_words()),
            ui.field(
                "Why", "why", required=True, max_length=500,
                hint="For colleagues. The person does not see it.",
            ),
            direction="column",
            gap="16px",
        ),
        go="Plan it",
        leave=Followups.ask,
        open=Followups.planning,
        on_submit=Followups.plan,
        data_testid="confirm-followup",
    )  # fmt: skip


def _own_words() -> rx.Component:
    subject = (Followups.channel == "email") | (Followups.channel == "in_app")
    other = (Followups.otherwise == "email") | (Followups.otherwise == "in_app")
    return rx.fragment(
        rx.flex(
            ui.choice(
                "By", "channel", WAYS, value=Followups.channel, on_change=Followups.choose_channel, grow="1"
            ),
            ui.choice(
                "If that is not possible",
                "otherwise",
                [("", "Do not send"), *WAYS],
                value=Followups.otherwise,
                on_change=Followups.choose_otherwise,
                grow="1",
            ),
            gap="12px",
            wrap="wrap",
        ),
        rx.cond(subject | other, ui.field("Subject", "subject", max_length=300)),
        ui.area(
            "Message",
            "body",
            required=True,
            max_length=20_000,
            rows="5",
            hint="“{{ contact.first_name }}” becomes their first name.",
        ),
    )


def _cancel() -> rx.Component:
    return ui.form_dialog(
        "Cancel this message",
        "It will not be sent. What you write here is shown to colleagues.",
        ui.area("Why", "note", required=True, max_length=500, auto_focus=True),
        go="Cancel the message",
        stay="Keep it",
        leave=Followups.keep,
        open=Followups.cancelling != "",
        on_submit=Followups.cancel,
        data_testid="confirm-cancel-followup",
    )
