"""The frame around every page."""

from components.layout.frame import frame, head

__all__ = ["frame", "head"]
