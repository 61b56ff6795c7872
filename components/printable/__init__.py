"""Sheets to print."""

from components.printable.sheet import sheet

__all__ = ["sheet"]
