"""After a rule moved, the keyboard stays with it, and where it is now is said aloud."""

from typing import Any

import orjson
import reflex as rx

from services.contracts.segment import Group
from state.rule_changes import said

FOCUS = {"move": "grip", "nudge": "grip", "duplicate": "grip", "wrap": "grip", "add": "first"}


def follow(key: str, what: str, moved: list[str], group: Group) -> list[Any]:
    """Focus the rule that a change moved or made. `key` names the editor, `moved` its new path."""
    if what not in FOCUS or not moved or not moved[0]:
        return []
    where = orjson.dumps(f"{key}-{moved[0]}").decode()
    words = orjson.dumps(said(group, moved[0]) if FOCUS[what] == "grip" else "").decode()
    return [rx.call_script(f"window.cmRules?.follow({where}, '{FOCUS[what]}', {words})")]
