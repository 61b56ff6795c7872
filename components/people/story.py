"""The timeline: filters, items that open to their facts, older ones on request."""

import reflex as rx

from components import tokens, ui
from components.ui.pills import by_tone
from state.session import may
from state.story import FILTERS, LOOKS, Moment, Said, Story


def _said(fact: rx.Var[Said]) -> rx.Component:
    return ui.fact(
        fact.name, fact.value, overflow_wrap="anywhere", display="grid", class_name="cm-said",
    )  # fmt: skip


def _facts(facts: rx.Var[list[Said]]) -> rx.Component:
    return rx.el.dl(rx.foreach(facts, _said), class_name="cm-saids")


def _why(item: rx.Var[Moment]) -> rx.Component:
    """What the item rests on; codes and ids below, for whoever audits."""
    return rx.el.details(
        rx.el.summary("Why", rx.el.span(f": {item.sentence}", **ui.HIDDEN), class_name="cm-summary"),
        _facts(item.facts),
        rx.cond(
            may("compliance") & (item.details.length() > 0),
            rx.el.details(
                rx.el.summary("Details for compliance", class_name="cm-summary"),
                _facts(item.details),
                data_testid="timeline-details",
            ),
        ),
        data_testid="timeline-why",
    )


def _moment(item: rx.Var[Moment]) -> rx.Component:
    icon = rx.match(
        item.icon,
        *[(name, rx.icon(name, size=15)) for name in sorted({look[0] for look in LOOKS.values()})],
        rx.icon("circle", size=15),
    )
    return rx.el.li(
        rx.el.span(
            icon,
            class_name="cm-dot",
            aria_hidden="true",
            background=by_tone(item.tone, tokens.tint),
            color=by_tone(item.tone, tokens.ink),
        ),
        ui.body(item.sentence, font_weight="520", padding_top="4px"),
        ui.small(
            rx.cond(
                item.campaign != "",
                rx.fragment(rx.el.a(item.campaign, href=item.href, class_name="cm-plain-link"), " · "),
            ),
            rx.cond(item.step != "", f"{item.step} · ", ""),
            rx.el.time(item.at, title=item.ago),
        ),
        rx.cond(item.facts.length() + item.details.length() > 0, _why(item)),
        key=item.id,
        data_testid="timeline-item",
        data_kind=item.kind,
    )


def _filters() -> rx.Component:
    return rx.flex(
        ui.chips(
            "Kind of entry",
            *[
                ui.chip(
                    name,
                    on=Story.group == key,
                    on_click=Story.narrow(key),
                    data_testid=f"story-{key or 'all'}",
                )
                for key, name in FILTERS
            ],
        ),
        rx.cond(
            Story.campaigns.length() > 2,
            ui.choice(
                "Campaign",
                "story-campaign",
                Story.campaigns,
                value=Story.campaign,
                on_change=Story.of_campaign,
            ),
        ),
        gap="14px",
        wrap="wrap",
        align="end",
        justify="between",
        padding_bottom="20px",
    )


def story() -> rx.Component:
    return ui.section(
        "Timeline",
        _filters(),
        rx.cond(
            Story.moments.length() > 0,
            rx.fragment(
                rx.el.ol(
                    rx.foreach(Story.moments, _moment), class_name="cm-timeline", data_testid="timeline"
                ),
                rx.cond(
                    Story.more,
                    ui.quiet(
                        "Show older", icon="chevron-down", on_click=Story.older, data_testid="story-older"
                    ),
                ),
            ),
            ui.empty(
                "history",
                "Nothing here",
                "Journeys entered, messages, bookings and every reason not to write appear here.",
            ),
        ),
        hint="What happened, what was sent, what was not, and why",
    )
