"""One segment: rules on the left, and beside them who is in it, who is not reached, and its history."""

from typing import Any

import reflex as rx

from components import tokens, ui
from components.layout import head
from components.rule_editor import answer, excluded, kinds, rule_editor, sample
from state import words
from state.segment_editor import SegmentEditor


def editor() -> rx.Component:
    return rx.cond(
        SegmentEditor.ready,
        rx.cond(SegmentEditor.missing, _missing(), rx.fragment(_head(), _notes(), _body())),
        rx.fragment(rx.skeleton(height="40px", width="320px"), ui.blocks(2)),
    )


def _missing() -> rx.Component:
    return ui.card(
        ui.empty(
            "shapes",
            "This segment does not exist",
            "It may have been removed, or the address is not complete.",
            ui.link_button("To the segments", "/segments", main=True),
            data_testid="segment-missing",
        )
    )


def _head() -> rx.Component:
    name = rx.cond(
        SegmentEditor.id == "new",
        "New segment",
        rx.cond(SegmentEditor.name != "", SegmentEditor.name, "Segment"),
    )
    return head(
        name,
        "Saved segments can be used in any campaign. Campaigns that use one follow its rules from the moment it is saved.",
        rx.cond(
            SegmentEditor.editable,
            rx.fragment(
                ui.icon_button(
                    "Undo",
                    icon="undo-2",
                    on_click=SegmentEditor.undo,
                    disabled=~SegmentEditor.can_undo,
                    data_testid="undo",
                ),
                ui.icon_button(
                    "Redo",
                    icon="redo-2",
                    on_click=SegmentEditor.redo,
                    disabled=~SegmentEditor.can_redo,
                    data_testid="redo",
                ),
                ui.primary(
                    rx.cond(SegmentEditor.dirty | (SegmentEditor.id == "new"), "Save", "Saved"),
                    icon="check",
                    on_click=SegmentEditor.save,
                    disabled=(SegmentEditor.unfinished > 0)
                    | ~(SegmentEditor.dirty | (SegmentEditor.id == "new")),
                    data_testid="save-segment",
                ),
            ),
        ),
        back=("Segments", "/segments"),
    )


def _notes() -> rx.Component:
    return rx.fragment(
        rx.cond(
            SegmentEditor.archived,
            ui.notice(
                "This segment was removed. Campaigns that use it go on.", tone="neutral", icon="archive"
            ),
        ),
        rx.cond(
            SegmentEditor.editable & (SegmentEditor.unfinished > 0),
            ui.notice("Finish or remove the unfinished rules, then save.", tone="warn", icon="circle-dashed"),
        ),
        rx.cond(
            SegmentEditor.conflict,
            ui.saved_meanwhile(
                "segment", SegmentEditor.settle, mine="Save mine over it", data_testid="segment-conflict"
            ),
        ),
    )


def _body() -> rx.Component:
    return rx.el.div(
        rx.flex(_named(), _rules(), direction="column", gap="24px", min_width="0"),
        rx.el.aside(_beside(), aria_label="Who is in it", class_name="cs-beside"),
        class_name="cs-two",
    )


def _named() -> rx.Component:
    def line(name: str, key: str, value: Any, on_change: Any, **props: Any) -> rx.Component:
        return ui.live_field(
            name, key, value, on_change, editable=SegmentEditor.editable, grow="1 1 240px", **props
        )

    return ui.card(
        rx.flex(
            line(
                "Name",
                "segment-name",
                SegmentEditor.name,
                SegmentEditor.rename,
                max_length=120,
                required=True,
            ),
            line(
                "What it is for",
                "segment-description",
                SegmentEditor.description,
                SegmentEditor.describe,
                max_length=2000,
            ),
            gap="16px",
            wrap="wrap",
        ),
        rx.box(
            ui.label("Who it is for", as_="div"),
            kinds(SegmentEditor.kinds, SegmentEditor.toggle_kind, SegmentEditor.editable),
            margin_top="18px",
        ),
    )


def _rules() -> rx.Component:
    def side(which: str) -> Any:
        return lambda what, path, part, value: SegmentEditor.rule(which, what, path, part, value)

    return rx.fragment(
        ui.section(
            "They are in when",
            rule_editor(
                SegmentEditor.who, side("include"), key="include", name="Who is in", all_words="They meet",
                add_words="Add a rule", editable=SegmentEditor.editable,
            ),
            hint="Drag a rule by its grip to reorder it or to put it into a group; the arrow keys do the same.",
        ),
        ui.section(
            "But leave out",
            rule_editor(
                SegmentEditor.left_out, side("exclude"), key="exclude", name="Who is left out",
                all_words="Whoever meets", add_words="Leave people out", editable=SegmentEditor.editable,
            ),
        ),
    )  # fmt: skip


def _beside() -> rx.Component:
    channels = ui.chips(
        "Reached by",
        *[
            ui.chip(name, on=SegmentEditor.channel == key, on_click=SegmentEditor.choose_channel(key))
            for key, name in words.CHANNELS.items()
        ],
    )
    return ui.card(
        answer(SegmentEditor),
        _block("Reached by", channels),
        rx.cond(
            SegmentEditor.excluded.length() > 0,
            _block("Why some are not reached now", excluded(SegmentEditor)),
        ),
        rx.cond(SegmentEditor.sample.length() > 0, _block("For example", sample(SegmentEditor))),
        rx.cond(SegmentEditor.id != "new", _block("Size over time", _history())),
        class_name="cm-card cs-beside-card",
    )


def _history() -> rx.Component:
    return rx.cond(
        SegmentEditor.sizes.length() > 1,
        rx.fragment(
            ui.spark(SegmentEditor.sizes),
            ui.small(SegmentEditor.trend),
            rx.el.details(
                rx.el.summary("Every count", class_name="cm-summary"),
                rx.el.ul(
                    rx.foreach(
                        SegmentEditor.sizes,
                        lambda one: rx.el.li(
                            rx.el.span(one["day"].to(str), flex="1"),
                            rx.el.b(one["value"].to(int).to_string()),
                            class_name="cb-line",
                        ),
                    ),
                    class_name="cb-list",
                ),
            ),
        ),
        ui.small("Counted once a day and whenever it is saved; the line begins with the second count."),
    )


def _block(name: str, *children: rx.Component) -> rx.Component:
    return rx.el.section(
        rx.el.h3(name, **tokens.text("label"), color=tokens.INK, margin="0 0 10px"),
        *children,
        aria_label=name,
    )
