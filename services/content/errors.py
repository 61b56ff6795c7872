from services.kit.errors import Conflict


class NameTaken(Conflict):
    """CNT-1: a template's name is unique among the global ones, or inside its campaign."""

    code = "name_taken"
