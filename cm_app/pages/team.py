"""People and roles, a part of the settings."""

import reflex as rx

from components import ui
from components.layout import frame, head
from components.settings.team import invite_dialog, matrix, outside, people, person_dialog, role_dialog
from state.session import Session
from state.team import Team

ROUTE = "/settings/team"
TITLE = "People and roles · Campaign Manager"
ON_LOAD = [Session.enter, Team.load]


def page() -> rx.Component:
    return frame(
        "settings",
        head(
            "People and roles",
            "Who can sign in, and what each role lets them do.",
            ui.quiet("New role", icon="plus", on_click=Team.edit(""), data_testid="new-role"),
            ui.primary(
                "New account", icon="user-plus", on_click=Team.choose_person(""), data_testid="new-person"
            ),
            back=("Settings", "/settings"),
        ),
        rx.flex(people(), matrix(), outside(), direction="column", gap="24px"),
        role_dialog(),
        person_dialog(),
        invite_dialog(),
        permission="people",
    )
