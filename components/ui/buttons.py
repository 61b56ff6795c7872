"""Buttons: one primary a view, quiet ones beside it, ghost ones in rows."""

from typing import Any

import reflex as rx


def _inside(content: Any, icon: str | None) -> list[Any]:
    return [rx.icon(icon, size=17, aria_hidden="true"), content] if icon else [content]


def primary(content: Any, *, icon: str | None = None, **props: Any) -> rx.Component:
    return rx.button(*_inside(content, icon), **{"size": "3", "white_space": "nowrap", **props})


def quiet(content: Any, *, icon: str | None = None, **props: Any) -> rx.Component:
    return rx.button(
        *_inside(content, icon),
        **{
            "variant": "surface",
            "color_scheme": "gray",
            "high_contrast": True,
            "size": "3",
            "white_space": "nowrap",
            **props,
        },
    )


def icon_button(content: Any, *, icon: str, size: str = "3", pixels: int = 17, **props: Any) -> rx.Component:
    """A button that is one icon; `content` is its name for screen readers.

    Reflex overrules the icon's own size by the button's (36 pixels for "3"), so it is set last.
    """
    drawn = rx.icon(icon, aria_hidden="true")
    looks = {"aria_label": content, "variant": "ghost", "color_scheme": "gray", "size": size, "margin": "0"}
    button = rx.icon_button(drawn, **{**looks, **props})
    drawn.size = rx.Var.create(pixels)
    return button


def ghost(content: Any, *, icon: str, **props: Any) -> rx.Component:
    """An icon button whose name is its tooltip too."""
    return rx.tooltip(icon_button(content, icon=icon, **props), content=content)


def link_button(
    content: Any, href: Any, *, icon: str | None = None, main: bool = False, file: bool = False, **props: Any
) -> rx.Component:
    """A link that looks like a button. `file`: what lies there is no page of the portal, so the
    browser itself fetches it; the portal's router would look for a page and find none."""
    looks = {} if main else {"variant": "surface", "color_scheme": "gray", "high_contrast": True}
    test = {"data_testid": props.pop("data_testid")} if "data_testid" in props else {}
    return rx.button(
        rx.el.a(*_inside(content, icon), href=href, **({"reload_document": True} if file else {}), **test),
        as_child=True,
        **{"size": "3", **looks, **props},
    )
