"""What can go wrong with a follow-up, beyond the errors of the kit."""

from services.kit.errors import Conflict


class TooMany(Conflict):
    """As many are planned as one person, or the practice, may have at once."""

    code = "too_many_followups"
