"""Assembly of the web process: the portal's pages, and the API on the same port."""

import reflex as rx

from cm_app.api.factory import api
from cm_app.pages import PAGES
from components import tokens
from state.session import explain


def assemble() -> rx.App:
    """The Reflex app with every page."""
    portal = rx.App(
        api_transformer=api(),
        stylesheets=["/portal.css", "/builder.css"],
        head_components=[
            rx.el.link(rel="icon", href="/favicon.svg", type="image/svg+xml"),
            rx.el.style(tokens.stylesheet()),
        ],
        backend_exception_handler=explain,
        html_lang="en",
    )
    for module in PAGES:
        portal.add_page(
            module.page,
            route=module.ROUTE,
            title=module.TITLE,
            on_load=getattr(module, "ON_LOAD", None),
        )
    return portal


app = assemble()
