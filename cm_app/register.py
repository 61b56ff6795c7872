"""The capability register: what the product must be able to do, and the tests that prove it.

The register is docs/capabilities.md; a test claims ids with `@pytest.mark.covers("SUP-1", …)` on
itself, its class or its module (`pytestmark`). Read from the source text: nothing is run.
"""

import ast
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from rich.table import Table

from cm_app.console import screen

ROOT = Path(__file__).resolve().parents[1]
REGISTER = ROOT / "docs" / "capabilities.md"
LINE = re.compile(r"^- \*\*([A-Z]{3}-\d+)\*\* (.+)$")


@dataclass
class Capability:
    id: str
    words: str
    tests: list[str] = field(default_factory=list)


def register() -> list[Capability]:
    """Every capability, in the register's order, with its tests."""
    claims = claimed()
    lines = (LINE.match(line) for line in REGISTER.read_text().splitlines())
    return [Capability(m[1], m[2], sorted(claims.get(m[1], []))) for m in lines if m]


def unknown() -> dict[str, list[str]]:
    """Ids that tests claim and the register does not have."""
    known = {capability.id for capability in register()}
    return {id: tests for id, tests in claimed().items() if id not in known}


def claimed(folder: Path = ROOT / "tests") -> dict[str, list[str]]:
    """Capability id → tests that claim it, as `tests/x/test_y.py::test_z`."""
    claims: dict[str, list[str]] = defaultdict(list)
    for path in sorted(folder.rglob("test_*.py")):
        place = path.relative_to(folder.parent).as_posix()
        for id, test in _claims_of(ast.parse(path.read_text())):
            claims[id].append(f"{place}::{test}" if test else place)
    return claims


def _claims_of(tree: ast.Module) -> Iterator[tuple[str, str]]:
    for node in tree.body:
        match node:
            case ast.Assign(targets=[ast.Name(id="pytestmark")], value=value):
                yield from ((id, "") for id in _ids(value))
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                yield from _decorated(node, node.name)
            case ast.ClassDef():
                yield from _decorated(node, node.name)
                for inner in node.body:
                    if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef):
                        yield from _decorated(inner, f"{node.name}::{inner.name}")


def _decorated(
    node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef, name: str
) -> Iterator[tuple[str, str]]:
    for decorator in node.decorator_list:
        yield from ((id, name) for id in _ids(decorator))


def _ids(node: ast.expr) -> Iterator[str]:
    """Arguments of every `….covers(...)` call inside an expression."""
    for call in ast.walk(node):
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "covers":
            for argument in call.args:
                if isinstance(argument, ast.Constant):
                    yield str(argument.value)


def show(*, only_missing: bool = False) -> None:
    """Print the register as a table, and the count."""
    every = register()
    table = Table("id", "capability", "tests", box=None, pad_edge=False)
    for capability in every:
        if capability.tests and only_missing:
            continue
        tests = "\n".join(capability.tests) if capability.tests else "[yellow]not covered[/yellow]"
        table.add_row(capability.id, capability.words, tests)
    screen.print(table)
    covered = sum(bool(capability.tests) for capability in every)
    screen.print(f"{covered} of {len(every)} capabilities are covered by at least one test.")
