"""The journey canvas: the one JSX component of the portal (React Flow underneath)."""

from components.journey_canvas.journey_canvas import journey_canvas

__all__ = ["journey_canvas"]
