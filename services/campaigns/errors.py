"""What can go wrong with a campaign, beyond the errors of the kit."""

from services.kit.errors import Conflict, Forbidden


class NotEditable(Conflict):
    """LIF-4: only Draft and Paused campaigns change."""

    code = "not_editable"


class ApprovalClosed(Conflict):
    """The request was decided, revoked, or overtaken by an edit."""

    code = "approval_closed"


class OwnWork(Forbidden):
    """D9: nobody approves what they made or changed."""

    code = "own_work"
