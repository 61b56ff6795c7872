"""Which functions of the services change Campaign Manager's tables, and is the audit written (000 §8)?

Read from the source: a function writes the tables that the SQL it names writes. It is in order when it, or
something it calls, writes the audit, or when everybody who calls it is. This proves that a row is
written, not that it says the right thing: each tag has a test of its own for that.
"""

import ast
import re
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LEFT_OUT = ("kit", "neighbours", "contracts")
WRITES = re.compile(r"(?:INSERT INTO|UPDATE|DELETE FROM)\s+cm\.(\w+)")
RECORD = "services.audit.append:record"


@dataclass
class Function:
    """What one function names, as `module:name`, and the tables that its own words write."""

    where: str
    names: set[str] = field(default_factory=set)
    tables: set[str] = field(default_factory=set)
    audits: bool = False


@dataclass
class Module:
    """What names mean in one module: its own definitions, and what it imports."""

    name: str
    tree: ast.Module
    meanings: dict[str, str] = field(default_factory=dict)


class Source:
    """The services, read once. `texts` gives override files' texts, by path (for the checker's own test)."""

    def __init__(self, extra: dict[str, str] | None = None) -> None:
        self.modules: dict[str, Module] = {}
        self.constants: dict[str, str] = {}
        self.functions: dict[str, Function] = {}
        texts = {str(p.relative_to(ROOT)): p.read_text() for p in sorted((ROOT / "services").rglob("*.py"))}
        for path, text in {**texts, **(extra or {})}.items():
            if path.split("/")[1] not in LEFT_OUT:
                name = path.removesuffix(".py").replace("/", ".")
                self.modules[name] = _module(name, ast.parse(text))
        for module in self.modules.values():
            self._constants(module)
        for module in self.modules.values():
            for node in ast.walk(module.tree):
                if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                    self._function(module, node)

    def unaudited(self, bookkeeping: frozenset[str]) -> dict[str, set[str]]:
        """Functions that change something, where neither they nor all their callers audit → the tables."""
        callers: dict[str, set[str]] = defaultdict(set)
        for one in self.functions.values():
            for name in one.names - {one.where}:
                callers[name].add(one.where)
        return {
            one.where: tables
            for one in self.functions.values()
            if (tables := one.tables - bookkeeping) and not self._in_order(one.where, callers, frozenset())
        }

    def _in_order(self, where: str, callers: dict[str, set[str]], seen: frozenset[str]) -> bool:
        if self._audits(where, frozenset()):
            return True
        above = callers[where] - seen
        return bool(above) and all(self._in_order(one, callers, seen | {where}) for one in above)

    def _audits(self, where: str, seen: frozenset[str]) -> bool:
        one = self.functions.get(where)
        if one is None or where in seen:
            return False
        return one.audits or any(self._audits(name, seen | {where}) for name in one.names)

    def _constants(self, module: Module) -> None:
        for node in module.tree.body:
            if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
                for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                    if isinstance(target, ast.Name):
                        self.constants[f"{module.name}:{target.id}"] = _words(node.value)

    def _function(self, module: Module, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:
        one = Function(
            f"{module.name}:{node.name}", names={self._meant(module, n) for n in _named(node)} - {""}
        )
        text = " ".join([_words(node), *(self.constants.get(name, "") for name in one.names)])
        one.tables = set(WRITES.findall(text)) - {"audit"}
        one.audits = RECORD in one.names or "INSERT INTO cm.audit " in text
        if one.where in self.functions:  # methods of one name: taken together
            other = self.functions[one.where]
            one.names |= other.names
            one.tables |= other.tables
            one.audits |= other.audits
        self.functions[one.where] = one

    def _meant(self, module: Module, named: tuple[str, str]) -> str:
        first, rest = named
        meant = module.meanings.get(first, "")
        if rest and (meant in self.modules or first == "self"):
            meant = f"{meant if first != 'self' else module.name}:{rest}"
        for _ in range(4):  # what another module only passes on
            home, _, name = meant.partition(":")
            if not name or meant in self.constants or home not in self.modules:
                return meant
            passed = self.modules[home].meanings.get(name, meant)
            if passed == meant:
                return meant
            meant = passed
        return meant


def _module(name: str, tree: ast.Module) -> Module:
    module = Module(name, tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                full = f"{node.module}.{alias.name}"
                inside = (ROOT / (full.replace(".", "/") + ".py")).exists()
                module.meanings[alias.asname or alias.name] = (
                    full if inside else f"{node.module}:{alias.name}"
                )
        elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            module.meanings[node.name] = f"{name}:{node.name}"
    for node in tree.body:
        if isinstance(node, ast.Assign | ast.AnnAssign):
            for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
                if isinstance(target, ast.Name):
                    module.meanings[target.id] = f"{name}:{target.id}"
    return module


def _named(node: ast.AST) -> set[tuple[str, str]]:
    """(name, attribute) of everything named inside; the attribute is empty for a plain name."""
    found: set[tuple[str, str]] = set()
    for inner in ast.walk(node):
        if isinstance(inner, ast.Attribute) and isinstance(inner.value, ast.Name):
            found.add((inner.value.id, inner.attr))
        elif isinstance(inner, ast.Name):
            found.add((inner.id, ""))
    return found


def _words(node: ast.AST) -> str:
    return " ".join(
        inner.value
        for inner in ast.walk(node)
        if isinstance(inner, ast.Constant) and isinstance(inner.value, str)
    )
