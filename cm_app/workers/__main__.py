"""`python -m cm_app.workers NAME`: what `cm up` starts and `cm worker NAME` runs."""

import asyncio
import inspect
import sys
from importlib import import_module

from pydantic import SecretStr

from services.bootstrap import servers
from services.kit import telemetry, tracing
from services.kit.settings import settings


def run(name: str) -> None:
    """Set logging up, then run the `main` of that worker until it is told to stop."""
    config = settings()
    telemetry.configure(name, level=config.log_level)
    tracing.configure(name, config.otlp_endpoint)
    for _, value in config:
        if isinstance(value, SecretStr):
            telemetry.hide(value.get_secret_value(), *value.get_secret_value().split(","))
    telemetry.hide(*servers(config).values())
    main = import_module(f"cm_app.workers.{name}").main
    if inspect.iscoroutinefunction(main):
        asyncio.run(main())
    else:
        main()


if __name__ == "__main__":
    run(sys.argv[1])
