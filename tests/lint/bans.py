"""The house bans as values: where each applies, and what it finds in a file's text."""

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

Find = Callable[[str], Iterator[tuple[int, str]]]

OURS = r"^(cm_app|components|state|services)/.*\.py$"


@dataclass(frozen=True)
class Ban:
    """`where` and `but` are patterns of paths; `find` yields line number and what is wrong there."""

    name: str
    why: str
    find: Find
    where: str = OURS
    but: str = r"^$"

    def applies(self, path: str) -> bool:
        return bool(re.search(self.where, path)) and not re.search(self.but, path)


def calls(*names: str) -> Find:
    """Calls written as one of `names`: `datetime.now` finds `datetime.now(…)` and `dt.datetime.now(…)`."""

    def find(text: str) -> Iterator[tuple[int, str]]:
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Call):
                written = ast.unparse(node.func)
                if any(written == name or written.endswith("." + name) for name in names):
                    yield node.lineno, f"{written}()"

    return find


def methods(*names: str) -> Find:
    """Calls of a method with one of `names`, on anything."""

    def find(text: str) -> Iterator[tuple[int, str]]:
        for node in ast.walk(ast.parse(text)):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in names
            ):
                yield node.lineno, f".{node.func.attr}()"

    return find


def modules(*names: str) -> Find:
    """Imports of one of these modules."""

    def find(text: str) -> Iterator[tuple[int, str]]:
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.Import):
                yield from ((node.lineno, f"import {a.name}") for a in node.names if a.name in names)
            if isinstance(node, ast.ImportFrom) and node.module in names:
                yield node.lineno, f"from {node.module} import …"

    return find


def strings(pattern: str) -> Find:
    """`pattern` inside string literals that are not docstrings: SQL lives there."""
    compiled = re.compile(pattern)

    def find(text: str) -> Iterator[tuple[int, str]]:
        tree = ast.parse(text)
        explained = {
            id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)
        }  # docstrings and the texts below constants
        for node in ast.walk(tree):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in explained:
                for match in compiled.finditer(node.value):
                    yield node.lineno, match[0]

    return find


def lines(pattern: str, *, allowed: tuple[str, ...] = ()) -> Find:
    """`pattern` anywhere in a line, but for whole lines that are `allowed`."""
    compiled = re.compile(pattern)

    def find(text: str) -> Iterator[tuple[int, str]]:
        for number, line in enumerate(text.splitlines(), 1):
            match = compiled.search(line)
            if match and line.strip() not in allowed:
                yield number, match[0]

    return find


def chosen_icons(text: str) -> Iterator[tuple[int, str]]:
    """Icons whose name is worked out in the browser."""
    for node in ast.walk(ast.parse(text)):
        named = isinstance(node, ast.Call) and ast.unparse(node.func) == "rx.icon" and node.args[:1]
        if named and isinstance(named[0], ast.Call | ast.IfExp):
            yield node.lineno, f"rx.icon({ast.unparse(named[0])})"


def nothing_may_exist(text: str) -> Iterator[tuple[int, str]]:
    """For bans on a file's name: the file itself is the problem."""
    yield 1, "this file name"


SQL_TIME = (
    r"(?i)\b(now\(\)|current_timestamp\b|current_date\b|localtimestamp\b|clock_timestamp\(|"
    r"statement_timestamp\(|transaction_timestamp\(|gen_random_uuid\(|uuidv4\(|random\(\))"
)
# Put together from parts, so that this file does not trip over itself.
HOSTS = "|".join(
    ["registry" + r"\.npm", "npm" + "mirror", "files" + r"\.pythonhosted", r"pypi\.org/" + "simple"]
)
PLACES = r"(?<![\w.:/-])/(?:" + "|".join(["ro" + "ot", "wo" + "rk", r"home/\w+", r"Users/\w+"]) + ")/"
TEXT_FILES = r"\.(py|js|jsx|css|sql|md|toml|json|yaml|yml|txt|cfg|ini|sh|html)$|^[^.]+$|^\.ci/"

BANS = (
    Ban(
        "time is an argument",
        "take `u.now`, or ask the clock of services.kit",
        calls("datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time"),
        but=r"^services/kit/",
    ),
    Ban(
        "ids and chance come from kit",
        "use services.kit.ids and the seeded chance of services.kit",
        modules("random"),
        but=r"^services/kit/",
    ),
    Ban(
        "no random ids",
        "use services.kit.ids.new_id: its ids sort by time",
        calls("uuid4", "uuid1"),
        but=r"^services/kit/",
    ),
    Ban("no time in SQL strings", "bind :now", strings(SQL_TIME), but=r"^(services/kit|cm_app/bench)/"),
    Ban(
        "no time in SQL files",
        "pass the time as an argument",
        lines(SQL_TIME, allowed=("SELECT cm.ensure_partitions(current_date, 3);",)),
        where=r"\.sql$",
    ),
    Ban(
        "colours live in tokens",
        "name a tone of components/tokens.py",
        lines(r"#(?:[0-9a-fA-F]{8}|[0-9a-fA-F]{6}|[0-9a-fA-F]{3,4})\b(?!;)"),
        where=r"^(cm_app/pages|components|state)/.*\.(py|jsx|js|css)$|^assets/.*\.css$",
        but=r"^components/tokens\.py$",
    ),
    Ban(
        "icons are named",
        "choose between icons, not between names: a name from the browser brings every icon there is along, 240 kB",
        chosen_icons,
        where=r"^(cm_app/pages|components)/.*\.py$",
    ),
    Ban("one place commits", "leave it to the unit of work", methods("commit"), but=r"^services/kit/uow\.py$"),
    Ban(
        "names say what is inside",
        "name the file after what it holds",
        nothing_may_exist,
        where=r"(^|/)(utils?|helpers?|common|managers?|misc)(\.\w+|/)",
    ),
    Ban(
        "no registry hosts",
        "leave the choice of registry to the machine",
        lines(HOSTS),
        where=TEXT_FILES,
    ),
    Ban("no machine paths", "use a path relative to the project", lines(PLACES), where=TEXT_FILES),
    Ban(
        "nothing is left for later",
        "do it, or open an issue",
        lines(r"(#|--|//|\*).*\b(TO" + r"DO|FIX" + r"ME|XX" + r"X)\b"),
        where=r"\.(py|sql|jsx|js|css)$",
    ),
)  # fmt: skip
