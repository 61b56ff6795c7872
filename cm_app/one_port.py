"""A Reflex plugin: the built portal talks to the address it was loaded from.

Reflex writes the API's address into the bundle, so another port or host name would need another
build. The portal, the API and the websocket share one port here (see docs/decisions/0005), so the
browser already knows the address.
"""

from typing import Any

from reflex_base import constants
from reflex_base.environment import environment
from reflex_base.plugins import Plugin

STATE_JS = "utils/state.js"
NEEDLE = "const endpoint = new URL(url_str);"
SAME_ORIGIN = (
    NEEDLE
    + """
  if (typeof window !== "undefined") {
    const secure = window.location.protocol === "https:";
    endpoint.host = window.location.host;
    endpoint.port = window.location.port;
    endpoint.protocol = (endpoint.protocol.startsWith("ws") ? "ws" : "http") + (secure ? "s:" : ":");
    return endpoint;
  }"""
)


class OnePort(Plugin):
    """Rewrites Reflex's address lookup in production builds; development keeps its two ports."""

    def pre_compile(self, **context: Any) -> None:
        if environment.REFLEX_ENV_MODE.get() == constants.Env.PROD:
            context["add_modify_task"](STATE_JS, same_origin)


def same_origin(source: str) -> str:
    """Reflex's `state.js` with the lookup replaced. Raises when Reflex no longer has that line."""
    if SAME_ORIGIN in source:
        return source
    if source.count(NEEDLE) != 1:
        raise RuntimeError("Reflex looks its address up in another way now: revise cm_app/one_port.py.")
    return source.replace(NEEDLE, SAME_ORIGIN)
