"""The builder: header, canvas and the panel beside it."""

from components.builder.page import builder

__all__ = ["builder"]
