"""`cm preflight`: every check with its answer and, when it failed, its cure."""

from rich.table import Table

from cm_app import portal_build
from cm_app.console import screen
from services.bootstrap import servers
from services.kit import preflight
from services.kit.settings import Settings


def show(config: Settings, *, ports: bool) -> bool:
    """Print the checks; True when all hold. Servers are checked when they are known."""
    trouble = portal_build.node_problem()
    checks = preflight.machine(config, ports=ports)
    checks.append(preflight.Check("node", not trouble, trouble or "Node.js is here to build the portal."))
    where = servers(config)
    if {"database_url", "redis_url"} <= where.keys():
        checks += preflight.servers(where["database_url"], where["redis_url"])
    table = Table("", "check", "found", "what to do", box=None)
    for check in checks:
        table.add_row(
            "[green]✓[/green]" if check.ok else "[red]✗[/red]", check.name, check.sentence, check.cure
        )
    screen.print(table)
    return all(check.ok for check in checks)
