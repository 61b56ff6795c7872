"""Reflex settings. The product's own settings are in `services.kit.settings`."""

import reflex as rx

from components.tokens import Typeface, theme
from services.kit.settings import settings

config = rx.Config(
    app_name="cm_app",
    telemetry_enabled=False,
    show_built_with_reflex=False,
    frontend_port=settings().port,
    backend_port=settings().port,
    cors_allowed_origins=settings().allowed_origins,
    plugins=[rx.plugins.RadixThemesPlugin(theme=theme()), Typeface()],
    disable_plugins=[rx.plugins.SitemapPlugin],
)
