"""One message template: the words in every language on the left, how they look on the right."""

from typing import Any

import reflex as rx

from components import tokens, ui
from components.content import languages, merge_menu
from components.layout import head
from components.looks import looks
from state.message_template import MessageTemplate, UseLine, VersionLine, Wrong

CHANNELS = [("email", "Email"), ("sms", "SMS"), ("whatsapp", "WhatsApp"), ("in_app", "In-app")]


def editor() -> rx.Component:
    return rx.cond(
        MessageTemplate.ready,
        rx.cond(MessageTemplate.missing, _missing(), rx.fragment(_head(), _conflict(), _body())),
        rx.fragment(rx.skeleton(height="40px", width="320px"), ui.blocks(2)),
    )


def _missing() -> rx.Component:
    return ui.card(
        ui.empty(
            "file-text",
            "This template does not exist",
            "The address is not complete, or the template belongs to another practice.",
            ui.link_button("To the templates", "/templates/messages", main=True),
        )
    )


def _head() -> rx.Component:
    t = MessageTemplate
    return head(
        rx.cond(t.id == "new", "New message template", rx.cond(t.name != "", t.name, "Message template")),
        "Saving makes a new version. Campaigns that run keep the words they were approved with.",
        rx.cond(
            t.editable,
            rx.fragment(
                rx.cond(
                    t.id != "new",
                    rx.cond(
                        t.active,
                        ui.quiet(
                            "Take out of use", icon="archive", on_click=t.use(False), data_testid="retire"
                        ),
                        ui.quiet(
                            "Use again", icon="archive-restore", on_click=t.use(True), data_testid="use-again"
                        ),
                    ),
                ),
                ui.primary(
                    rx.cond(t.dirty, "Save", "Saved"),
                    icon="check",
                    on_click=t.save,
                    disabled=(t.stopping > 0) | ~t.dirty | (t.name == ""),
                    data_testid="save-template",
                ),
            ),
        ),
        back=("Message templates", "/templates/messages"),
    )


def _conflict() -> rx.Component:
    t = MessageTemplate
    return rx.fragment(
        rx.cond(
            ~t.active,
            ui.notice(
                "This template is not in use. Campaigns that were approved with it go on.",
                icon="archive",
                tone="neutral",
            ),
        ),
        rx.cond(
            t.conflict,
            ui.saved_meanwhile("template", t.settle, mine="Save mine as the newest"),
        ),
    )


def _body() -> rx.Component:
    return rx.el.div(
        rx.el.div(ui.card(_words()), _wrong(), _versions(), _uses()),
        rx.el.div(ui.section("How it looks", looks())),
        class_name="cl-two",
    )


def _line(name: str, key: str, value: Any, on_change: Any, **props: Any) -> rx.Component:
    return ui.live_field(name, key, value, on_change, editable=MessageTemplate.editable, **props)


def _words() -> rx.Component:
    t = MessageTemplate
    return rx.flex(
        _line("Name", "template-name", t.name, t.rename, max_length=120),
        _kind(),
        languages(
            t.languages,
            t.language,
            editable=t.editable,
            show=t.show_language,
            add=t.add_language,
            remove=t.remove_language,
        ),
        rx.cond(
            (t.channel == "email") | (t.channel == "in_app"),
            _line(
                "Subject", "template-subject", t.subject, lambda v: t.set_words("subject", v), max_length=300
            ),
        ),
        rx.cond(
            t.channel == "email",
            _line(
                "Preview line",
                "template-preheader",
                t.preheader,
                lambda v: t.set_words("preheader", v),
                max_length=300,
            ),
        ),
        _text(),
        _used_fields(),
        direction="column",
        gap="16px",
    )


def _kind() -> rx.Component:
    """Channel and purpose: chosen once, when it is new."""
    t = MessageTemplate
    return rx.cond(
        t.id == "new",
        rx.flex(
            ui.choice(
                "Channel",
                "template-channel",
                CHANNELS,
                value=t.channel,
                on_change=t.choose_channel,
                grow="1 1 160px",
            ),
            ui.choice(
                "For",
                "template-scope",
                t.scopes,
                value=t.scope,
                on_change=t.choose_scope,
                grow="1 1 160px",
            ),
            gap="14px",
            wrap="wrap",
        ),
        ui.small(t.scope_words),
    )


def _text() -> rx.Component:
    t = MessageTemplate
    return rx.flex(
        rx.el.label("Text", html_for="template-body", **tokens.text("label"), color=tokens.INK),
        ui.typed(
            t.body,
            lambda v: t.set_words("body", v),
            editable=t.editable,
            lines="11",
            id="template-body",
            size="3",
            data_testid="template-body",
        ),
        rx.cond(t.editable, merge_menu("template-body", t.insert_field)),
        direction="column",
        gap="8px",
    )


def _used_fields() -> rx.Component:
    t = MessageTemplate
    return rx.cond(
        t.uses_fields.length() > 0,
        rx.box(
            ui.label("Fields in these words"),
            ui.chips(
                "Fields in these words",
                rx.foreach(t.uses_fields, lambda one: ui.pill(one, "neutral")),
                margin_top="6px",
            ),
        ),
    )


def _wrong() -> rx.Component:
    def line(row: rx.Var[Wrong]) -> rx.Component:
        return rx.el.li(
            ui.pill(rx.cond(row.stops, "To fix", "For a campaign"), rx.cond(row.stops, "danger", "warn")),
            rx.el.span(row.sentence, flex="1"),
        )

    return rx.cond(
        MessageTemplate.wrong.length() > 0,
        ui.section(
            "Worth putting right",
            rx.el.ul(
                rx.foreach(MessageTemplate.wrong, line),
                class_name="cl-notes",
                aria_live="polite",
                data_testid="template-problems",
            ),
        ),
    )


def _versions() -> rx.Component:
    t = MessageTemplate

    def line(row: rx.Var[VersionLine]) -> rx.Component:
        return rx.el.li(
            rx.box(
                rx.el.b(row.words),
                ui.small(row.by),
                ui.small(row.first_words),
                flex="1",
                min_width="0",
            ),
            rx.cond(
                row.now,
                ui.pill("Now", "ok"),
                rx.cond(
                    t.editable,
                    ui.quiet(
                        "Bring back", size="2", on_click=t.restore(row.version), data_testid="restore-version"
                    ),
                ),
            ),
            data_testid="template-version",
        )

    return rx.cond(
        t.versions.length() > 0,
        ui.section("Versions", rx.el.ul(rx.foreach(t.versions, line), class_name="cl-notes")),
    )


def _uses() -> rx.Component:
    t = MessageTemplate

    def line(row: rx.Var[UseLine]) -> rx.Component:
        return rx.el.li(
            rx.el.a(row.name, href=row.href, font_weight="560", color=tokens.INK),
            rx.box(
                rx.el.span(row.where, color=tokens.QUIET),
                rx.cond(row.version != "", ui.small(row.version, data_testid="use-version")),
                flex="1",
                min_width="0",
            ),
            ui.pill(row.state, row.tone),
            data_testid="template-use",
        )

    return rx.cond(
        t.id != "new",
        ui.section(
            "Where it is used",
            rx.cond(
                t.uses.length() > 0,
                rx.el.ul(rx.foreach(t.uses, line), class_name="cl-notes"),
                ui.small("In no campaign that is open. Choose it in a message step under “Words from”."),
            ),
        ),
    )
