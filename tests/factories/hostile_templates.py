"""Templates that try to break out: known escapes, a grammar that makes more, and their judge (CNT-2)."""

import sys
from collections.abc import Callable, Mapping
from types import FrameType
from typing import Any

from hypothesis import strategies as st
from jinja2 import Environment

from services.kit.rendering import MAX_OUTPUT, RenderProblem

Render = Callable[[str, Mapping[str, Any]], str]
CONTEXT: dict[str, Any] = {
    "contact": {"first_name": "Amelia", "last_name": "Wright"},
    "practice": {"name": "Harbour Dental", "phone": "0117 496 0123"},
    "next_appointment": None,
}
SIGNS = ("<class", "<function", "<built-in", "<bound", "<method", "<module", "<generator", " object", "{'", "['",
         "Undefined", "49", "77", "ab ab")  # fmt: skip
"""None of these is in the values above: words that hold one, which the template did not, have run code
or shown Python's inside."""
BASE, PER_CHARACTER = 20_000, 600
"""Lines of Python that reading and filling in a template may take."""

CORPUS: tuple[str, ...] = (
    # Walks through Python from a value.
    "{{ ''.__class__.__mro__[1].__subclasses__() }}", "{{ contact.__class__ }}", "{{ contact.__init__.__globals__ }}",
    "{{ ''['__class__'] }}", "{{ ''|attr('__class__') }}", "{{ ''|attr('__cla' ~ 'ss__') }}", "{{ ().__class__.__base__ }}",
    "{{ contact['__class__'] }}", "{{ contact|attr('\\x5f\\x5fclass\\x5f\\x5f') }}", "{{ (contact|upper).__class__ }}",
    "{{ contact.first_name.__class__ }}", "{{ contact.first_name.format(contact) }}", "{{ '{0.__class__}'.format(1) }}",
    "{{ '%s'|format(contact) }}", "{{ contact.items() }}", "{{ contact.first_name.upper }}", "{{ contact|map('upper')|list }}",
    "{{ contact|list }}", "{{ contact|pprint }}", "{{ contact|tojson }}", "{{ contact|xmlattr }}", "{{ contact }}",
    "{{ contact|string }}", "{{ contact|e }}", "{{ [contact] }}", "{{ dict(a=1) }}",
    # Walks through what Jinja itself hands out.
    "{{ self.__init__ }}", "{{ self._TemplateReference__context }}", "{{ cycler.__init__.__globals__ }}",
    "{{ joiner.__init__.__globals__ }}", "{{ namespace.__init__ }}", "{{ lipsum.__globals__ }}", "{{ lipsum() }}",
    "{{ range.__class__ }}", "{{ dict.__mro__ }}", "{{ caller() }}", "{{ config }}{{ 7*7 }}", "{{ request|attr('application') }}{{ 7*7 }}",
    "{{ undefined_name.__class__ }}{{ 7*7 }}", "{{ self }}",
    # Statements.
    "{% set x = contact.items() %}{{ x }}", "{% import 'os' as os %}{{ 7*7 }}", "{% include '/etc/passwd' %}",
    "{% extends 'base' %}", "{% from 'a' import b %}", "{% block a %}{{ 7*7 }}{% endblock %}", "{% do 7*7 %}",
    "{% with x = 7*7 %}{{ x }}{% endwith %}", "{% filter upper %}stolen{{ 7*7 }}{% endfilter %}",
    "{% call lipsum() %}{% endcall %}{{ 7*7 }}", "{% autoescape false %}{{ 7*7 }}{% endautoescape %}",
    "{% raw %}{{ contact.first_name }}{% endraw %}", "{{ contact.first_name|default(*contact) }}{{ 7*7 }}",
    "{{ nothing|default(**contact) }}{{ 7*7 }}",
    # Work and size without end.
    "{% for a in range(10**9) %}{% endfor %}", "{% for a in range(9999) %}{% for b in range(9999) %}{% endfor %}{% endfor %}",
    "{% for a in range(99999) %}xxxxxxxxxx{% endfor %}", "{{ 'a' * 10000000 }}", "{{ 'a'|center(10000000) }}",
    "{{ '%10000000s' % 'a' }}", "{{ 'a'|indent(10000000, true) }}", "{{ '%10000000s'|format('a') }}", "{{ 'ab ' * 100 }}",
    "{% macro m(n) %}{{ m(n) }}{% endmacro %}{{ m(1) }}", "{% macro m() %}x{{ m() }}{{ m() }}{% endmacro %}{{ m() }}",
    "{% set s = 'aaaaaaaaaa' %}{% for i in range(7) %}{% set s = s * 10 %}{% endfor %}{{ 7*7 }}", "{{ 2**2**9 }}77", "{{ 7*7 }}", "{{ 70 + 7 }}",
    "{{ 7 ~ 7 }}", "{{ 'a'|replace('', 'stolen') }}", "{{ 'x'|wordwrap(1)|urlize }}77", "{{ 'stolen' if 7*7 }}", "{{ [1, 2]|random }}77",
)  # fmt: skip


def permissive(template: str, context: Mapping[str, Any]) -> str:
    """The planted fault: Jinja2 as it comes out of the box."""
    try:
        return Environment().from_string(template).render(dict(context))
    except TooMuch:
        raise
    except Exception as error:
        raise RenderProblem(str(error)) from error


def conviction(render: Render, template: str) -> str:
    """What a renderer let this template do; empty when it refused or filled it in within bounds."""
    try:
        text = bounded(lambda: render(template, CONTEXT), BASE + PER_CHARACTER * len(template))
    except RenderProblem as refused:
        return "" if refused.message.endswith((".", "?", "!")) or render is permissive else "no sentence"
    except TooMuch:
        return "work without end"
    if len(text) > MAX_OUTPUT:
        return "output without end"
    return next((f"it shows {sign}" for sign in SIGNS if sign in text and sign not in template), "")


class TooMuch(BaseException):
    """The budget of lines is used up."""


def bounded(deed: Callable[[], str], lines: int) -> str:
    """Run it; raises TooMuch after so many lines of Python. Counts, so a slow machine changes nothing."""
    left = lines

    def count(_: FrameType, event: str, __: Any) -> Any:
        nonlocal left
        if event == "line":
            left -= 1
            if left < 0:
                raise TooMuch
        return count

    before = sys.gettrace()
    sys.settrace(count)
    try:
        return deed()
    finally:
        sys.settrace(before)


_PLAIN = st.sampled_from(
    ["contact.first_name", "practice.name", "'there'", "contact.nickname|default('you')", "next_appointment"]
)
_NAMES = st.sampled_from(
    [
        "contact",
        "practice",
        "self",
        "range",
        "lipsum",
        "cycler",
        "dict",
        "namespace",
        "loop",
        "x",
        "''",
        "()",
        "7",
    ]
)
_PARTS = st.sampled_from([
    ".__class__", ".__mro__", ".__subclasses__()", "['__class__']", "[0]", "|attr('__class__')", "()", "(9)", ".items()", ".format(7)",
    "|list", "|map('upper')", "|center(9999999)", "|tojson", "|join('ab ')", " * 7", " ~ 'stolen'", " ** 7", "|format(7)", "|safe", "[::2]",
])  # fmt: skip


def hostile() -> st.SearchStrategy[str]:
    """A forbidden expression or statement inside harmless words, conditions and filters."""
    walk = st.builds(
        lambda name, parts: name + "".join(parts), _NAMES, st.lists(_PARTS, min_size=1, max_size=4)
    )
    printed = walk.map(lambda e: "{{ " + e + " }}")
    looped = st.builds(
        lambda e, n: f"{{% for a in range({n}) %}}{{{{ {e} }}}}{{% endfor %}}",
        walk,
        st.sampled_from([2, 9999, 10**9]),
    )
    stated = walk.map(lambda e: f"{{% set s = {e} %}}{{{{ s }}}}")
    macro = walk.map(lambda e: f"{{% macro m() %}}{{{{ {e} }}}}{{% endmacro %}}{{{{ m() }}}}")
    core = st.one_of(printed, looped, stated, macro, st.sampled_from(CORPUS))
    return st.recursive(core, _wrapped, max_leaves=3)


def _wrapped(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    return st.one_of(
        st.builds(lambda c, i: f"{{% if {c} %}}{i}{{% else %}}{i}{{% endif %}}", _PLAIN, inner),
        st.builds(
            lambda v, i: f"Dear {{{{ {v}|title }}}}, {i}",
            _PLAIN.filter(lambda v: v != "next_appointment"),
            inner,
        ),
    )


def harmless() -> st.SearchStrategy[tuple[str, str]]:
    """An allowed template and what it says, made side by side."""
    words = st.text("abc <>&é-\n", max_size=8).map(lambda t: (t, t))
    name = st.sampled_from(
        [("contact.first_name", "Amelia"), ("practice.name", "Harbour Dental"), ("'you'", "you")]
    )
    filters: dict[str, Callable[[str], str]] = {
        "upper": str.upper, "lower": str.lower, "trim": str.strip, "capitalize": str.capitalize, "default('x')": str,
    }  # fmt: skip
    one = st.builds(
        lambda n, f: (f"{{{{ {n[0]}|{f} }}}}", filters[f](n[1])), name, st.sampled_from(sorted(filters))
    )
    fallback = st.just(("{{ contact.nickname|default('there') }}", "there"))
    part = st.one_of(words, one, fallback)

    def choice(inner: st.SearchStrategy[tuple[str, str]]) -> st.SearchStrategy[tuple[str, str]]:
        asked = st.sampled_from([("contact", True), ("next_appointment", False), ("contact.first_name == 'Amelia'", True),
                                 ("not contact or next_appointment is none", True), ("practice.name is undefined", False)])  # fmt: skip
        return st.builds(
            lambda q, a, b: (
                f"{{% if {q[0]} %}}{a[0]}{{% else %}}{b[0]}{{% endif %}}",
                a[1] if q[1] else b[1],
            ),
            asked,
            inner,
            inner,
        )

    return st.lists(st.recursive(part, choice, max_leaves=6), max_size=6).map(
        lambda ps: ("".join(p[0] for p in ps), "".join(p[1] for p in ps))
    )


def soup() -> st.SearchStrategy[str]:
    """Pieces of the language in any order."""
    pieces = st.sampled_from([
        "{{", "}}", "{%", "%}", "{#", "#}", "-", "if", "else", "endif", "elif", "for", "in", "endfor", "set", "contact", ".", "first_name", "|",
        "default", "(", ")", "'a'", "7", "*", "==", "not", "and", "is", "defined", "[", "]", ",", "__class__", "raw", "endraw", " ", "\n", "é", "\x00",
    ])  # fmt: skip
    return st.lists(pieces, max_size=40).map(" ".join)
