"""A message on a phone, a tablet and in an inbox, for whoever reads it; and what is worth knowing about it."""

import reflex as rx

from components import tokens, ui
from state.looks import LinkRow, Looks, NoteRow

DEVICES = [("phone", "Phone", "smartphone"), ("tablet", "Tablet", "tablet"), ("inbox", "Inbox", "inbox")]


def looks() -> rx.Component:
    """The whole pane: who reads, on what, the message itself, and the notes."""
    return rx.el.div(_bar(), _who(), _stage(), _notes(), class_name="cl-pane", data_testid="looks")


def _bar() -> rx.Component:
    return rx.el.div(
        ui.chips(
            "Shown on",
            *[
                ui.chip(
                    [rx.icon(icon, size=15, aria_hidden="true"), name],
                    on=Looks.device == key,
                    on_click=Looks.choose_device(key),
                    data_testid=f"device-{key}",
                )
                for key, name, icon in DEVICES
            ],
        ),
        ui.chip(
            [rx.icon("moon", size=15, aria_hidden="true"), "Dark"],
            on=Looks.dark,
            on_click=Looks.turn_dark(~Looks.dark),
            data_testid="device-dark",
        ),
        rx.cond(
            Looks.languages.length() > 2,
            rx.el.select(
                rx.foreach(Looks.languages, lambda pair: rx.el.option(pair[1], value=pair[0])),
                value=Looks.language,
                on_change=Looks.choose_language,
                aria_label="Language",
                class_name="cm-select",
                width="auto",
                data_testid="looks-language",
            ),
        ),
        class_name="cl-bar",
    )


def _who() -> rx.Component:
    """The reader: an example, somebody looked up, or the next one it would go to."""

    def found(one: rx.Var[list[str]]) -> rx.Component:
        return rx.el.li(
            rx.el.button(one[1], type="button", on_click=Looks.choose(one[0]), data_testid="looks-person")
        )

    return rx.box(
        rx.el.div(
            rx.el.span(
                "As ",
                rx.el.b(Looks.person_name, data_testid="looks-reader"),
                " reads it",
                rx.cond(Looks.reads != "", f", in {Looks.reads}", ""),
                **tokens.text("small"),
                flex="1 1 180px",
            ),
            rx.box(
                ui.search(
                    "Look somebody up", value="", on_change=Looks.find, size="2", data_testid="looks-search"
                ),
                flex="1 1 170px",
            ),
            ui.quiet(
                "Somebody else", icon="shuffle", size="2", on_click=Looks.another, data_testid="looks-another"
            ),
            rx.cond(
                Looks.person != "",
                ui.quiet("An example", size="2", on_click=Looks.choose("")),
            ),
            class_name="cl-bar",
        ),
        rx.cond(
            Looks.searching,
            rx.cond(
                Looks.people.length() > 0,
                rx.el.ul(rx.foreach(Looks.people, found), class_name="cl-found"),
                ui.small("Nobody of that name."),
            ),
        ),
    )


def _stage() -> rx.Component:
    inside = rx.cond(
        Looks.problem != "",
        rx.box(
            ui.notice(Looks.problem, tone="warn", icon="triangle-alert", data_testid="looks-problem"),
            padding="18px",
            flex="1",
            background="var(--color-background)",  # the portal speaks here, in the portal's colours
        ),
        rx.cond(Looks.channel == "email", _mail(), _talk()),
    )
    night = rx.cond(Looks.dark, " cl-night", "")
    return rx.el.div(
        rx.el.div(
            inside,
            class_name=f"cl-device cl-{Looks.device}{night}",
            role="group",
            aria_label="The message as it looks",
            data_testid="device",
        ),
        class_name="cl-stage",
    )


def _sender() -> rx.Component:
    return rx.el.div(
        rx.el.span(Looks.sender[:1], class_name="cl-face", aria_hidden="true"),
        rx.el.div(rx.el.b(Looks.sender), rx.el.span(_to(), class_name="cl-quiet"), min_width="0"),
        class_name="cl-top",
    )


def _to() -> rx.Var[str]:
    return rx.match(
        Looks.channel,
        ("email", "to me"),
        ("sms", "Text message"),
        ("whatsapp", "WhatsApp"),
        "In the app",
    )  # type: ignore[return-value]


def _mail() -> rx.Component:
    frame = rx.el.iframe(
        src_doc=Looks.page, sandbox="", title="The email", class_name="cl-mail", data_testid="looks-mail"
    )
    return rx.fragment(
        rx.cond(Looks.device == "inbox", _inbox(), _sender()),
        rx.el.div(
            rx.cond(Looks.subject != "", Looks.subject, "No subject yet"),
            class_name="cl-subject",
            data_testid="looks-subject",
        ),
        frame,
    )


def _inbox() -> rx.Component:
    """The list of an inbox: subject and preview line as they compete with others."""
    other = rx.el.div(
        rx.el.span("", class_name="cl-face", aria_hidden="true", opacity="0.25"),
        rx.el.div(rx.el.i(width="32%"), rx.el.i(width="64%")),
        class_name="cl-row",
        aria_hidden="true",
    )
    return rx.el.div(
        rx.el.div(
            rx.el.span(Looks.sender[:1], class_name="cl-face", aria_hidden="true"),
            rx.el.div(
                rx.el.p(rx.el.b(Looks.sender)),
                rx.el.p(
                    rx.el.b(Looks.subject),
                    rx.el.span(
                        rx.cond(Looks.preheader != "", f" – {Looks.preheader}", ""), class_name="cl-quiet"
                    ),
                ),
            ),
            class_name="cl-row",
        ),
        other,
        class_name="cl-rows",
    )


def _talk() -> rx.Component:
    green = rx.cond(Looks.channel == "whatsapp", " cl-green", "")
    return rx.fragment(
        _sender(),
        rx.el.div(
            rx.el.div(
                rx.cond(Looks.subject != "", rx.el.b(Looks.subject, display="block")),
                Looks.text,
                class_name=f"cl-bubble{green}",
                data_testid="looks-text",
            ),
            class_name="cl-talk",
        ),
    )


def _notes() -> rx.Component:
    def note(row: rx.Var[NoteRow]) -> rx.Component:
        return rx.el.li(ui.pill(row.about, row.tone), rx.el.span(row.sentence, flex="1"))

    def link(row: rx.Var[LinkRow]) -> rx.Component:
        return rx.el.li(
            rx.el.span(
                rx.el.b(rx.cond(row.words != "", row.words, "No words")),
                rx.el.span(row.url, display="block", color=tokens.QUIET, font_size="12.5px"),
                rx.el.span(
                    row.sentence, display="block", color=ui.by_tone(row.tone, tokens.ink), font_size="12.5px"
                ),
                flex="1",
                min_width="0",
            ),
            data_testid="looks-link",
        )

    return rx.fragment(
        rx.cond(
            Looks.notes.length() > 0,
            rx.el.section(
                rx.el.ul(rx.foreach(Looks.notes, note), class_name="cl-notes", data_testid="looks-notes"),
                aria_label="What is worth knowing",
            ),
        ),
        rx.cond(
            Looks.links.length() > 0,
            rx.el.section(
                rx.flex(
                    rx.el.h3("Links", **tokens.text("label"), color=tokens.INK, margin="0", flex="1"),
                    ui.quiet(
                        "Ask whether they answer",
                        icon="plug-zap",
                        size="2",
                        on_click=Looks.ask_links,
                        loading=Looks.asking,
                        data_testid="ask-links",
                    ),
                    align="center",
                    gap="10px",
                ),
                rx.el.ul(rx.foreach(Looks.links, link), class_name="cl-notes"),
                aria_label="Links",
            ),
        ),
    )
