"""Compliance: where nobody may be written to."""

from typing import Any

import reflex as rx

from components import ui
from state.blocks import GROUND_CHOICES, Blocks, Entry, File, Unread
from state.session import may


def block_list() -> rx.Component:
    """The whole section; nothing for whoever may not keep the list."""
    return rx.cond(
        may("suppress"),
        rx.flex(
            ui.section(
                "Block list",
                rx.flex(_add(), _look_up(), direction="column", gap="22px"),
                hint="Nobody writes to these addresses, phone numbers and domains, whatever a campaign says. "
                "Hard bounces and complaints come here by themselves. Only fingerprints are kept: the list "
                "cannot be read back.",
            ),
            _entries(),
            _from_file(),
            _removal(),
            direction="column",
            gap="24px",
            max_width="860px",
            margin_top="24px",
        ),
    )


def _add() -> rx.Component:
    return rx.el.form(
        rx.flex(
            ui.field(
                "Address, phone number or domain",
                "entry",
                required=True,
                max_length=400,
                placeholder="someone@example.com, +44…, example.com",
                grow="2 1 260px",
            ),
            ui.choice("Why", "ground", GROUND_CHOICES, grow="1 1 200px"),
            ui.primary("Block", icon="ban", type="submit", data_testid="block"),
            gap="14px",
            align="end",
            wrap="wrap",
        ),
        on_submit=Blocks.add,
    )


def _look_up() -> rx.Component:
    return rx.box(
        rx.el.form(
            rx.flex(
                ui.field(
                    "Is somebody on it?",
                    "wanted",
                    required=True,
                    max_length=400,
                    placeholder="Paste an address",
                    grow="1 1 260px",
                ),
                ui.quiet("Look up", icon="search", type="submit", data_testid="look-up"),
                gap="14px",
                align="end",
                wrap="wrap",
            ),
            on_submit=Blocks.look_up,
        ),
        rx.cond(
            Blocks.asked,
            rx.box(
                rx.cond(
                    Blocks.found.length() > 0,
                    _table("Entries that block this address", Blocks.found),
                    ui.notice("Not on any list.", tone="ok", icon="circle-check"),
                ),
                margin_top="14px",
                data_testid="found",
            ),
        ),
    )


def _entries() -> rx.Component:
    return ui.section(
        "On the list",
        rx.cond(
            Blocks.loading,
            ui.lines(4, padding="8px 24px 32px"),
            rx.cond(
                Blocks.entries.length() > 0,
                rx.box(
                    _table("Blocked addresses, newest first", Blocks.entries),
                    rx.cond(
                        Blocks.more != "",
                        rx.center(
                            ui.quiet("Show more", on_click=Blocks.show_more, data_testid="more-blocks"),
                            padding="14px",
                        ),
                    ),
                ),
                ui.empty(
                    "mail-x",
                    "Nothing is blocked",
                    "Add an address above, or bring the list of your last system as a file.",
                ),
            ),
        ),
        hint=Blocks.total,
        flush=True,
        data_testid="block-list",
    )


def _table(caption: str, rows: Any) -> rx.Component:
    return ui.table(caption, ["Entry", "Why", "~Added", ""], rx.foreach(rows, _entry))


def _entry(row: rx.Var[Entry]) -> rx.Component:
    return rx.el.tr(
        rx.el.td(rx.el.span(row.shown, font_weight="540"), ui.small(row.kind), overflow_wrap="anywhere"),
        rx.el.td(row.why),
        rx.el.td(row.since, ui.small(row.by), class_name="cm-wide-only", white_space="nowrap"),
        rx.el.td(
            rx.cond(
                Blocks.may_remove & row.removable,
                ui.ghost(
                    "Take off the list",
                    icon="undo-2",
                    size="2",
                    on_click=Blocks.ask_removal(row.id, row.shown),
                    data_testid="unblock",
                ),
            )
        ),
        data_testid="block-row",
    )


def _from_file() -> rx.Component:
    zone = ui.drop_zone(
        "File of entries",
        "block-file",
        "Columns email, phone, domain or identity; or one entry a line.",
        accept={"text/csv": [".csv"], "text/plain": [".txt"]},
        on_drop=Blocks.upload(rx.upload_files(upload_id="block-file")),
        busy=Blocks.busy,
        data_testid="drop-block-file",
    )
    return ui.section(
        "Bring a list",
        rx.flex(
            ui.choice(
                "Why they are on it",
                "file-ground",
                GROUND_CHOICES,
                value=Blocks.ground,
                on_change=Blocks.set_ground,
            ),
            zone,
            rx.cond(
                Blocks.unread.length() > 0,
                rx.box(
                    ui.notice(
                        "Some rows of the last file could not be read.", tone="warn", icon="file-warning"
                    ),
                    ui.table(
                        "Rows that could not be read", ["#Row", "Problem"], rx.foreach(Blocks.unread, _unread)
                    ),
                ),
            ),
            rx.cond(
                Blocks.files.length() > 0,
                ui.table("Files so far", ["When", "By", "Result"], rx.foreach(Blocks.files, _file)),
            ),
            direction="column",
            gap="18px",
        ),
    )


def _unread(row: rx.Var[Unread]) -> rx.Component:
    return rx.el.tr(rx.el.td(row.row, class_name="cm-num"), rx.el.td(row.sentence), data_testid="unread-row")


def _file(row: rx.Var[File]) -> rx.Component:
    return rx.el.tr(
        rx.el.td(row.when, white_space="nowrap"),
        rx.el.td(row.by),
        rx.el.td(row.result, rx.cond(row.unread != "", ui.small(row.unread))),
        data_testid="block-file-row",
    )


def _removal() -> rx.Component:
    return ui.form_dialog(
        "Take off the list",
        "They may be written to again, where they have agreed to it. The audit keeps who decided and why.",
        ui.body(Blocks.removing_words, font_weight="560", margin_bottom="14px"),
        ui.area("Why", "why_removed", required=True, max_length=300, auto_focus=True),
        go="Take off",
        leave=Blocks.leave_it,
        open=Blocks.removing != "",
        on_submit=Blocks.remove,
        data_testid="confirm-unblock",
    )
