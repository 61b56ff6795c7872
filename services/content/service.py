"""Use cases of content, in one place for callers. Each needs a unit of work; none commits."""

from services.content.checks import checked_texts, checked_variables
from services.content.contracts import Preview, TemplateRow, TemplateVersion, Texts
from services.content.previews import context_of, locale_of, preview, preview_for, words_for
from services.content.publishing import published
from services.content.resolving import count_uses, resolve, template_ids
from services.content.templates import (
    create_template,
    restore_template,
    set_template_active,
    template,
    template_versions,
    templates,
    update_template,
)

__all__ = [
    "Preview",
    "TemplateRow",
    "TemplateVersion",
    "Texts",
    "checked_texts",
    "checked_variables",
    "context_of",
    "count_uses",
    "create_template",
    "locale_of",
    "preview",
    "preview_for",
    "published",
    "resolve",
    "restore_template",
    "set_template_active",
    "template",
    "template_ids",
    "template_versions",
    "templates",
    "update_template",
    "words_for",
]
