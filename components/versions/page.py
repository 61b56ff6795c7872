"""Versions, and what differs between any two: as one drawing, or as the outline with its marks; beside it each
step field by field. A mark is a word and a sign, never colour alone."""

import reflex as rx

from components import tokens, ui
from components.versions.drawing import changes, drawing, mark, switch
from state.drawing import Drawing
from state.versions import NOTHING, Line, VersionLine, Versions


def page() -> rx.Component:
    return rx.cond(
        Versions.loading,
        ui.blocks(3),
        rx.el.div(_story(), _comparison(), class_name="cv-page"),
    )


def _story() -> rx.Component:
    return ui.section(
        "Versions",
        rx.el.ol(
            rx.el.li(
                rx.flex(
                    rx.el.strong("The draft"),
                    rx.cond(Versions.editable, ui.pill("Can be edited", "neutral")),
                    gap="8px",
                    align="center",
                    wrap="wrap",
                ),
                ui.small(Versions.draft_words),
                rx.el.a("Open in the builder", href="/campaigns/" + Versions.id, class_name="cv-link"),
                class_name="cv-version",
                data_testid="draft-line",
            ),
            rx.foreach(Versions.rows, _version),
            class_name="cv-list",
        ),
        rx.cond(
            Versions.rows.length() == 0,
            ui.small("There is no version yet. Asking for approval makes the first; every version stays."),
        ),
    )


def _version(row: rx.Var[VersionLine]) -> rx.Component:
    return rx.el.li(
        rx.flex(
            rx.el.strong(row.name),
            rx.cond(row.live, ui.pill("Live", "ok")),
            rx.cond(row.is_draft, ui.pill("Same as the draft", "neutral")),
            gap="8px",
            align="center",
            wrap="wrap",
        ),
        ui.small(row.by),
        rx.cond(row.what_for != "", rx.el.q(row.what_for, class_name="cv-note")),
        ui.small(row.fate),
        rx.flex(
            ui.quiet(
                "What it changed", size="2", on_click=Versions.show(row.id), aria_label="What it changed: " + row.name
            ),
            rx.cond(
                Versions.editable & ~row.is_draft,
                ui.quiet(
                    "Restore",
                    icon="history",
                    size="2",
                    on_click=Versions.restore(row.id),
                    aria_label="Restore " + row.name + " into the draft",
                    data_testid="restore",
                ),
            ),
            gap="8px",
            wrap="wrap",
            margin_top="6px",
        ),
        class_name="cv-version",
        data_testid="version",
    )  # fmt: skip


def _comparison() -> rx.Component:
    return ui.section(
        "What differs",
        rx.flex(
            _chooser("From", "old", Versions.old, first=[(NOTHING, "Nothing (all is new)")]),
            _chooser("To", "new", Versions.new, first=[]),
            switch(),
            gap="12px",
            align="end",
            wrap="wrap",
        ),
        rx.cond(
            Versions.unreadable != "",
            ui.notice(
                Versions.unreadable,
                " Restore a version that can be read.",
                tone="danger",
                icon="file-x-2",
                margin_top="16px",
                data_testid="unreadable",
            ),
        ),
        rx.cond(
            Versions.same,
            ui.notice("Both say the same.", tone="ok", icon="equal", margin_top="16px", data_testid="same"),
            rx.box(
                rx.cond(
                    Versions.counts != "",
                    rx.el.p(Versions.counts, class_name="cv-counts", role="status", data_testid="counts"),
                ),
                rx.el.ul(
                    rx.foreach(Versions.around, lambda said: rx.el.li(said)),
                    class_name="cv-around",
                ),
            ),
        ),
        rx.cond(
            Versions.lines.length() > 0,
            rx.cond(
                Drawing.view == "list",
                rx.el.div(
                    rx.el.ol(
                        rx.foreach(Versions.lines, _line), class_name="cv-lines", aria_label="The journey"
                    ),
                    changes(),
                    class_name="cv-both",
                ),
                drawing(),
            ),
        ),
    )


def _chooser(name: str, which: str, value: rx.Var[str], *, first: list[tuple[str, str]]) -> rx.Component:
    def option(pair: rx.Var[tuple[str, str]]) -> rx.Component:
        return rx.el.option(pair[1], value=pair[0])

    return rx.el.label(
        rx.el.span(name, **tokens.text("label")),
        rx.el.select(
            *[rx.el.option(words, value=key) for key, words in first],
            rx.foreach(Versions.choices, option),
            value=value,
            on_change=lambda chosen: Versions.choose(which, chosen),
            class_name="cm-select cb-select",
            data_testid=f"compare-{which}",
        ),
        flex="1 1 180px",
    )


def _line(line: rx.Var[Line]) -> rx.Component:
    return rx.el.li(
        rx.el.span(line.number, class_name="cv-number"),
        rx.el.span(rx.el.b(line.title), rx.el.small(line.line), class_name="cv-words"),
        mark(line.mark),
        class_name="cv-line",
        style={"marginLeft": line.indent},
        data_mark=line.mark,
        data_what=line.what,
    )
