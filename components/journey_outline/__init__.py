"""The journey as an accessible tree: everything the canvas does, by keyboard."""

from components.journey_outline.journey_outline import journey_outline

__all__ = ["journey_outline"]
