"""The portal's pages: one module a route, listed here in the order of the navigation.

A page module has `ROUTE`, `TITLE`, `page() -> rx.Component` and, when it loads anything, `ON_LOAD`
(one event handler or a list of them).
"""

from types import ModuleType

from cm_app.pages import (
    account,
    api_reference,
    approval,
    approvals,
    audit,
    builder,
    calendar,
    dashboard,
    demo,
    forecast,
    imports,
    integrations,
    login,
    message_template,
    message_templates,
    people,
    person,
    printed,
    run,
    runs,
    segment,
    segments,
    settings,
    status,
    team,
    templates,
    versions,
    walk,
)

PAGES: list[ModuleType] = [
    dashboard,
    builder,
    calendar,
    runs,
    run,
    forecast,
    walk,
    versions,
    printed,
    templates,
    message_templates,
    message_template,
    approvals,
    approval,
    segments,
    segment,
    people,
    person,
    imports,
    integrations,
    api_reference,
    audit,
    settings,
    status,
    team,
    account,
    demo,
    login,
]
