"""Reflex settings. The product's own settings are in `services.kit.settings`."""

import reflex as rx

from cm_app.one_port import OnePort
from components.tokens import Typeface, theme
from services.kit.settings import settings

config = rx.Config(
    app_name="cm_app",
    telemetry_enabled=False,
    show_built_with_reflex=False,
    frontend_port=settings().port,
    backend_port=settings().port,
    backend_host=settings().host,
    cors_allowed_origins=settings().allowed_origins,
    plugins=[rx.plugins.RadixThemesPlugin(theme=theme()), Typeface(), OnePort()],
    disable_plugins=[rx.plugins.SitemapPlugin],
)
