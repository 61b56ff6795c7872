"""One message template."""

import reflex as rx

from components.layout import frame
from components.templates.editor import editor
from state.message_template import MessageTemplate
from state.session import Session

ROUTE = "/templates/messages/[template_id]"
TITLE = "Message template · Campaign Manager"
ON_LOAD = [Session.enter, MessageTemplate.load]


def page() -> rx.Component:
    return frame("templates", editor(), permission="read")
