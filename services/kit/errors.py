"""The error tree: a code, an HTTP status, and a sentence that says what to do (house rule 14)."""

from typing import Any, ClassVar


class AppError(Exception):
    """Base of every error a caller may see. `message` is shown to people as it is."""

    code: ClassVar[str] = "error"
    status: ClassVar[int] = 400

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message)
        self.message = message
        self.details = details


class NotFound(AppError):
    code = "not_found"
    status = 404


class Forbidden(AppError):
    code = "forbidden"
    status = 403


class NotSignedIn(AppError):
    code = "not_signed_in"
    status = 401


class StepUpNeeded(AppError):
    """D10: ask for a fresh one-time code, then try again."""

    code = "step_up_needed"
    status = 403


class Invalid(AppError):
    """Input is wrong. `problems` says where and why, one sentence each."""

    code = "invalid"
    status = 422

    def __init__(self, message: str, problems: list[dict[str, Any]] | None = None, **more: Any):
        super().__init__(message, problems=problems or [], **more)

    @property
    def problems(self) -> list[dict[str, Any]]:
        return list(self.details["problems"])


class Conflict(AppError):
    code = "conflict"
    status = 409


class StaleWrite(Conflict):
    """Somebody else saved first; nothing was overwritten."""

    code = "stale"


class TransitionError(Conflict):
    """A state change the table of D6 does not allow."""

    code = "transition_error"


class Unavailable(AppError):
    """A neighbour or server cannot be reached; the work is kept."""

    code = "unavailable"
    status = 503
