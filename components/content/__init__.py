"""Parts for writing a message, wherever one is written: its languages, and the fields it may hold."""

from components.content.languages import languages
from components.content.merge_fields import merge_menu

__all__ = ["languages", "merge_menu"]
