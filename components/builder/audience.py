"""The audience panel: who it is for, who of them can be reached, and why the others cannot."""

import reflex as rx

from components import tokens, ui
from components.builder.rules import rules
from state.builder import Builder
from state.builder_audience import AudiencePanel, ExcludedRow, PersonRow


def audience() -> rx.Component:
    return rx.fragment(
        _answer(),
        rx.box(
            ui.label("Who it is for", as_="div"),
            ui.chips(
                "Who it is for",
                *[
                    _kind(key, words)
                    for key, words in (("lead", "Leads"), ("patient", "Patients"), ("partner", "Partners"))
                ],
                margin_top="8px",
            ),
        ),
        _block(
            "They are in when",
            rules(
                Builder.who,
                lambda what, index, part, value: AudiencePanel.rule("include", what, index, part, value),
                key="include",
                all_words="They meet",
                add_words="Add a rule",
            ),
        ),
        _block(
            "But leave out",
            rules(
                Builder.left_out,
                lambda what, index, part, value: AudiencePanel.rule("exclude", what, index, part, value),
                key="exclude",
                all_words="Whoever meets",
                add_words="Leave people out",
            ),
        ),
        rx.cond(AudiencePanel.excluded.length() > 0, _block("Why some are not reached now", _excluded())),
        rx.cond(AudiencePanel.sample.length() > 0, _block("For example", _sample())),
    )


def _block(name: str, *children: rx.Component) -> rx.Component:
    return rx.el.section(
        rx.el.h3(name, **tokens.text("label"), color=tokens.INK, margin="0 0 10px"),
        *children,
        aria_label=name,
    )


def _kind(key: str, words: str) -> rx.Component:
    return ui.chip(
        words,
        on=Builder.kinds.contains(key),
        on_click=AudiencePanel.toggle_kind(key),
        disabled=~Builder.editable,
        data_testid=f"kind-{key}",
    )


def _answer() -> rx.Component:
    """The two numbers that matter, kept in place while a new count runs."""
    return rx.box(
        rx.flex(
            _figure("In the audience", AudiencePanel.count, "audience-count"),
            _figure("Can be reached now", AudiencePanel.reachable, "audience-reach"),
            gap="20px",
        ),
        ui.bar(AudiencePanel.reachable_share, margin_top="12px"),
        rx.cond(
            AudiencePanel.problem != "",
            ui.notice(AudiencePanel.problem, tone="warn", icon="triangle-alert", margin_top="12px"),
            rx.cond(
                AudiencePanel.sentence != "",
                ui.small(AudiencePanel.sentence, margin_top="12px", data_testid="audience-sentence"),
                ui.small("No rules yet, so nobody is in the audience.", margin_top="12px"),
            ),
        ),
        aria_live="polite",
        aria_busy=AudiencePanel.counting,
        class_name="cb-answer",
    )


def _figure(name: str, value: rx.Var[str], test: str) -> rx.Component:
    return rx.box(
        ui.small(name),
        rx.el.div(
            rx.cond(value != "", value, "–"), **tokens.text("figure"), color=tokens.INK, data_testid=test
        ),
        flex="1",
    )


def _excluded() -> rx.Component:
    def line(row: rx.Var[ExcludedRow]) -> rx.Component:
        return rx.el.li(
            rx.el.span(row.sentence, flex="1"),
            rx.el.b(row.count, font_variant_numeric="tabular-nums"),
            class_name="cb-line",
        )

    return rx.el.ul(
        rx.foreach(AudiencePanel.excluded, line), class_name="cb-list", data_testid="audience-excluded"
    )


def _sample() -> rx.Component:
    def person(row: rx.Var[PersonRow]) -> rx.Component:
        return rx.el.li(rx.el.span(row.name, flex="1"), ui.label(row.kind), class_name="cb-line")

    return rx.el.ul(rx.foreach(AudiencePanel.sample, person), class_name="cb-list")
