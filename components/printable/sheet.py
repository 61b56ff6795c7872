"""A campaign on A4: black on white on every screen, without the portal around it on paper."""

import reflex as rx

from components import ui
from components.printable.figure import figure
from state.print_sheet import Drawn, Post, PrintSheet, Worded


def sheet() -> rx.Component:
    return rx.cond(
        PrintSheet.loading,
        ui.blocks(2, height="320px"),
        rx.fragment(
            rx.flex(
                ui.primary(
                    "Print",
                    icon="printer",
                    on_click=rx.call_script("window.print()"),
                    data_testid="print",
                ),
                ui.small("To keep it as a file, choose “Save as PDF” where the printer is chosen."),
                gap="14px",
                align="center",
                wrap="wrap",
                class_name="cp-tools",
            ),
            rx.cond(
                PrintSheet.problem != "",
                ui.notice(
                    "This campaign cannot be read, so it cannot be printed: ",
                    PrintSheet.problem,
                    " Restore a version that can be read under Versions.",
                    tone="danger",
                    icon="file-x-2",
                    data_testid="unreadable",
                ),
                _paper(),
            ),
        ),
    )


def _paper() -> rx.Component:
    """The first page is the drawing, with the name and the version it is of; the words follow."""
    return rx.el.article(
        rx.el.div(
            rx.el.header(
                rx.el.h2(PrintSheet.name),
                rx.el.p(
                    PrintSheet.practice, " · ", PrintSheet.kind, " · ", PrintSheet.state, " · ", PrintSheet.version
                ),
                rx.el.p("Fingerprint ", rx.el.code(PrintSheet.hash), class_name="cp-hash"),
            ),
            figure(),
            class_name=rx.cond(PrintSheet.landscape, "cp-first cp-wide", "cp-first"),
        ),
        rx.el.dl(
            _fact("Aim", PrintSheet.aim),
            _fact("Who it is for", PrintSheet.who),
            rx.el.div(
                rx.el.dt("Limits"),
                rx.el.dd(rx.foreach(PrintSheet.rules, lambda rule: rx.el.span(rule, " "))),
            ),
        ),
        rx.el.h3("Step by step"),
        rx.el.ol(rx.foreach(PrintSheet.flow, _drawn), class_name="cp-flow", data_testid="flow"),
        rx.el.h3("In plain English"),
        rx.el.ul(rx.foreach(PrintSheet.sentences, lambda said: rx.el.li(said)), class_name="cp-summary"),
        rx.el.h3("What people read"),
        rx.foreach(PrintSheet.posts, _post),
        rx.el.footer(
            rx.el.p(PrintSheet.decision, data_testid="decision"),
            rx.el.div(
                rx.el.span("Name"), rx.el.span("Date"), rx.el.span("Signature"), class_name="cp-signature"
            ),
            rx.el.p("Printed ", PrintSheet.printed, class_name="cp-hash"),
        ),
        class_name="cp-paper",
        data_testid="paper",
    )  # fmt: skip


def _fact(name: str, value: rx.Var[str]) -> rx.Component:
    return rx.el.div(rx.el.dt(name), rx.el.dd(value))


def _drawn(line: rx.Var[Drawn]) -> rx.Component:
    return rx.el.li(
        rx.el.span(line.number, class_name="cp-number"),
        rx.el.span(rx.el.b(line.title), rx.cond(line.line != "", rx.el.span(" ", line.line))),
        style={"marginLeft": line.indent},
        data_what=line.what,
    )


def _post(post: rx.Var[Post]) -> rx.Component:
    return rx.el.section(
        rx.el.h4(post.name),
        rx.cond(post.wordings.length() == 0, rx.el.p("No words yet.")),
        rx.foreach(post.wordings, _worded),
        class_name="cp-post",
    )


def _worded(one: rx.Var[Worded]) -> rx.Component:
    return rx.el.div(
        rx.el.h5(one.channel),
        rx.cond(one.subject != "", rx.el.p(rx.el.b(one.subject))),
        rx.cond(one.preheader != "", rx.el.p(rx.el.i(one.preheader))),
        rx.el.p(one.body, class_name="cp-body"),
    )
