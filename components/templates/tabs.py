"""The two kinds of templates: whole journeys, and single messages."""

import reflex as rx


def tabs(active: str) -> rx.Component:
    def link(key: str, words: str, href: str) -> rx.Component:
        here = {"aria_current": "page"} if key == active else {}
        return rx.el.a(words, href=href, class_name="cm-chip", data_testid=f"tab-{key}", **here)

    return rx.el.nav(
        link("journeys", "Journeys", "/templates"),
        link("messages", "Messages", "/templates/messages"),
        aria_label="Kinds of templates",
        class_name="cm-chips",
    )
