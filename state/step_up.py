"""A fresh one-time code before what weighs most (D10), asked for by the page where it is needed.

Such a page has the vars `coding` (its dialog is open) and `code_hint` (a demo shows the code itself).
"""

from typing import Any

from services.access import service as access
from services.bootstrap import app
from services.kit.errors import StepUpNeeded
from state.session import token_of


async def fresh(page: Any) -> bool:
    """Did this session give a code within five minutes? If not, the page's dialog opens."""
    try:
        await access.require_fresh(app(), token_of(page))
    except StepUpNeeded:
        await ask(page)
        return False
    return True


async def ask(page: Any) -> None:
    """Open the page's dialog for a code."""
    page.coding, page.code_hint = True, await access.demo_code(app(), token_of(page))


async def take(page: Any, form: dict[str, str]) -> None:
    """Check the code of the page’s dialog and close it. Raises WrongCode, LockedOut, StepUpNeeded."""
    await access.step_up(app(), token_of(page), form.get("code", "").strip())
    page.coding = False
