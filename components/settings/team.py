"""Settings → People and roles: accounts, the matrix of roles, and the dialogs that change them."""

import reflex as rx

from components import tokens, ui
from state.team import Line, Member, Role, Team, Tick


def people() -> rx.Component:
    return ui.section(
        "People",
        rx.cond(
            Team.loading,
            ui.lines(5, padding="8px 24px 32px"),
            ui.table("Accounts", ["Name", "Roles", "~Account", ""], rx.foreach(Team.members, _member)),
        ),
        hint="Everybody who can sign in. What a person may do is everything their roles allow, together.",
        flush=True,
        data_testid="team",
    )


def _member(row: rx.Var[Member]) -> rx.Component:
    return rx.el.tr(
        rx.el.td(rx.el.span(row.name, font_weight="560"), ui.small(row.login)),
        rx.el.td(row.roles),
        rx.el.td(ui.pill(row.state, row.tone), class_name="cm-wide-only"),
        rx.el.td(
            rx.flex(
                ui.ghost(
                    "Roles", icon="user-cog", size="2",
                    on_click=Team.choose_person(row.id), data_testid="person-roles",
                ),
                rx.cond(
                    row.active,
                    rx.cond(
                        row.mine,
                        rx.fragment(),
                        ui.ghost("Close", icon="user-x", size="2", on_click=Team.close_account(row.id)),
                    ),
                    ui.ghost("Open again", icon="user-check", size="2", on_click=Team.open_account(row.id)),
                ),
                gap="4px",
                wrap="wrap",
                justify="end",
            )
        ),
        data_testid="member",
    )  # fmt: skip


def matrix() -> rx.Component:
    """Permissions down, roles across; a role's name opens it."""
    head = rx.el.tr(
        rx.el.th("What it allows", scope="col"),
        rx.foreach(Team.roles, _head),
    )
    table = rx.el.div(
        rx.el.table(
            rx.el.caption("What each role allows", **ui.HIDDEN),
            rx.el.thead(head),
            rx.el.tbody(rx.foreach(Team.lines, _line)),
            class_name="cm-table",
        ),
        class_name="cm-table-wrap",
        tab_index=0,
        role="region",
        aria_label="What each role allows",
    )
    return ui.section(
        "Roles",
        rx.cond(Team.loading, ui.lines(9, padding="8px 24px 32px"), rx.box(table, _retired())),
        hint="Open a role to rename it or change what it allows. A change counts from the next click of "
        "everybody who has it, and the audit keeps it.",
        flush=True,
        data_testid="roles",
    )


def _head(role: rx.Var[Role]) -> rx.Component:
    return rx.el.th(
        rx.el.button(
            role.label,
            type="button",
            on_click=Team.edit(role.key),
            aria_label=f"Change the role {role.label}",
            class_name="cm-plain-link",
            color=tokens.INK,
            background="none",
            border="0",
            padding="8px 0",
            min_height=tokens.TOUCH,
            cursor="pointer",
            text_decoration="underline",
            text_underline_offset="3px",
            font="inherit",
            data_testid="role",
        ),
        ui.small(role.people, font_weight="400"),
        scope="col",
        class_name="cm-middle",
    )


def _line(line: rx.Var[Line]) -> rx.Component:
    return rx.el.tr(
        rx.el.th(line.words, scope="row", font_weight="460", text_align="left"),
        rx.foreach(line.cells, _cell),
        data_testid="permission",
    )


def _cell(on: rx.Var[bool]) -> rx.Component:
    return rx.el.td(
        rx.cond(
            on,
            rx.fragment(
                rx.icon("check", size=18, color="var(--accent-11)", aria_hidden="true", display="inline"),
                rx.el.span("Yes", **ui.HIDDEN),
            ),
            rx.fragment(
                rx.el.span("–", color=tokens.QUIET, aria_hidden="true"), rx.el.span("No", **ui.HIDDEN)
            ),
        ),
        class_name="cm-middle",
        position="relative",  # the words for screen readers stay inside the part that scrolls
    )


def _retired() -> rx.Component:
    return rx.cond(
        Team.retired.length() > 0,
        rx.flex(
            ui.label("No longer in use"),
            rx.foreach(
                Team.retired,
                lambda role: rx.flex(
                    ui.body(role.label),
                    ui.ghost("Bring back", icon="undo-2", size="2", on_click=Team.bring_back(role.key)),
                    gap="10px",
                    align="center",
                ),
            ),
            direction="column",
            gap="6px",
            padding="16px 24px 20px",
        ),
    )


def role_dialog() -> rx.Component:
    return ui.form_dialog(
        rx.cond(Team.editing == "new", "A new role", "Change a role"),
        "Nobody can give themselves more than they may do already.",
        ui.field("Name", "label", required=True, max_length=40, default_value=Team.label, auto_focus=True),
        rx.box(height="12px"),
        ui.field("What it is for", "description", max_length=200, default_value=Team.description),
        _several("It allows to", Team.ticks),
        rx.cond(
            Team.editing != "new",
            ui.quiet(
                "Take out of use", icon="archive", type="button",
                on_click=Team.retire(Team.editing), data_testid="retire-role",
            ),
        ),
        go="Save",
        leave=Team.leave_role,
        open=Team.editing != "",
        on_submit=Team.keep_role,
        form={"key": Team.editing},
        data_testid="keep-role",
    )  # fmt: skip


def person_dialog() -> rx.Component:
    new = Team.person == "new"
    return ui.form_dialog(
        rx.cond(new, "A new account", f"Roles of {Team.person_name}"),
        rx.cond(
            new,
            "Tell them their login and first password yourself; they can change it in their account.",
            "It counts from their next click.",
        ),
        rx.cond(
            new,
            rx.flex(
                ui.field("Name", "name", required=True, max_length=80),
                ui.field("Login", "login", required=True, max_length=40, auto_complete="off"),
                ui.field(
                    "First password", "password", required=True, max_length=200, auto_complete="off",
                    default_value=Team.first_password,
                ),
                direction="column",
                gap="12px",
            ),
        ),
        _several("Roles", Team.choices),
        go="Save",
        leave=Team.leave_person,
        open=Team.person != "",
        on_submit=Team.keep_person,
        form={"key": Team.person},
        data_testid="keep-person",
    )  # fmt: skip


def outside() -> rx.Component:
    """Where a provider is set up: who it lets in, and as what."""
    rules = rx.el.form(
        rx.flex(
            ui.field(
                "Let in everybody of these domains", "domains", default_value=Team.domains,
                placeholder="harbour.example", hint="Separated by commas. Empty: only who was invited.",
            ),
            ui.choice("Their role at first", "first_role", Team.role_options, default_value=Team.first_role),
            ui.field("Claim that names their groups", "claim", default_value=Team.claim, max_length=60),
            ui.area(
                "Which group has which role", "groups", default_value=Team.groups, max_length=4000,
                placeholder="Front of house = Front desk",
                hint="One a line. While there are any, the provider's groups decide at every sign-in.",
            ),
            rx.flex(ui.primary("Save", type="submit", data_testid="keep-outside"), justify="end"),
            direction="column",
            gap="14px",
        ),
        on_submit=Team.keep_outside,
    )  # fmt: skip
    return rx.cond(
        (Team.provider != "") & ~Team.loading,
        ui.section(
            f"Signing in with {Team.provider}",
            rx.flex(
                ui.quiet(
                    "Invite by address",
                    align_self="start",
                    icon="mail-plus",
                    on_click=Team.ask_invite(True),
                    data_testid="invite",
                ),
                rx.cond(Team.may_rule, rules),
                direction="column",
                gap="18px",
                align="stretch",
            ),
            hint="Nobody gets an account by being known to the provider alone.",
            max_width="860px",
        ),
    )


def invite_dialog() -> rx.Component:
    return ui.form_dialog(
        "Invite somebody",
        "They sign in with the provider, once known there by this address. The address itself is not kept.",
        ui.field("Email address", "address", type="email", required=True, max_length=200, auto_focus=True),
        _several("Roles", Team.choices),
        go="Invite",
        leave=Team.ask_invite,
        open=Team.inviting,
        on_submit=Team.invite,
        data_testid="confirm-invite",
    )


def _several(legend: str, ticks: rx.Var[list[Tick]]) -> rx.Component:
    return rx.el.fieldset(
        rx.el.legend(legend, **tokens.text("label"), padding="0"),
        rx.foreach(ticks, _tick),
        border="0",
        padding="0",
        margin="16px 0 0",
    )


def _tick(tick: rx.Var[Tick]) -> rx.Component:
    return ui.check(tick.words, tick.key, default_checked=tick.on, hint=tick.hint)
