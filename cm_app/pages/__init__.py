"""The portal's pages: one module a route, listed here in the order of the navigation.

A page module has `ROUTE`, `TITLE`, `page() -> rx.Component` and, when it loads anything, `ON_LOAD`
(one event handler or a list of them).
"""

from types import ModuleType

from cm_app.pages import (
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
    people,
    person,
    run,
    runs,
    segment,
    segments,
    settings,
    templates,
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
    templates,
    approvals,
    approval,
    segments,
    segment,
    people,
    person,
    imports,
    integrations,
    audit,
    settings,
    demo,
    login,
]
