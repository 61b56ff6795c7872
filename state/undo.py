"""Undo instead of “are you sure”: a message with a button, and the moment in which it counts."""

import reflex as rx
from reflex_components_sonner.toast import ToastAction

UNDO_SECONDS = 7


def offered(sentence: str, undo: rx.event.EventSpec, *, good: bool = False) -> rx.event.EventSpec:
    """Say what was done (`good`: as a success), with a button that takes it back."""
    toast = rx.toast.success if good else rx.toast.info
    return toast(sentence, duration=UNDO_SECONDS * 1000, action=ToastAction("Undo", undo))
