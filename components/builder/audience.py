"""The audience panel: who it is for, who of them can be reached, and why the others cannot."""

import reflex as rx

from components import tokens, ui
from components.rule_editor import answer, excluded, kinds, rule_editor, sample
from state.builder import Builder
from state.builder_audience import AudiencePanel


def audience() -> rx.Component:
    return rx.fragment(
        answer(AudiencePanel),
        rx.box(
            ui.label("Who it is for", as_="div"),
            kinds(Builder.kinds, AudiencePanel.toggle_kind, Builder.editable),
        ),
        _block(
            "They are in when",
            rule_editor(
                Builder.who,
                lambda what, path, part, value: AudiencePanel.rule("include", what, path, part, value),
                key="include",
                name="Who is in",
                editable=Builder.editable,
                all_words="They meet",
                add_words="Add a rule",
            ),
        ),
        _block(
            "But leave out",
            rule_editor(
                Builder.left_out,
                lambda what, path, part, value: AudiencePanel.rule("exclude", what, path, part, value),
                key="exclude",
                name="Who is left out",
                editable=Builder.editable,
                all_words="Whoever meets",
                add_words="Leave people out",
            ),
        ),
        rx.cond(
            AudiencePanel.excluded.length() > 0,
            _block("Why some are not reached now", excluded(AudiencePanel)),
        ),
        rx.cond(AudiencePanel.sample.length() > 0, _block("For example", sample(AudiencePanel))),
    )


def _block(name: str, *children: rx.Component) -> rx.Component:
    return rx.el.section(
        rx.el.h3(name, **tokens.text("label"), color=tokens.INK, margin="0 0 10px"),
        *children,
        aria_label=name,
    )
