"""One person."""

import reflex as rx

from components.layout import frame, head
from components.people.followups import dialogs, plan_button
from components.people.person import actions, ask, person, stops
from components.people.privacy import privacy_dialogs
from state.followups import Followups
from state.people import Person
from state.privacy import Privacy
from state.session import Session
from state.story import Story
from state.why_not import Why

ROUTE = "/people/[contact_id]"
TITLE = "Person · Campaign Manager"
ON_LOAD = [Session.enter, Person.load, Followups.load, Story.load, Why.load, Privacy.load]


def page() -> rx.Component:
    return frame(
        "people",
        head(
            rx.cond(Person.loading, "Person", Person.name),
            rx.cond(Person.loading, "", Person.kind),
            plan_button(),
            actions(),
            back=("People", "/people"),
        ),
        stops(),
        person(),
        ask(),
        dialogs(),
        privacy_dialogs(),
        permission="read",
    )
