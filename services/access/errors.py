"""Refusals of the access service."""

from services.kit.errors import NotSignedIn, StepUpNeeded


class LockedOut(NotSignedIn):
    """Too many wrong passwords or codes; the sentence says when to try again."""

    code = "locked_out"
    status = 429


class WrongCode(StepUpNeeded):
    """The one-time code is wrong, too old, or was used before."""

    code = "wrong_code"
