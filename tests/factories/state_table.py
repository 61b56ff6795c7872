"""Who may call which state handler: every one of them, by class (house rule 11).

A handler that is missing here fails `tests/integration/test_state_handlers.py`, and so does one that
is here and no longer exists.
"""

from typing import Any

TAB = "tab"
"""Changes what this tab shows and reads nothing: no statement, whoever calls. Also what turns down
everything that this tab was not shown before, as nothing was to whoever calls here."""
SIGNED_IN = "signed in"
ANYBODY = "anybody"
PLANNERS, CANCELLERS = "author|manage", "author|manage|suppress"
AUTHORS_LATER = "author|author"
"""The refusal comes after something that everybody here may read (which day it is)."""

TABLE: dict[str, dict[str, str]] = {
    "Account": {
        SIGNED_IN: "load sign_out_elsewhere change_password begin_totp confirm_totp give_code",
        TAB: "leave_totp ask_code",
    },
    "ApiReference": {"read": "load find toggle"},
    "Approval": {
        "read": "load follow foresee",
        "approve|author": "remark",
        "approve": "approve send_back",
        TAB: "ask_back set_until",
    },
    "Approvals": {
        "read": "load follow",
        "approve": "approve_chosen give_code",
        TAB: "choose ask_code",
    },
    "Audit": {
        "compliance": "load choose about find clear show_more verify download give_code",
        SIGNED_IN: "follow",
        TAB: "ask_code ask_export export",
    },
    "AudiencePanel": {"author": "rule toggle_kind", "read": "open recount"},
    "Blocks": {
        "read": "load",
        "suppress": "add look_up show_more upload",
        "compliance": "remove",
        TAB: "set_ground ask_removal leave_it",
    },
    "ChangeImpact": {"author": "choose_all", TAB: "choose chosen read"},
    "Clipboard": {"author": "cut pasted", "read": "copied"},
    "NoteReports": {"author": "added changed"},
    "Outline": {
        "read": "load set_view",
        "author": "added moved linked unlinked removed duplicated travelled",
    },
    "Builder": {
        "read": "load chosen chosen_note open_panel today",
        "author": "rename save save_soon settle undo redo apply restore_good",
        TAB: "adopt facts touched check show open_step look_at travel show_taken fix",
    },
    "Calendar": {
        "read": "load follow show turn",
        "author": "move",
        TAB: "ask_move set_moving set_moving_to",
    },
    "CanvasReports": {"author": "step_added put step_moved linked unlinked removed duplicated tidied"},
    "ClosedDays": {
        "read": "load",
        "administer": "choose_country choose_part",
        "manage": "close reopen work_on",
    },
    "Drawing": {TAB: "look go"},
    "Dashboard": {
        "read": "load follow find toggle_state choose clear show_more",
        "author": "clone",
        "manage": "pause resume cancel undo",
        "delete_draft": "delete",
        TAB: "toggle_filters",
    },
    "Demo": {"read": "load find pick happen"},
    "Followups": {
        "read": "load follow ask",
        PLANNERS: "plan",
        CANCELLERS: "cancel",
        TAB: "choose_template choose_channel choose_otherwise ask_cancel keep",
    },
    "HandOver": {"read": "load", TAB: "choose"},
    "Looks": {
        "read": "choose_device turn_dark choose_language find choose another",
        "author": "ask_links",
        TAB: "take",
    },
    "MessageTemplate": {
        "read": "load show_language",
        "author": "rename choose_channel choose_scope add_language remove_language set_words insert_field"
        " save settle restore use",
    },
    "MessageTemplates": {"read": "load choose_channel", SIGNED_IN: "follow"},
    "Presence": {"read": "follow moved", TAB: "load"},
    "PrintSheet": {"read": "load"},
    "Privacy": {
        "compliance": "correct report erase give_code go_on",
        SIGNED_IN: "load follow",
        TAB: "ask_correct ask_erase ask_code",
    },
    "StatusPage": {"manage": "load", SIGNED_IN: "follow"},
    "StepPeople": {"read": "overview open show_more"},
    "Versions": {"read": "load choose", TAB: "show", "author": "restore undo", SIGNED_IN: "follow"},
    "Words": {
        "read": "offer_templates look",
        "author": "copy_template try_out send_test",
        SIGNED_IN: "follow",
        TAB: "type_addresses",
    },
    "ForecastPage": {"read": "load choose_days choose_version assume as_known stop once_more work_out"},
    "Imports": {"author": "load upload open back confirm", TAB: "map declare"},
    "Integrations": {"read": "load follow", "administer": "replay set_aside undo"},
    "Life": {
        "read": "load follow",
        "author": "ask send withdraw set_type set_pace set_spread set_objective",
        "manage": "pause resume unschedule cancel",
        TAB: "set_note set_when set_at set_asking set_stopping set_reason",
    },
    "Login": {ANYBODY: "load"},
    "People": {"read": "load find choose_kind show_more"},
    "Person": {"read": "load", SIGNED_IN: "follow", "suppress": "decide undo", TAB: "ask"},
    "Proofs": {"read": "show follow", "author": "start"},
    "RulePeople": {"read": "toggle find"},
    "Run": {"read": "load follow"},
    "Runs": {"read": "load follow choose clear show_more"},
    "SegmentEditor": {
        "read": "load recount",
        TAB: "choose_channel",
        "author": "rule toggle_kind undo redo rename describe save settle",
    },
    "Segments": {"read": "load follow", "author": "archive"},
    "Several": {
        "manage": "do undo give_code",
        TAB: "clear choose set_tag set_tagging set_cancelling ask_code",
    },
    "Session": {SIGNED_IN: "enter follow"},
    "Settings": {
        "read": "load",
        "manage": "stop release give_code",
        "administer": "save",
        TAB: "set_single ask_stop ask_code",
    },
    "StepPanel": {
        "author": "left set_text set_number set_flag set_words insert_field set_share set_control"
        " set_path_label set_length set_offset set_windowed set_rate set_spread toggle_day"
        " set_clock set_holidays add_language remove_language use_template toggle_channel move_channel act remove duplicate rule choose_event condition",
        AUTHORS_LATER: "set_how",
        TAB: "show_words show_language",
    },
    "Story": {"read": "load narrow of_campaign older", SIGNED_IN: "follow"},
    "Team": {
        "people": "load edit keep_role retire bring_back choose_person keep_person close_account open_account"
        " ask_invite invite",
        "administer": "keep_outside",
        TAB: "leave_role leave_person",
    },
    "Templates": {"author": "load use start_empty", "read": "look", TAB: "show"},
    "WalkPage": {"read": "load choose step event_comes"},
    "Webhooks": {
        "administer": "load open narrow add rotate switch remove test retry",
        SIGNED_IN: "follow",
        TAB: "ask hide_secret",
    },
    "Why": {"read": "ask of_campaign of_step", TAB: "load"},
}


class Sent:
    """A file as a browser sends it."""

    name = "entries.csv"

    async def read(self) -> bytes:
        return b"email\nsomeone@example.com\n"


GIVEN: dict[str, tuple[Any, ...]] = {
    "ClosedDays.choose_country": ("DE",),
    "ClosedDays.choose_part": ("SCT",),
    "ClosedDays.close": ({"closed-first": "2027-05-03"},),
    "ClosedDays.reopen": ("2027-05-03",),
    "ClosedDays.work_on": ("2027-05-03", True),
    "Several.do": ("pause",),
    "StepPeople.open": ({"step": "entry", "key": "waiting"},),
    "Approval.approve": ({},),
    "Audit.choose": ("tag", ""),
    "AudiencePanel.rule": ("include", "add", "", "", ""),
    "AudiencePanel.toggle_kind": ("lead",),
    "Blocks.upload": ([Sent()],),
    "Builder.apply": (lambda journey: journey, "an edit"),
    "CanvasReports.step_added": ({"kind": "wait"},),
    "Dashboard.choose": ("kind", "one_off"),
    "Dashboard.toggle_state": ("draft",),
    "Followups.plan": ({"due": "2026-07-01T10:00", "subject": "Hello", "body": "See you soon."},),
    "Outline.added": ({"kind": "wait"},),
    "Outline.moved": ({"id": "a", "way": "up"},),
    "Outline.set_view": ("canvas",),
    "Outline.travelled": ("undo",),
    "Life.set_objective": ("booking",),
    "Life.set_pace": ("per_hour", "10"),
    "Life.set_spread": ("2", "hours"),
    "Life.set_type": ("reactivation",),
    "Life.set_when": ("now",),
    "MessageTemplate.set_words": ("body", "Hello"),
    "MessageTemplates.choose_channel": ("email",),
    "Runs.choose": ("outcome", "delivered"),
    "SegmentEditor.choose_channel": ("email",),
    "SegmentEditor.rule": ("include", "mode", "", "", "all"),
    "SegmentEditor.toggle_kind": ("lead",),
    "StepPanel.act": ("add_path", 0),
    "StepPanel.condition": (-1, "add", 0, "", ""),
    "StepPanel.move_channel": ("email", 1),
    "StepPanel.set_clock": ("start", "09:00"),
    "StepPanel.set_flag": ("one_per_household", True),
    "StepPanel.set_length": ("2", "days"),
    "StepPanel.set_number": ("limit_hours", "2"),
    "StepPanel.set_offset": ("2", "before"),
    "StepPanel.set_rate": ("10",),
    "StepPanel.set_share": ("variants", 0, "label", "A"),
    "StepPanel.set_spread": ("2", "hours"),
    "StepPanel.set_text": ("title", "Hello"),
    "StepPanel.set_words": ("subject", "Hello"),
    "StepPanel.toggle_channel": ("email",),
    "Templates.use": ("birthday",),
}
"""Arguments a page would send, where invented ones are turned down before anybody is asked who they are."""


def permissions() -> dict[str, str]:
    """`Class.handler` → what it needs; alternatives are joined by `|`."""
    return {
        f"{cls}.{name}": needed
        for cls, groups in TABLE.items()
        for needed, names in groups.items()
        for name in names.split()
    }
