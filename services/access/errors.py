"""Refusals of the access service."""

from services.kit.errors import NotSignedIn, StepUpNeeded


class LockedOut(NotSignedIn):
    """Too many wrong passwords or codes; the sentence says when to try again."""

    code = "locked_out"
    status = 429


class SignInRefused(NotSignedIn):
    """The provider's answer does not sign anybody in; `reason` says why."""

    code = "sign_in_refused"

    def __init__(self, reason: str) -> None:
        super().__init__(REFUSALS[reason])
        self.reason = reason


REFUSALS = {
    "state": "This sign-in was not begun here, or was used already. Start again from the sign-in page.",
    "late": "That took too long. Start again from the sign-in page.",
    "declined": "You said no at the provider, so nobody was signed in.",
    "provider": "The provider could not be asked, or gave no answer that can be used. Try again in a moment.",
    "replayed": "This sign-in was used already or came too late. Start again from the sign-in page.",
    "expired": "The provider's word was too old. Start again; if it happens again, its clock may be wrong.",
    "audience": "The provider's word was meant for another program. Tell whoever looks after your accounts.",
    "nonce": "The provider's word belongs to another sign-in. Start again from the sign-in page.",
    "proof": "The provider's word could not be verified. Tell whoever looks after your accounts.",
    "unknown": "You are known to the provider and not to this practice. Ask for an invitation.",
    "closed": "Your account here is closed. Ask whoever manages your team's accounts.",
}
"""What each reason is told as; the words are the same on the sign-in page and in the API."""


class WrongCode(StepUpNeeded):
    """The one-time code is wrong, too old, or was used before."""

    code = "wrong_code"
