"""Other ways to look at a campaign from the builder: panels beside it, and pages of their own."""

from typing import Any

import reflex as rx

from components import ui
from components.builder.proofs import proof_button
from state.builder import Builder
from state.builder_audience import AudiencePanel
from state.builder_outline import Outline
from state.builder_people import StepPeople


def views() -> rx.Component:
    return rx.flex(
        _journey_as(),
        _panel(
            "audience",
            rx.icon("users", size=16, aria_hidden="true"),
            rx.el.span("Audience"),
            rx.cond(AudiencePanel.counted, rx.el.b(AudiencePanel.reachable)),
            on_click=AudiencePanel.open,
        ),
        _problems(),
        _panel(
            "settings",
            rx.icon("sliders-horizontal", size=16, aria_hidden="true"),
            aria_label="Aim and kind of campaign",
            title="Aim and kind of campaign",
        ),
        rx.cond(
            (Builder.state == "active") | (Builder.state == "paused"),
            _panel(
                "people",
                rx.icon("user-round-check", size=16, aria_hidden="true"),
                aria_label="Who is inside now",
                title="Who is inside now",
                on_click=StepPeople.overview,
            ),
        ),
        rx.cond(
            Builder.state != "draft",
            rx.el.a(
                rx.icon("history", size=16, aria_hidden="true"),
                rx.el.span("Runs"),
                href="/runs?campaign=" + Builder.id,
                aria_label="Runs",
                title="Runs",
                class_name="cb-look cb-look-runs",
                data_testid="open-runs",
            ),
        ),
        _page("Forecast", "trending-up", "forecast"),
        _page("Test walk", "footprints", "walk"),
        proof_button(),
        _more(),
        gap="6px",
        class_name="cb-looks",
    )


def _panel(key: str, *inside: rx.Component, **props: Any) -> rx.Component:
    """A button that opens a panel beside the journey."""
    deed = {"on_click": Builder.open_panel(key), **props}
    return rx.el.button(
        *inside,
        type="button",
        aria_pressed=Builder.panel == key,
        class_name="cb-look",
        data_testid=f"open-{key}",
        **deed,
    )


def _problems() -> rx.Component:
    some = Builder.problems.length() > 0
    return _panel(
        "problems",
        rx.cond(
            some,
            rx.icon("triangle-alert", size=16, aria_hidden="true"),
            rx.icon("circle-check", size=16, aria_hidden="true"),
        ),
        rx.cond(
            some,
            rx.fragment(rx.el.b(Builder.problems.length()), rx.el.span("to fix")),
            rx.el.span("No problems"),
        ),
        data_tone=rx.cond(Builder.blocking > 0, "danger", rx.cond(some, "warn", "ok")),
    )


def _journey_as() -> rx.Component:
    """The journey drawn, or as an outline; each person's choice is kept in their browser."""

    return ui.view_switch(
        "How the journey is shown",
        [("canvas", "Canvas", "workflow"), ("outline", "Outline", "list-tree")],
        now=Builder.view,
        choose=Outline.set_view,
    )


def _more() -> rx.Component:
    def entry(name: str, icon: str, where: str) -> rx.Component:
        return rx.dropdown_menu.item(
            rx.icon(icon, size=16, aria_hidden="true"),
            name,
            on_select=rx.redirect(f"/campaigns/{Builder.id}/{where}"),
            data_testid=f"open-{where}",
        )

    return rx.dropdown_menu.root(
        rx.dropdown_menu.trigger(
            rx.el.button(
                rx.icon("ellipsis", size=16, aria_hidden="true"),
                type="button",
                aria_label="More",
                title="More",
                class_name="cb-look",
                data_testid="open-more",
            )
        ),
        rx.dropdown_menu.content(
            entry("Versions", "git-compare", "versions"), entry("Print", "printer", "print"), variant="soft"
        ),
    )


def _page(name: str, icon: str, where: str) -> rx.Component:
    return rx.el.a(
        rx.icon(icon, size=16, aria_hidden="true"),
        href=f"/campaigns/{Builder.id}/{where}",
        aria_label=name,
        title=name,
        class_name="cb-look",
        data_testid=f"open-{where}",
    )
