"""The house rules that a machine can check, and the proof that it would notice."""

import subprocess
from pathlib import Path

import pytest

from tests.lint.bans import BANS, Ban

ROOT = Path(__file__).resolve().parents[2]

BROKEN: dict[str, tuple[str, str]] = {
    "time is an argument": ("services/x/service.py", "import datetime as dt\nat = dt.datetime.now()\n"),
    "ids and chance come from kit": ("services/x/rules.py", "import random\n"),
    "no random ids": ("state/x.py", "from uuid import uuid4\nid = uuid4()\n"),
    "no time in SQL strings": ("services/x/queries.py", 'Q = "UPDATE cm.x SET at = NOW()"\n'),
    "no time in SQL files": ("alembic/sql/x.sql", "UPDATE cm.x SET at = now();\n"),
    "colours live in tokens": ("components/x.py", 'rx.box(color="#1a2b3c")\n'),
    "icons are named": ("components/x.py", 'rx.icon(rx.cond(State.on, "check", "plus"))\n'),
    "one place commits": ("services/x/service.py", "async def f(s):\n    await s.commit()\n"),
    "names say what is inside": ("services/x/utils.py", ""),
    "no registry hosts": ("docs/x.md", "see https://registry" + ".npmjs.org/x\n"),
    "no machine paths": ("docs/x.md", "run /ro" + "ot/x.py\n"),
    "nothing is left for later": ("services/x/service.py", "# TO" + "DO: later\n"),
}
FINE: dict[str, tuple[str, str]] = {
    "time is an argument": ("services/x/service.py", "at = clock.now()\nbegan = time.monotonic()\n"),
    "no time in SQL strings": (
        "services/x/queries.py",
        'def f():\n    """Never NOW()."""\n    return ":now"\n',
    ),
    "colours live in tokens": ("components/x.py", 'rx.link("Skip", href="#main")\n'),
    "icons are named": (
        "components/x.py",
        'rx.icon(name)\nrx.cond(State.on, rx.icon("check"), rx.icon("plus"))\n',
    ),
    "no machine paths": ("docs/x.md", "open http://localhost:3000/work/1 or ./root/x\n"),
    "names say what is inside": ("services/x/commonplace.py", ""),
}


def tracked() -> list[str]:
    """Files that are, or would be, in git."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return [path for path in listed.stdout.splitlines() if (ROOT / path).is_file()]


@pytest.mark.parametrize("ban", BANS, ids=lambda ban: ban.name)
def test_the_house_keeps_its_rule(ban: Ban):
    problems = [
        f"{path}:{number}: {found} ({ban.name}: {ban.why})"
        for path in tracked()
        if ban.applies(path)
        for number, found in ban.find((ROOT / path).read_text(errors="replace"))
    ]
    assert not problems, "\n".join(problems)


@pytest.mark.parametrize("ban", BANS, ids=lambda ban: ban.name)
def test_the_rule_notices_a_broken_sample(ban: Ban):
    path, text = BROKEN[ban.name]
    assert ban.applies(path)
    assert list(ban.find(text))


@pytest.mark.parametrize("name", FINE)
def test_the_rule_leaves_good_code_alone(name: str):
    ban = next(ban for ban in BANS if ban.name == name)
    path, text = FINE[name]
    assert not ban.applies(path) or not list(ban.find(text))
