"""The web process: the built portal, the API and the websocket, all on one port.

`cm up` builds the portal first; this only serves it, so a restart takes a second or two.
"""

import os

from services.kit.settings import settings


def main() -> None:
    """Serve until SIGTERM. Run from the project's folder."""
    os.environ["REFLEX_ENV_MODE"] = "prod"
    os.environ["REFLEX_CHECK_LATEST_VERSION"] = "false"
    os.environ["REFLEX_USE_GRANIAN"] = "true"
    os.environ["GRANIAN_WORKERS"] = "1"  # page states live in this process's memory (house rule 16)
    from reflex.utils.exec import run_backend_prod
    from reflex_base.constants.base import LogLevel
    from reflex_base.environment import environment

    environment.REFLEX_SKIP_COMPILE.set(True)
    run_backend_prod(settings().host, settings().port, LogLevel.WARNING, mount_frontend_compiled_app=True)


if __name__ == "__main__":
    main()
