"""Versions on the left; on the right what differs between any two: the journey with its marks, then each
step field by field. A mark is a word and an icon, never colour alone."""

import reflex as rx

from components import tokens, ui
from state.versions import NOTHING, Change, Compared, Line, Piece, VersionLine, Versions


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
            gap="12px",
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
            rx.el.div(
                rx.el.ol(rx.foreach(Versions.lines, _line), class_name="cv-lines", aria_label="The journey"),
                rx.el.div(rx.foreach(Versions.steps, _step), class_name="cv-steps"),
                class_name="cv-both",
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


def _mark(mark: rx.Var[str]) -> rx.Component:
    return rx.match(
        mark,
        ("added", ui.pill("Added", "ok")),
        ("changed", ui.pill("Changed", "warn")),
        ("removed", ui.pill("Removed", "danger")),
        rx.fragment(),
    )


def _line(line: rx.Var[Line]) -> rx.Component:
    return rx.el.li(
        rx.el.span(line.number, class_name="cv-number"),
        rx.el.span(rx.el.b(line.title), rx.el.small(line.line), class_name="cv-words"),
        _mark(line.mark),
        class_name="cv-line",
        style={"marginLeft": line.indent},
        data_mark=line.mark,
        data_what=line.what,
    )


def _step(step: rx.Var[Compared]) -> rx.Component:
    return rx.el.section(
        rx.flex(
            rx.el.h3(step.title, class_name="cv-title"), ui.small(step.kind), _mark(step.mark),
            gap="8px", align="center", wrap="wrap",
        ),
        rx.foreach(step.said, lambda said: ui.small(said)),
        rx.foreach(step.changes, _change),
        class_name="cv-step",
        data_mark=step.mark,
        data_testid="step-change",
    )  # fmt: skip


def _change(change: rx.Var[Change]) -> rx.Component:
    return rx.el.div(
        rx.el.h4(change.name, class_name="cv-field"),
        rx.cond(
            change.words.length() > 0,
            rx.el.p(rx.foreach(change.words, _piece), class_name="cv-text"),
            rx.el.p(
                rx.cond(
                    change.before != "", rx.fragment(rx.el.del_(change.before), rx.el.span(" → ", aria_hidden="true"))
                ),
                rx.el.ins(change.after),
                class_name="cv-text",
            ),
        ),
    )  # fmt: skip


def _piece(piece: rx.Var[Piece]) -> rx.Component:
    return rx.match(
        piece.how,
        ("gone", rx.el.del_(piece.text)),
        ("new", rx.el.ins(piece.text)),
        rx.el.span(piece.text),
    )
