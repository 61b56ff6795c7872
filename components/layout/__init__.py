"""The frame around every page."""

from components.layout.frame import frame, head, nowhere

__all__ = ["frame", "head", "nowhere"]
