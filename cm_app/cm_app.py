"""Assembly of the web process: the portal's pages, and the API on the same port."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import reflex as rx

from cm_app.api.factory import api
from cm_app.pages import PAGES
from components import tokens
from services.bootstrap import app as process
from services.kit import qa, vitals
from state.api_reference import described_by
from state.session import explain


def assemble() -> rx.App:
    """The Reflex app with every page."""
    served = api()
    described_by(served.openapi)
    portal = rx.App(
        api_transformer=served,
        stylesheets=["/portal.css", "/builder.css", "/versions.css", "/print.css", "/content.css"],
        head_components=[
            rx.el.link(rel="icon", href="/favicon.svg", type="image/svg+xml"),
            rx.el.style(tokens.stylesheet()),
            rx.el.script(src="/keys.js", defer=True),
        ],
        backend_exception_handler=explain,
        toaster=rx.toast.provider(rich_colors=False, close_button=True, position="bottom-right"),
        html_lang="en",
    )
    for module in PAGES:
        portal.add_page(
            module.page,
            route=module.ROUTE,
            title=module.TITLE,
            on_load=getattr(module, "ON_LOAD", None),
        )
    portal.register_lifespan_task(_alive)
    return portal


@asynccontextmanager
async def _alive() -> AsyncIterator[None]:
    wired = process()
    async with (
        qa.following(wired.bus, wired.clock, on=wired.settings.qa),
        vitals.alive(wired.bus, wired.clock, "web"),
    ):
        yield


app = assemble()
