"""A form that the browser itself sends to the server; Reflex's own form never does."""

from typing import Any

import reflex as rx
from reflex_components_core.el.elements.base import BaseHTML


class _PlainForm(BaseHTML):
    tag = "form"

    action: rx.Var[str]
    method: rx.Var[str]


def plain_form(*children: Any, action: str, method: str = "post", **props: Any) -> rx.Component:
    """For what only an HTTP answer can do, such as setting an HttpOnly cookie."""
    return _PlainForm.create(*children, action=action, method=method, **props)
