"""Words with merge fields, filled in safely (CNT-2): a small, closed part of Jinja2.

A template may name merge fields, pass them through a few harmless filters, and ask `if`. It
cannot loop, call, assign, import, index or do arithmetic: the syntax tree is checked against a
list of what is allowed, and the immutable sandbox stands behind it. So output grows with the
template and the values only, and a template is data, not code (BLD-3).
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Any

from jinja2 import StrictUndefined, TemplateSyntaxError, UndefinedError, nodes
from jinja2.exceptions import SecurityError, TemplateError
from jinja2.sandbox import ImmutableSandboxedEnvironment

from services.kit.errors import AppError

MAX_TEMPLATE = 200_000
MAX_OUTPUT = 400_000
MAX_VALUE = 20_000
FILTERS = ("default", "d", "upper", "lower", "title", "capitalize", "trim", "escape", "e")
TESTS = ("defined", "undefined", "none", "eq", "equalto", "==", "ne", "!=")

_ALLOWED = (
    nodes.Template, nodes.Output, nodes.TemplateData, nodes.Name, nodes.Getattr, nodes.Const,
    nodes.If, nodes.CondExpr, nodes.And, nodes.Or, nodes.Not, nodes.Compare, nodes.Operand,
    nodes.Test, nodes.Filter, nodes.Keyword,
)  # fmt: skip


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


def _environment(*, html: bool) -> _Environment:
    env = _Environment(undefined=StrictUndefined, autoescape=html, keep_trailing_newline=True)
    env.globals.clear()
    env.filters = {name: env.filters[name] for name in FILTERS}
    env.tests = {name: env.tests[name] for name in TESTS}
    return env


_HTML, _TEXT = _environment(html=True), _environment(html=False)


def check_syntax(template: str) -> None:
    """Raises RenderProblem when the template could never be rendered."""
    _parse(template)


def variables(template: str) -> set[str]:
    """Every merge field a template names, dotted (`contact.first_name`). Raises RenderProblem."""
    return {_dotted(node) for node in _outermost(_parse(template))}


def render(template: str, context: Mapping[str, Any], *, html: bool) -> str:
    """Fill in a template from plain data. `html` escapes the values. Raises RenderProblem."""
    _parse(template)
    _refuse_odd_values(context, "")
    try:
        text: str = _compiled(template, html).render(dict(context))
    except UndefinedError as error:
        raise RenderProblem(
            f"The message asks for something this person does not have: {error.message}."
        ) from error
    except (SecurityError, TemplateError, TypeError, ValueError, RecursionError) as error:
        raise RenderProblem(f"The message cannot be written: {error}.") from error
    if len(text) > MAX_OUTPUT:
        raise RenderProblem(f"The finished message is longer than {MAX_OUTPUT:,} characters.")
    return text


@lru_cache(maxsize=500)
def _compiled(template: str, html: bool) -> Any:
    return (_HTML if html else _TEXT).from_string(template)


@lru_cache(maxsize=500)
def _parse(template: str) -> nodes.Template:
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
    for node in _walk(tree):
        _refuse_unlisted(node)
    return tree


def _refuse_unlisted(node: nodes.Node) -> None:
    if not isinstance(node, _ALLOWED):
        what = type(node).__name__.lower()
        raise RenderProblem(
            f"A message may hold merge tags and simple conditions only; line {node.lineno} uses “{what}”."
        )
    if isinstance(node, nodes.Filter) and node.name not in FILTERS:
        raise RenderProblem(f"“| {node.name}” on line {node.lineno} is not available in messages.")
    if isinstance(node, nodes.Test) and node.name not in TESTS:
        raise RenderProblem(f"“is {node.name}” on line {node.lineno} is not available in messages.")
    if isinstance(node, nodes.Getattr) and (
        node.attr.startswith("_") or not isinstance(node.node, (nodes.Name, nodes.Getattr))
    ):
        raise RenderProblem(f"“{node.attr}” on line {node.lineno} is not a merge field.")


def _walk(node: nodes.Node) -> Iterator[nodes.Node]:
    pending = [node]
    while pending:
        current = pending.pop()
        yield current
        pending.extend(current.iter_child_nodes())


def _outermost(tree: nodes.Node) -> Iterator[nodes.Node]:
    """Names and attribute chains, each chain once."""
    pending = [tree]
    while pending:
        current = pending.pop()
        if isinstance(current, (nodes.Name, nodes.Getattr)):
            yield current
        else:
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
