"""Small stateless parts that every page is made of."""

from components.ui.buttons import ghost, icon_button, link_button, primary, quiet
from components.ui.charts import bar, spark
from components.ui.chips import chip, chips
from components.ui.dialogs import decisions, dialog, form_dialog
from components.ui.drop_zone import drop_zone
from components.ui.empty import empty
from components.ui.fields import area, check, choice, field, search, select
from components.ui.live_fields import live_field, typed
from components.ui.marks import mark, marked
from components.ui.pills import by_tone, dot, pill
from components.ui.plain_form import plain_form
from components.ui.skeletons import blocks, lines
from components.ui.surfaces import card, fact, figure, notice, saved_meanwhile, section
from components.ui.switches import view_switch
from components.ui.tables import HIDDEN, table
from components.ui.texts import body, counted, heading, label, small, title

__all__ = [
    "HIDDEN", "area", "bar", "blocks", "body", "by_tone", "card", "check", "chip", "chips", "choice", "counted", "decisions", "dialog",
    "dot", "drop_zone", "empty", "fact", "field", "figure", "form_dialog", "ghost", "heading", "icon_button", "label", "lines", "link_button", "live_field", "mark", "marked", "notice", "pill", "plain_form",
    "primary", "quiet", "saved_meanwhile", "search", "section", "select", "small", "spark", "table", "title", "typed", "view_switch",
]  # fmt: skip
