"""The rule editor: a tree of rules as rows that can be dragged, nested and turned round (AUD-1, AUD-2),
and what the rules come to. Used for an audience, for a branch's path and for a saved segment alike."""

from components.rule_editor.answer import answer, excluded, kinds, sample
from components.rule_editor.editor import rule_editor

__all__ = ["answer", "excluded", "kinds", "rule_editor", "sample"]
