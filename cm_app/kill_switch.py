"""`cm kill-switch`: stop, or release, every campaign of every practice (D11)."""

import getpass

from cm_app.console import screen
from services.bootstrap import App, opened
from services.campaigns.stopping import release_everything, stop_everything


async def switch(on: bool, reason: str, here: App | None = None) -> bool:
    """Turn it and say what happened; True when it changed."""
    async with opened(here) as mine:
        who = getpass.getuser()
        if on:
            changed = await stop_everything(mine.uow, reason=reason, by=who)
        else:
            changed = await release_everything(mine.uow, by=who)
    match on, changed:
        case True, True:
            said = "Everything is stopped, at every practice. Release it with `cm kill-switch off`."
        case True, False:
            said = "Everything was stopped already."
        case False, True:
            said = "Released. Practices that stopped themselves stay stopped."
        case _:
            said = "Nothing was stopped for everybody."
    screen.print(said)
    return changed
