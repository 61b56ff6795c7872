"""Form fields, each with a visible label tied to it."""

from typing import Any

import reflex as rx

from components import tokens
from components.ui.texts import small


def labelled(name: Any, control: Any, hint: Any, key: str, **props: Any) -> rx.Component:
    """A control of that id under its label, with a hint below it."""
    return rx.flex(
        rx.el.label(name, html_for=key, **tokens.text("label"), color=tokens.INK),
        control,
        small(hint, id=f"{key}-hint") if hint is not None else None,
        direction="column",
        gap="6px",
        min_width="0",
        **props,
    )


def field(name: Any, key: str, *, hint: Any = None, grow: str | None = None, **props: Any) -> rx.Component:
    """One line of text. `key` is its id, its form name and, with `field-`, its test id."""
    described = {"aria_describedby": f"{key}-hint"} if hint is not None else {}
    control = rx.input(
        id=key, **{"name": key, "size": "3", "data_testid": f"field-{key}", **described, **props}
    )
    return labelled(name, control, hint, key, **({"flex": grow} if grow else {}))


def area(name: Any, key: str, *, hint: Any = None, **props: Any) -> rx.Component:
    """Several lines of text."""
    looks = {"name": key, "size": "3", "rows": "3", "data_testid": f"field-{key}", "resize": "vertical"}
    return labelled(name, rx.text_area(id=key, **{**looks, **props}), hint, key)


def choice(
    name: Any,
    key: str,
    options: Any,
    *,
    value: Any = None,
    on_change: Any = None,
    hint: Any = None,
    grow: str | None = None,
    **props: Any,
) -> rx.Component:
    """One of `options`: pairs of value and words, fixed or a list var of lists."""
    extra = {k: v for k, v in (("value", value), ("on_change", on_change)) if v is not None}
    control = select(options, id=key, **{"name": key, "data_testid": f"field-{key}", **extra, **props})
    return labelled(name, control, hint, key, **({"flex": grow} if grow else {}))


def select(options: Any, **props: Any) -> rx.Component:
    """The bare control of a choice, for rows whose label is only heard (`aria_label`)."""

    def option(pair: Any) -> rx.Component:
        return rx.el.option(pair[1], value=pair[0])

    inside = [rx.foreach(options, option)] if isinstance(options, rx.Var) else [option(p) for p in options]
    return rx.el.select(*inside, **{"class_name": "cm-select", **props})


def check(name: Any, key: str, *, hint: Any = None, **props: Any) -> rx.Component:
    """A switch with its words beside it."""
    return rx.el.label(
        rx.switch(id=key, **{"name": key, "size": "2", "data_testid": f"field-{key}", **props}),
        rx.box(
            rx.el.span(name, **{**tokens.text("body"), "color": tokens.INK, "font_weight": "520"}),
            small(hint) if hint is not None else None,
        ),
        html_for=key,
        display="flex",
        gap="12px",
        align_items="start",
        min_height=tokens.TOUCH,
        padding="8px 0",
        cursor="pointer",
    )


def search(placeholder: str, *, value: Any, on_change: Any, **props: Any) -> rx.Component:
    """A search box; asks the server after a short pause in typing."""
    return rx.debounce_input(
        rx.input(
            rx.input.slot(rx.icon("search", size=17, aria_hidden="true")),
            value=value,
            on_change=on_change,
            placeholder=placeholder,
            aria_label=placeholder,
            type="search",
            **{"size": "3", "width": "100%", "data_testid": "search", **props},
        ),
        debounce_timeout=250,
    )
