"""The API to read: operations by group, each with what it takes, gives and refuses."""

import reflex as rx

from components import tokens, ui
from state.api_reading import Detail, Group, Operation, Parameter, Refusal
from state.api_reference import ApiReference


def looking() -> rx.Component:
    return rx.flex(
        rx.box(
            ui.search(
                "Find an operation: its address, its words or a permission",
                value=ApiReference.looking,
                on_change=ApiReference.find,
                data_testid="api-search",
            ),
            flex="1 1 320px",
            max_width="560px",
        ),
        ui.small(ApiReference.count, role="status", data_testid="api-count"),
        gap="16px",
        align="center",
        wrap="wrap",
    )


def groups() -> rx.Component:
    return rx.cond(
        ApiReference.loading,
        ui.blocks(4, height="72px"),
        rx.cond(
            ApiReference.groups.length() > 0,
            ui.card(rx.foreach(ApiReference.groups, _group), padding="0", overflow="hidden"),
            ui.card(
                ui.empty(
                    "search-x",
                    "Nothing fits",
                    "Every word is looked for in the address, the summary, the permission and the group.",
                    ui.quiet("Show everything", on_click=ApiReference.find(""), data_testid="api-all"),
                )
            ),
        ),
    )


def _group(group: rx.Var[Group]) -> rx.Component:
    return rx.el.details(
        rx.el.summary(
            rx.el.h2(group.name, **tokens.text("subheading"), color=tokens.INK, margin="0", flex="1"),
            ui.small(group.count),
            rx.icon("chevron-down", size=18, aria_hidden="true", class_name="cm-turns", color=tokens.QUIET),
            class_name="cm-summary-row",
        ),
        rx.el.ul(
            rx.foreach(group.operations, _operation), margin="0", padding="0 12px 12px", list_style="none"
        ),
        open=ApiReference.looking != "",
        class_name="cm-api-group",
        data_testid="api-group",
        data_group=group.name,
    )


def _operation(row: rx.Var[Operation]) -> rx.Component:
    is_open = ApiReference.shown.contains(row.key)
    return rx.el.li(
        rx.el.button(
            ui.pill(row.method, row.tone),
            rx.el.code(row.path, class_name="cm-api-path"),
            rx.el.span(row.summary, class_name="cm-api-says"),
            ui.small(row.permission, white_space="nowrap"),
            rx.icon(
                "chevron-down",
                size=16,
                aria_hidden="true",
                color=tokens.QUIET,
                transform=rx.cond(is_open, "rotate(180deg)", "none"),
            ),
            type="button",
            on_click=ApiReference.toggle(row.key),
            aria_expanded=rx.cond(is_open, "true", "false"),
            class_name="cm-api-row",
            data_testid="api-operation",
            data_operation=row.key,
        ),
        rx.cond(is_open, _detail(row, ApiReference.shown[row.key])),
        data_testid="api-item",
    )


def _detail(row: rx.Var[Operation], d: rx.Var[Detail]) -> rx.Component:
    return rx.el.div(
        rx.cond(d.says != "", ui.body(d.says, max_width="80ch")),
        ui.body("Permission: ", rx.el.code(row.permission)),
        rx.cond(d.people_only, ui.notice("Only a person can do this: no API key holds this permission.")),
        _parameters("Parameters", d.parameters),
        rx.cond(d.takes != "", _part(f"Request, {d.takes}", _code("Request", d.request))),
        _parameters("Fields of the request", d.fields),
        _part(f"Answer, {d.answers}", rx.cond(d.response != "", _code("Answer", d.response))),
        _part(
            "Problems",
            rx.el.ul(rx.foreach(d.problems, _refusal), margin="0", padding="0", list_style="none"),
        ),
        _part(
            "curl",
            _code("curl", d.curl),
            ui.quiet(
                "Copy",
                icon="copy",
                size="2",
                on_click=[rx.set_clipboard(d.curl), rx.toast.success("Copied. Put your own key in.")],
                data_testid="api-copy",
            ),
        ),
        class_name="cm-api-detail",
        data_testid="api-detail",
    )


def _part(name: rx.Var[str] | str, content: rx.Component, action: rx.Component | None = None) -> rx.Component:
    return rx.el.div(
        rx.flex(
            rx.el.h3(name, **tokens.text("label"), color=tokens.INK, margin="0"),
            action,
            justify="between",
            align="center",
            gap="12px",
            margin_bottom="6px",
        ),
        content,
        min_width="0",
    )


def _code(name: str, content: rx.Var[str]) -> rx.Component:
    return rx.el.pre(content, class_name="cm-api-code", tab_index=0, role="group", aria_label=name)


def _parameters(name: str, rows: rx.Var[list[Parameter]]) -> rx.Component:
    return rx.cond(
        rows.length() > 0,
        _part(name, rx.el.ul(rx.foreach(rows, _parameter), margin="0", padding="0", list_style="none")),
    )


def _parameter(one: rx.Var[Parameter]) -> rx.Component:
    return rx.el.li(
        rx.el.span(
            rx.el.code(one.name, font_weight="600"),
            rx.cond(one.needed, rx.el.span(" needed", color=tokens.ink("danger"))),
        ),
        rx.el.span(one.kind, rx.cond(one.place != "", f", {one.place}", ""), color=tokens.QUIET),
        rx.el.span(one.says),
        class_name="cm-api-line",
    )


def _refusal(one: rx.Var[Refusal]) -> rx.Component:
    return rx.el.li(
        rx.el.span(one.status, font_weight="600"),
        rx.el.code(one.code),
        rx.el.span(one.says),
        class_name="cm-api-line",
    )
