"""A message's words as they are written, with merge fields and conditions spelled out for readers (BLD-12)."""

import re

from services.contracts.merge_fields import MERGE_FIELDS

_IF = re.compile(r"\{%-?\s*(?:el)?if\s+(not\s+)?([\w.]+)[^%]*%\}")
_ELSE = re.compile(r"\{%-?\s*else\s*-?%\}")
_END = re.compile(r"\{%-?\s*endif\s*-?%\}")
_REST = re.compile(r"\{%.*?%\}|\{#.*?#\}", re.DOTALL)
_TAG = re.compile(r"\{\{-?\s*([\w.]+)[^}]*\}\}")
_LABELS = {field.name: field.label.lower() for field in MERGE_FIELDS}


def spelled(text: str) -> str:
    """“Hello ‹first name› [with an online booking page: Book here; otherwise: Call us]”: both ways of a
    condition stay, each with when it is read. For people; never rendered."""
    told = _IF.sub(lambda found: f"[{'without' if found[1] else 'with'} {_label(found[2])}: ", text)
    told = _END.sub("]", _ELSE.sub("; otherwise: ", told))
    return _TAG.sub(lambda found: f"‹{_label(found[1])}›", _REST.sub("", told))


def _label(name: str) -> str:
    """The field as people know it; an object by its own word."""
    return _LABELS.get(name, name.replace(".", " ").replace("_", " "))
