"""One segment: its rules, who is in it, who could be reached, and how it grew."""

import reflex as rx

from components.layout import frame
from components.segments.editor import editor
from state.segment_editor import SegmentEditor
from state.session import Session

ROUTE = "/segments/[segment_id]"
TITLE = "Segment · Campaign Manager"
ON_LOAD = [Session.enter, SegmentEditor.load]


def page() -> rx.Component:
    return frame("segments", editor(), permission="read")
