"""What can go wrong with a campaign, beyond the errors of the kit."""

from services.builder.contracts import Problem
from services.kit.errors import Conflict, Forbidden, Invalid


class NotEditable(Conflict):
    """LIF-4: only Draft and Paused campaigns change."""

    code = "not_editable"


class Unreadable(Invalid):
    """What is stored does not fit the grammar, or cannot be decrypted. `problems` say where."""

    code = "unreadable"

    def __init__(self, what: str, found: list[Problem]) -> None:
        super().__init__(
            f"{what} cannot be read. {found[0].sentence} Restore a version that can be read, under Versions.",
            [problem.model_dump() for problem in found],
        )


class ApprovalClosed(Conflict):
    """The request was decided, revoked, or overtaken by an edit."""

    code = "approval_closed"


class OwnWork(Forbidden):
    """D9: nobody approves what they made or changed."""

    code = "own_work"
