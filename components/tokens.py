"""Every colour, distance and type size of the portal, typed, in one place.

Colours are Radix scales, so light and dark come for free: step 1–2 backgrounds, 3–5 fills, 6–8
borders, 9–10 solid, 11–12 text. Text on a tint uses step 11, which keeps WCAG AA on steps 1–3.
"""

from typing import Literal

import reflex as rx

Tone = Literal["neutral", "accent", "ok", "warn", "danger", "info"]
Space = Literal["hair", "tight", "snug", "base", "wide", "broad", "vast"]
Radius = Literal["field", "card", "pill"]
Text = Literal["title", "heading", "subheading", "body", "small", "label", "figure"]
Scale = Literal["gray", "teal", "green", "amber", "red", "indigo"]

ACCENT: Scale = "teal"
SCALES: dict[Tone, Scale] = {
    "neutral": "gray",
    "accent": "teal",
    "ok": "green",
    "warn": "amber",
    "danger": "red",
    "info": "indigo",
}
SPACES: dict[Space, str] = {
    "hair": "4px", "tight": "8px", "snug": "12px", "base": "16px", "wide": "24px", "broad": "32px", "vast": "48px",
}  # fmt: skip
RADII: dict[Radius, str] = {"field": "8px", "card": "14px", "pill": "999px"}

FONT = "Inter Variable, ui-sans-serif, system-ui, -apple-system, Segoe UI, Roboto, sans-serif"
FONT_PACKAGE = "@fontsource-variable/inter@5.3.0"
FONT_STYLESHEET = "@fontsource-variable/inter/index.css"

TEXTS: dict[Text, dict[str, str]] = {
    "title": {
        "font_size": "28px",
        "line_height": "34px",
        "font_weight": "640",
        "letter_spacing": "-0.022em",
    },
    "heading": {
        "font_size": "18px",
        "line_height": "26px",
        "font_weight": "620",
        "letter_spacing": "-0.012em",
    },
    "subheading": {"font_size": "15px", "line_height": "22px", "font_weight": "600"},
    "body": {"font_size": "15px", "line_height": "23px", "font_weight": "420"},
    "small": {"font_size": "13.5px", "line_height": "20px", "font_weight": "420"},
    "label": {"font_size": "13px", "line_height": "18px", "font_weight": "560"},
    "figure": {
        "font_size": "26px",
        "line_height": "32px",
        "font_weight": "620",
        "letter_spacing": "-0.02em",
        "font_variant_numeric": "tabular-nums",
    },
}

SOLID = {
    "teal-9": "#0c7d6d", "teal-10": "#096b5d",
    "red-9": "#c8333a", "red-10": "#b3282f",
}  # fmt: skip
"""The solid steps, darkened until white text on them reaches 4.5 : 1 in both modes (Radix's own
teal and red stop at 3 and 3.9)."""

INKS = {
    "teal-11": ("#0b6a5c", "#0bd8b6"),
    "green-11": ("#19693f", "#3dd68c"),
    "amber-11": ("#854d00", "#ffca16"),
    "red-11": ("#b3262c", "#ff9592"),
}  # fmt: skip
"""Text on a tint, in light and dark: Radix's own light steps stop at 4.1 : 1 on their step 3."""

INK = "var(--gray-12)"
QUIET = "var(--gray-11)"
LINE = "var(--gray-a4)"
PAPER = "var(--color-background)"
PANEL = "var(--color-panel-solid)"
CANVAS = "var(--cm-canvas)"
SHADOW = "var(--cm-shadow)"
TOUCH = "44px"


def text(kind: Text) -> dict[str, str]:
    """Style props of one kind of text."""
    return dict(TEXTS[kind])


def ink(tone: Tone) -> str:
    """Text colour of a tone on paper or on its own tint."""
    return INK if tone == "neutral" else f"var(--{SCALES[tone]}-11)"


def tint(tone: Tone) -> str:
    """A quiet background of a tone."""
    return f"var(--{SCALES[tone]}-a3)"


def edge(tone: Tone) -> str:
    """A border of a tone."""
    return f"var(--{SCALES[tone]}-a6)"


def solid(tone: Tone) -> str:
    """The full colour of a tone, for dots, bars and lines of charts."""
    return f"var(--{SCALES[tone]}-{'a8' if tone == 'neutral' else '9'})"


def theme() -> rx.Component:
    """The Radix theme of the whole portal."""
    return rx.theme(
        accent_color=ACCENT,
        gray_color="slate",
        radius="large",
        panel_background="solid",
        has_background=True,
    )


def stylesheet() -> str:
    """What Radix needs overridden, as CSS; goes into the head of every page."""
    steps = "".join(f"--{name}:{colour};" for name, colour in SOLID.items())
    light = "".join(f"--{name}:{colour};" for name, (colour, _) in INKS.items())
    dark = "".join(f"--{name}:{colour};" for name, (_, colour) in INKS.items())
    modes = ":root:root,.light.light,.dark.dark"
    radii = "".join(f"--cm-radius-{name}:{size};" for name, size in RADII.items())
    inks = f":root:root,.light.light{{{light}}}.dark.dark{{{dark}}}"
    font = f".radix-themes.radix-themes{{--default-font-family:{FONT};}}"
    return f"{modes}{{{steps}{radii}--cm-font:{FONT};}}{inks}{font}"


class Typeface(rx.plugins.Plugin):
    """Bundles the typeface with the portal: nothing is fetched from another site at run time."""

    def get_frontend_dependencies(self, **_: object) -> tuple[str, ...]:
        return (FONT_PACKAGE,)

    def get_stylesheet_paths(self, **_: object) -> tuple[str, ...]:
        return (FONT_STYLESHEET,)
