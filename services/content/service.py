"""Use cases of content, in one place for callers. Each needs a unit of work; none commits."""

from services.content.contracts import Preview, TemplateRow
from services.content.previews import context_of, preview, preview_for
from services.content.templates import (
    checked_variables,
    count_uses,
    create_template,
    resolve,
    set_template_active,
    template,
    template_ids,
    templates,
    update_template,
)

__all__ = [
    "Preview",
    "TemplateRow",
    "checked_variables",
    "context_of",
    "count_uses",
    "create_template",
    "preview",
    "preview_for",
    "resolve",
    "set_template_active",
    "template",
    "template_ids",
    "templates",
    "update_template",
]
