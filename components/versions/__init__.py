"""The versions of a campaign and what differs between them."""

from components.versions.page import page

__all__ = ["page"]
