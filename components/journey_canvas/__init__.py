"""The journey canvas: the one JSX component of the portal (React Flow underneath), to work on a journey
and to look at two of them as one."""

from components.journey_canvas.journey_canvas import journey_canvas, journey_comparison

__all__ = ["journey_canvas", "journey_comparison"]
