"""What can be wrong with an audience rule."""

from services.kit.errors import Conflict, Invalid


class RuleInvalid(Invalid):
    """A rule names something the catalogue does not have, or compares it with the wrong thing."""

    code = "audience_rule_invalid"


class SegmentInUse(Conflict):
    """Another segment is built on this one."""

    code = "segment_in_use"
