"""One person: facts, consents, journeys, and stopping marketing."""

import reflex as rx

from components import tokens, ui
from components.people.followups import planned
from components.people.privacy import privacy
from components.people.story import story
from components.people.why_not import why_not
from state.people import Consent, Enrolled, Fact, Person
from state.session import may


def actions() -> rx.Component:
    return rx.cond(
        may("suppress"),
        rx.cond(
            Person.stopped,
            ui.primary(
                "Allow marketing again",
                icon="play",
                on_click=Person.ask(True),
                data_testid="resume-marketing",
            ),
            ui.quiet(
                "Stop marketing to this person",
                icon="hand",
                on_click=Person.ask(True),
                data_testid="stop-marketing",
            ),
        ),
    )


def ask() -> rx.Component:
    stop = "Nothing more is sent from this moment, and running journeys wait. Say why."
    again = "Consent and every other rule are asked anew at each step. Say why."
    return ui.form_dialog(
        rx.cond(Person.stopped, "Allow marketing again", "Stop marketing to this person"),
        rx.cond(Person.stopped, again, stop),
        ui.area("Reason", "reason", required=True, max_length=500, auto_focus=True),
        go=rx.cond(Person.stopped, "Allow marketing", "Stop marketing"),
        leave=Person.ask,
        open=Person.asking,
        on_submit=Person.decide,
        data_testid="confirm-marketing",
    )


def stops() -> rx.Component:
    return rx.foreach(
        Person.stops, lambda s: ui.notice(s, tone="danger", icon="hand", data_testid="suppression")
    )


def _fact(fact: rx.Var[Fact]) -> rx.Component:
    return ui.fact(
        fact.name,
        fact.value,
        overflow_wrap="anywhere",
        display="grid",
        grid_template_columns="92px minmax(0, 1fr)",
        align_items="baseline",
        gap="12px",
    )


def facts() -> rx.Component:
    return ui.section(
        "Who",
        rx.el.dl(
            rx.foreach(Person.facts, _fact),
            display="flex",
            flex_direction="column",
            gap="8px",
            margin="0",
        ),
    )


def _consent(consent: rx.Var[Consent]) -> rx.Component:
    return rx.el.li(
        rx.box(ui.body(consent.channel, font_weight="540"), ui.small(consent.since), flex="1"),
        ui.pill(consent.state, consent.tone),
        display="flex",
        align_items="center",
        gap="12px",
        padding="10px 0",
        border_top=f"1px solid {tokens.LINE}",
        data_testid="consent",
    )


def consents() -> rx.Component:
    return ui.section(
        "Marketing consent",
        rx.el.ul(rx.foreach(Person.consents, _consent), padding="0", margin="0"),
        hint="Per channel. What is not given counts as no.",
    )


def _enrolled(row: rx.Var[Enrolled]) -> rx.Component:
    return rx.el.li(
        rx.flex(
            rx.el.a(row.campaign, href=row.href, class_name="cm-plain-link", font_weight="580", flex="1"),
            ui.pill(row.state, row.tone),
            gap="12px",
            align="start",
        ),
        rx.cond(row.step != "", ui.small("At: ", row.step)),
        rx.cond(row.next != "", ui.small(row.next)),
        rx.cond(row.why != "", ui.small(row.why)),
        padding="12px 0",
        border_top=f"1px solid {tokens.LINE}",
        list_style="none",
        data_testid="enrolment",
    )


def journeys() -> rx.Component:
    return ui.section(
        "Journeys",
        rx.cond(
            Person.enrolments.length() > 0,
            rx.el.ul(rx.foreach(Person.enrolments, _enrolled), padding="0", margin="0"),
            ui.small("This person is in no journey."),
        ),
    )


def person() -> rx.Component:
    return rx.cond(
        Person.loading,
        rx.box(ui.blocks(3), ui.blocks(2), class_name="cm-two"),
        rx.box(
            rx.flex(why_not(), story(), direction="column", gap="24px", min_width="0"),
            rx.flex(
                planned(),
                facts(),
                consents(),
                journeys(),
                privacy(),
                direction="column",
                gap="24px",
                class_name="cm-first",
            ),
            class_name="cm-two",
        ),
    )
