"""Webhooks: endpoints with their state, adding one, its secret, and what was sent."""

import reflex as rx

from components import tokens, ui
from services.webhooks.contracts import EVENT_TYPES
from state.session import may
from state.webhooks import TYPE, Hook, Sent, Webhooks


def section() -> rx.Component:
    """For administrators only."""
    return rx.cond(
        may("administer"),
        rx.fragment(
            ui.section(
                "Webhooks",
                rx.cond(
                    Webhooks.hooks.length() > 0,
                    rx.foreach(Webhooks.hooks, _hook),
                    ui.empty(
                        "webhook",
                        "No endpoint yet",
                        "Your own systems can hear what campaigns do: each event is sent, signed, to an address you name.",
                    ),
                ),
                hint="Campaign events for your own systems. Tried again for a day when they do not answer.",
                actions=ui.quiet(
                    "Add an endpoint", icon="plus", on_click=Webhooks.ask(True), data_testid="add-webhook"
                ),
                flush=True,
            ),
            _adding(),
            _secret(),
        ),
    )


def _hook(row: rx.Var[Hook]) -> rx.Component:
    return rx.box(
        rx.flex(
            rx.box(
                rx.flex(
                    rx.el.h3(row.label, **{**tokens.text("subheading"), "margin": "0"}),
                    ui.pill(row.state, row.tone),
                    gap="12px",
                    align="center",
                ),
                ui.small(row.url, overflow_wrap="anywhere", margin_top="4px"),
                ui.small(row.types, overflow_wrap="anywhere"),
                ui.small(row.last, f" · {row.waiting} waiting · {row.failed} failed"),
                flex="1 1 320px",
                min_width="0",
            ),
            rx.flex(
                rx.cond(
                    row.on,
                    ui.quiet(
                        "Send a test", icon="send", on_click=Webhooks.test(row.id), data_testid="test-webhook"
                    ),
                ),
                ui.quiet(
                    rx.cond(Webhooks.opened == row.id, "Hide deliveries", "Deliveries"),
                    icon="list",
                    on_click=Webhooks.open(row.id),
                    aria_expanded=rx.cond(Webhooks.opened == row.id, "true", "false"),
                    data_testid="open-webhook",
                ),
                _more(row),
                gap="8px",
                wrap="wrap",
                align="center",
            ),
            gap="16px",
            wrap="wrap",
            align="start",
        ),
        rx.cond(
            row.trouble != "",
            ui.notice(
                row.trouble,
                tone="warn",
                icon="triangle-alert",
                margin_top="14px",
                data_testid="webhook-trouble",
            ),
        ),
        rx.cond(Webhooks.opened == row.id, _deliveries()),
        padding="18px 24px",
        border_top=f"1px solid {tokens.LINE}",
        data_testid="webhook-row",
    )


def _more(row: rx.Var[Hook]) -> rx.Component:
    return rx.menu.root(
        rx.menu.trigger(ui.icon_button(f"More for {row.label}", icon="ellipsis", data_testid="webhook-more")),
        rx.menu.content(
            rx.menu.item("New secret", on_select=Webhooks.rotate(row.id), data_testid="rotate-webhook"),
            rx.cond(
                row.on,
                rx.menu.item(
                    "Switch off", on_select=Webhooks.switch(row.id, False), data_testid="webhook-off"
                ),
                rx.fragment(
                    rx.menu.item(
                        "Switch on", on_select=Webhooks.switch(row.id, True), data_testid="webhook-on"
                    ),
                    rx.menu.separator(),
                    # Only what is switched off already can go: that is the second thought.
                    rx.menu.item("Remove with its log", color="red", on_select=Webhooks.remove(row.id)),
                ),
            ),
        ),
    )


def _deliveries() -> rx.Component:
    return rx.box(
        rx.flex(
            ui.chips(
                "Which deliveries",
                *[
                    ui.chip(name, on=Webhooks.only_failed == only, on_click=Webhooks.narrow(only))
                    for only, name in ((False, "All"), (True, "Failed"))
                ],
            ),
            rx.cond(
                Webhooks.any_failed,
                ui.quiet("Retry all that failed", icon="undo-2", on_click=Webhooks.retry("all")),
            ),
            justify="between",
            gap="12px",
            wrap="wrap",
            padding="16px 0 8px",
        ),
        rx.cond(
            Webhooks.sent.length() > 0,
            ui.table(
                "Deliveries, newest first",
                ["When", "Event", "State", "#Tries", "What came back", ""],
                rx.foreach(Webhooks.sent, _sent),
            ),
            ui.small("Nothing yet.", padding="8px 0"),
        ),
    )


def _sent(row: rx.Var[Sent]) -> rx.Component:
    return rx.el.tr(
        rx.el.td(row.at, white_space="nowrap", color=tokens.QUIET),
        rx.el.td(row.type, white_space="nowrap"),
        rx.el.td(ui.pill(row.state, row.tone)),
        rx.el.td(row.attempts, class_name="cm-num"),
        rx.el.td(row.outcome),
        rx.el.td(
            rx.cond(row.can_retry, ui.ghost("Try again", icon="undo-2", on_click=Webhooks.retry(row.id)))
        ),
        data_testid="delivery-row",
    )


def _adding() -> rx.Component:
    return ui.form_dialog(
        "Add an endpoint",
        "Requests are signed by Standard Webhooks. You get the secret once, on the next page.",
        rx.flex(
            ui.field("Name", "label", required=True, max_length=100, placeholder="Data warehouse"),
            ui.field("Address", "url", required=True, type="url", placeholder="https://example.com/hooks"),
            rx.el.fieldset(
                rx.el.legend("Events", **tokens.text("label"), padding="0 0 6px"),
                rx.box(
                    *[_type(name) for name in EVENT_TYPES],
                    class_name="cm-types",
                    max_height="min(320px, 38vh)",
                    overflow_y="auto",
                    tab_index=0,
                    role="group",
                    aria_label="Event types",
                ),
                border="0",
                padding="0",
                margin="0",
                min_width="0",
            ),
            direction="column",
            gap="16px",
        ),
        go="Add",
        leave=Webhooks.ask,
        open=Webhooks.adding,
        on_submit=Webhooks.add,
        max_width="640px",
        data_testid="confirm-webhook",
    )


def _type(name: str) -> rx.Component:
    return rx.el.label(
        rx.el.input(
            type="checkbox",
            name=TYPE + name,
            data_testid=f"event-{name}",
            width="18px",
            accent_color="var(--accent-9)",
            height="18px",
        ),
        name,
        display="flex",
        gap="10px",
        align_items="center",
        min_height=tokens.TOUCH,
        **tokens.text("small"),
    )


def _secret() -> rx.Component:
    return ui.dialog(
        "Copy this secret now",
        "It is shown once and stored encrypted. The receiver checks with it that requests are ours.",
        rx.el.code(
            Webhooks.secret,
            data_testid="webhook-secret",
            overflow_wrap="anywhere",
            display="block",
            padding="14px 16px",
            border_radius=tokens.RADII["field"],
            background="var(--gray-a3)",
        ),
        rx.flex(
            ui.quiet("Copy", icon="copy", on_click=rx.set_clipboard(Webhooks.secret)),
            ui.primary("I have it", on_click=Webhooks.hide_secret(False), data_testid="secret-kept"),
            gap="12px",
            justify="end",
            margin_top="18px",
        ),
        open=Webhooks.secret != "",
        on_open_change=Webhooks.hide_secret,
    )
