"""Where a file is dropped or chosen."""

from typing import Any

import reflex as rx

from components import tokens
from components.ui.texts import body, small


def drop_zone(
    name: str,
    key: str,
    sentence: Any,
    *,
    accept: dict[str, list[str]],
    on_drop: Any,
    busy: Any,
    roomy: bool = False,
    **props: Any,
) -> rx.Component:
    """One CSV at a time. `name` is what screen readers call the input, `key` its id; `on_drop` takes
    the files: `State.upload(rx.upload_files(upload_id=key))`."""
    zone = rx.upload(
        rx.flex(
            rx.icon("file-up", size=28 if roomy else 24, aria_hidden="true", color=tokens.ink("accent")),
            body("Drop a CSV here, or choose one", font_weight="560"),
            small(sentence),
            rx.cond(busy, rx.spinner(size="3")),
            direction="column",
            align="center",
            gap="8px",
            padding="44px 20px" if roomy else "26px 20px",
            text_align="center",
        ),
        id=key,
        accept=accept,
        max_files=1,
        multiple=False,
        on_drop=on_drop,
        border=f"1.5px dashed {tokens.edge('accent')}",
        border_radius=tokens.RADII["card"],
        cursor="pointer",
        padding="0",
        width="100%",
        **props,
    )
    # Reflex gives no way to name the input it makes, and screen readers land on it.
    zone.children[0].children[0].custom_attrs = {"aria-label": name}
    return zone
