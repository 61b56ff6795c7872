"""Words with merge fields, filled in safely (CNT-2): a small, closed part of Jinja2.

A template may name merge fields, pass them through a few harmless filters, and ask `if`. It
cannot loop, call, assign, import, index or do arithmetic: the syntax tree is checked against a
list of what is allowed, and the immutable sandbox stands behind it. So a template is data, not
code (BLD-3), and filling it in is one pass over its tags: at most `MAX_TAGS` parts, each over a
value of at most `MAX_VALUE` characters, stopped as soon as the output is longer than `MAX_OUTPUT`.
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from jinja2 import StrictUndefined, TemplateSyntaxError, UndefinedError, nodes
from jinja2.exceptions import SecurityError, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from services.kit.errors import AppError

MAX_TEMPLATE = 100_000
"""Characters; about where mail readers cut a message off."""
MAX_OUTPUT = 400_000
MAX_VALUE = 5_000
MAX_TAGS = 4_000
"""Parts of the syntax tree: names, dots, filters, conditions and the text between them."""
MAX_DEPTH = 30
MAX_CACHED = 10_000
"""Longer templates are read anew each time, so that a few hundred of them cannot fill the memory."""
FILTERS = ("default", "d", "upper", "lower", "title", "capitalize", "trim", "escape", "e")
TESTS = ("defined", "undefined", "none", "eq", "equalto", "==", "ne", "!=")

_ALLOWED = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Getattr, nodes.Const,
    nodes.If, nodes.CondExpr, nodes.And, nodes.Or, nodes.Not, nodes.Compare, nodes.Operand,
    nodes.Test, nodes.Filter, nodes.Keyword,
)  # fmt: skip
_CALLED = {
    "For": "a loop", "Call": "a function", "CallBlock": "a function", "Getitem": "square brackets",
    "Slice": "square brackets", "List": "a list", "Tuple": "a list", "Dict": "a list", "Assign": "{% set %}",
    "AssignBlock": "{% set %}", "Macro": "{% macro %}", "Include": "another file", "Import": "another file",
    "FromImport": "another file", "Extends": "another file", "Block": "{% block %}", "Concat": "~",
    "FilterBlock": "{% filter %}", "With": "{% with %}",
}  # fmt: skip


class RenderProblem(AppError):
    """A message that cannot be written; the sentence says why, in a reader's words."""

    code = "render_problem"
    status = 422


class _Environment(ImmutableSandboxedEnvironment):
    def getattr(self, obj: Any, attribute: str) -> Any:
        """Keys of plain dictionaries only, never Python attributes."""
        if isinstance(obj, Mapping) and attribute in obj:
            return obj[attribute]
        return self.undefined(obj=obj, name=attribute)


def _shown(value: Any) -> Any:
    """What a tag prints: text or a number, never the inside of an object."""
    if value is None or isinstance(value, Mapping):
        raise RenderProblem("A merge tag asks for something that has no words of its own.")
    return value


def _environment(*, html: bool) -> _Environment:
    env = _Environment(
        undefined=StrictUndefined, autoescape=html, keep_trailing_newline=True, finalize=_shown, cache_size=0
    )
    env.globals.clear()
    env.filters = {name: env.filters[name] for name in FILTERS}
    env.tests = {name: env.tests[name] for name in TESTS}
    return env


_HTML, _TEXT = _environment(html=True), _environment(html=False)


def variables(template: str) -> frozenset[str]:
    """Every merge field a template names, dotted (`contact.first_name`). Raises RenderProblem."""
    return (_read if len(template) <= MAX_CACHED else _read.__wrapped__)(template)[0]


def printed(template: str) -> frozenset[str]:
    """The names a template writes out, not those it only asks about. Raises RenderProblem."""
    return (_read if len(template) <= MAX_CACHED else _read.__wrapped__)(template)[1]


def render(template: str, context: Mapping[str, Any], *, html: bool) -> str:
    """Fill in a template from plain data. `html` escapes the values. Raises RenderProblem."""
    variables(template)
    _refuse_odd_values(context, "")
    compiled = _compiled if len(template) <= MAX_CACHED else _compiled.__wrapped__
    try:
        return _capped(compiled(template, html).generate(dict(context)))
    except UndefinedError as error:
        raise RenderProblem(
            f"The message asks for something this person does not have: {error.message}."
        ) from error
    except (SecurityError, TemplateError, TypeError, ValueError, RecursionError) as error:
        raise RenderProblem(f"The message cannot be written: {error}.") from error


def _capped(pieces: Iterator[str]) -> str:
    """The pieces joined, as long as they stay within the limit: nothing longer is ever held."""
    kept: list[str] = []
    length = 0
    for piece in pieces:
        length += len(piece)
        if length > MAX_OUTPUT:
            raise RenderProblem(f"The finished message is longer than {MAX_OUTPUT:,} characters.")
        kept.append(piece)
    return "".join(kept)


@lru_cache(maxsize=500)
def _compiled(template: str, html: bool) -> Any:
    return (_HTML if html else _TEXT).from_string(template)


@lru_cache(maxsize=500)
def _read(template: str) -> tuple[frozenset[str], frozenset[str]]:
    """Reads a template, refuses what is not allowed; the names it uses, and those it writes out."""
    if len(template) > MAX_TEMPLATE:
        raise RenderProblem(f"The text is longer than {MAX_TEMPLATE:,} characters.")
    try:
        tree = _TEXT.parse(template)
    except TemplateSyntaxError as error:
        raise RenderProblem(
            f"The merge tags on line {error.lineno} are not complete: every {{{{ needs its }}}}, "
            "every {% if %} its {% endif %}."
        ) from error
    except RecursionError as error:
        raise RenderProblem("The conditions are nested too deeply.") from error
    except ValueError as error:
        raise RenderProblem("A number in a merge tag is too long.") from error
    for count, (node, depth) in enumerate(_walk(tree)):
        _refuse_unlisted(node)
        if depth > MAX_DEPTH:
            raise RenderProblem("The conditions are nested too deeply.")
        if count > MAX_TAGS:
            raise RenderProblem("The text has too many merge tags and conditions.")
    written = [name for output in tree.find_all(nodes.Output) for name in _outermost(output, asked=False)]
    return frozenset(map(_dotted, _outermost(tree))), frozenset(map(_dotted, written))


def _refuse_unlisted(node: nodes.Node) -> None:
    line = f"line {node.lineno}"
    if not isinstance(node, _ALLOWED):
        kind = type(node).__name__
        what = _CALLED.get(kind, "arithmetic" if isinstance(node, nodes.BinExpr | nodes.UnaryExpr) else kind)
        raise RenderProblem(f"A message may hold merge tags and simple conditions only; {line} uses {what}.")
    if isinstance(node, nodes.Filter):
        if node.name not in FILTERS:
            raise RenderProblem(f"“| {node.name}” on {line} is not available in messages.")
        if node.dyn_args is not None or node.dyn_kwargs is not None:
            raise RenderProblem(f"“*” on {line} is not available in messages.")
    if isinstance(node, nodes.Test):
        if node.name not in TESTS:
            raise RenderProblem(f"“is {node.name}” on {line} is not available in messages.")
        if node.dyn_args is not None or node.dyn_kwargs is not None:
            raise RenderProblem(f"“*” on {line} is not available in messages.")
    if isinstance(node, nodes.TemplateData) and any(mark in node.data for mark in ("{{", "{%", "{#")):
        raise RenderProblem("A message would show its merge tags as they are: take out {% raw %}.")
    if isinstance(node, nodes.Name) and node.name.startswith("_"):
        raise RenderProblem(f"“{node.name}” on {line} is not a merge field.")
    if isinstance(node, nodes.Getattr) and (
        node.attr.startswith("_") or not isinstance(node.node, (nodes.Name, nodes.Getattr))
    ):
        raise RenderProblem(f"“{node.attr}” on {line} is not a merge field.")


def _walk(node: nodes.Node) -> Iterator[tuple[nodes.Node, int]]:
    """Every node with its depth, without recursion."""
    pending = [(node, 0)]
    while pending:
        current, depth = pending.pop()
        yield current, depth
        pending.extend((child, depth + 1) for child in current.iter_child_nodes())


def _outermost(tree: nodes.Node, *, asked: bool = True) -> Iterator[nodes.Node]:
    """Names and attribute chains, each chain once; `asked`: those in conditions too."""
    pending = [tree]
    while pending:
        current = pending.pop()
        if isinstance(current, (nodes.Name, nodes.Getattr)):
            yield current
        elif not asked and isinstance(current, nodes.CondExpr):
            pending.extend(part for part in (current.expr1, current.expr2) if part is not None)
        elif asked or not isinstance(current, nodes.Test | nodes.Compare | nodes.Not):
            pending.extend(current.iter_child_nodes())


def _dotted(node: nodes.Node) -> str:
    parts: list[str] = []
    while isinstance(node, nodes.Getattr):
        parts.append(node.attr)
        node = node.node
    parts.append(node.name if isinstance(node, nodes.Name) else "?")
    return ".".join(reversed(parts))


def _refuse_odd_values(value: Any, name: str) -> None:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            _refuse_odd_values(inner, f"{name}.{key}" if name else str(key))
    elif isinstance(value, str):
        if len(value) > MAX_VALUE:
            raise RenderProblem(f"The value of {name} is too long for a message.")
    elif not isinstance(value, (int, float, bool, type(None))):
        raise RenderProblem(f"The value of {name} is not plain text or a number.")
