"""The forecast: figures, messages a day, the flow step by step, what it rests on."""

import reflex as rx

from components import tokens, ui
from components.ui.pills import by_tone
from state.forecast import SPANS, Assumed, Differs, ForecastPage, Part, StepRow

TICK = {"fontSize": 12, "fill": "var(--gray-11)"}


def forecast() -> rx.Component:
    return rx.flex(
        _controls(),
        rx.cond(
            ForecastPage.problem != "", ui.notice(ForecastPage.problem, tone="danger", icon="triangle-alert")
        ),
        rx.cond(
            ForecastPage.ready,
            rx.flex(
                _figures(),
                _per_day(),
                rx.cond(ForecastPage.compared, _differences()),
                rx.box(
                    _flow(),
                    rx.flex(_refused(), _rates(), _method(), direction="column", gap="24px"),
                    class_name="cm-two",
                ),
                direction="column",
                gap="24px",
                opacity=rx.cond(ForecastPage.working, "0.55", "1"),
                data_testid="forecast",
                data_state=rx.cond(ForecastPage.working, "working", "ready"),
            ),
            rx.cond((ForecastPage.problem == "") & ~ForecastPage.stopped, ui.blocks(3)),
        ),
        direction="column",
        gap="24px",
    )


def _controls() -> rx.Component:
    return rx.flex(
        ui.choice(
            "How far ahead", "days", [(span, f"{span} days") for span in SPANS],
            value=ForecastPage.days, on_change=ForecastPage.choose_days,
        ),
        rx.cond(
            ForecastPage.versions.length() > 0,
            ui.choice(
                "Compare with", "version", ForecastPage.choices, value=ForecastPage.against_choice,
                on_change=ForecastPage.choose_version,
            ),
        ),
        rx.el.span(
            rx.cond(
                ForecastPage.working,
                rx.fragment(
                    rx.spinner(size="2"),
                    "Working it out over everybody in the audience…",
                    rx.el.span(ForecastPage.done, aria_hidden="true", font_variant_numeric="tabular-nums"),
                ),
                rx.cond(
                    ForecastPage.stopped,
                    rx.cond(ForecastPage.ready, "Stopped. The figures below are those from before.", "Stopped."),
                    ForecastPage.range,
                ),
            ),
            role="status", display="inline-flex", gap="10px", align_items="center", padding_bottom="10px",
            color=tokens.QUIET, data_testid="forecast-range",
        ),
        rx.cond(ForecastPage.working, ui.quiet("Stop", on_click=ForecastPage.stop, data_testid="forecast-stop")),
        rx.cond(
            ForecastPage.stopped & ~ForecastPage.working,
            ui.quiet("Work it out again", on_click=ForecastPage.once_more, data_testid="forecast-again"),
        ),
        gap="16px", align="end", wrap="wrap",
    )  # fmt: skip


def _figures() -> rx.Component:
    return rx.grid(
        rx.foreach(ForecastPage.figures, lambda f: ui.figure(f[0], f[1], f[2])),
        columns=rx.breakpoints(initial="2", md="4"),
        gap="16px",
    )


def _bar(key: str, tone: tokens.Tone, stack: str) -> rx.Component:
    return rx.recharts.bar(data_key=key, fill=tokens.solid(tone), stack_id=stack, is_animation_active=False)


def _per_day() -> rx.Component:
    def chart(*bars: rx.Component) -> rx.Component:
        return rx.recharts.bar_chart(
            *bars,
            rx.recharts.x_axis(
                data_key="day", tick_line=False, axis_line=False, interval="preserveStartEnd",
                min_tick_gap=48, tick=TICK,
            ),
            rx.recharts.y_axis(tick_line=False, axis_line=False, width=48, allow_decimals=False, tick=TICK),
            rx.recharts.cartesian_grid(vertical=False, stroke="var(--gray-a4)"),
            rx.recharts.graphing_tooltip(
                content_style={
                    "background": tokens.PANEL, "border": f"1px solid {tokens.LINE}", "borderRadius": "8px",
                },
                cursor={"fill": "var(--gray-a3)"},
            ),
            data=ForecastPage.per_day, width="100%", height=240,
            margin={"top": 6, "right": 8, "left": 0, "bottom": 0},
        )  # fmt: skip

    alone = chart(_bar("Go out", "accent", "day"), _bar("Held back", "warn", "day"))
    beside = chart(_bar("Go out", "accent", "draft"), _bar("Version", "info", "version"))
    return ui.section(
        "Messages a day",
        rx.box(
            rx.cond(ForecastPage.compared, beside, alone),
            role="img",
            aria_label="Messages on each day of the forecast; the figures of each step are listed below",
            data_testid="forecast-days",
        ),
        hint="On the day they reach people: what is due in quiet hours goes out in the morning",
        actions=rx.flex(
            _key("accent", rx.cond(ForecastPage.compared, "Draft", "Go out")),
            _key(
                rx.cond(ForecastPage.compared, "info", "warn"),
                rx.cond(ForecastPage.compared, "Version", "Held back"),
            ),
            gap="16px",
            aria_hidden="true",
        ),
    )


def _key(tone: tokens.Tone | rx.Var[str], name: str | rx.Var[str]) -> rx.Component:
    return rx.flex(ui.dot(tone), ui.small(name), gap="7px", align="center")


def _part(part: rx.Var[Part]) -> rx.Component:
    return rx.box(
        width=part.width,
        height="100%",
        background=by_tone(part.tone, tokens.solid),
        title=f"{part.people} {part.words}",
    )


def _step(step: rx.Var[StepRow]) -> rx.Component:
    icon = rx.match(
        step.kind,
        ("entry", rx.icon("log-in", size=16)), ("message", rx.icon("send", size=16)), ("wait", rx.icon("clock", size=16)),
        ("wait_event", rx.icon("bell", size=16)), ("branch", rx.icon("split", size=16)), ("split", rx.icon("shuffle", size=16)),
        ("goal", rx.icon("target", size=16)), ("exit", rx.icon("log-out", size=16)), rx.icon("circle", size=16),
    )  # fmt: skip
    return rx.el.li(
        rx.flex(
            rx.el.span(icon, aria_hidden="true", color=tokens.QUIET),
            rx.el.span(step.title, font_weight="560", flex="1", min_width="0"),
            ui.small(step.when),
            rx.el.span(
                step.people,
                font_variant_numeric="tabular-nums",
                font_weight="600",
                min_width="4ch",
                text_align="right",
            ),
            gap="10px",
            align="center",
        ),
        rx.flex(
            rx.foreach(step.parts, _part),
            height="12px",
            margin="8px 0 6px",
            border_radius="999px",
            overflow="hidden",
            background="var(--gray-a3)",
            aria_hidden="true",
        ),
        rx.flex(
            rx.foreach(
                step.parts,
                lambda part: rx.flex(
                    ui.dot(part.tone), ui.small(f"{part.people} {part.words}"), gap="6px", align="center"
                ),
            ),
            gap="4px 16px",
            wrap="wrap",
        ),
        rx.foreach(step.reasons, lambda reason: ui.small(reason, margin_top="4px")),
        list_style="none",
        padding="14px 0",
        border_top=f"1px solid {tokens.LINE}",
        data_testid="forecast-step",
    )


def _flow() -> rx.Component:
    return ui.section(
        "Step by step",
        rx.el.ol(rx.foreach(ForecastPage.steps, _step), padding="0", margin="0"),
        hint="How many come to each step, when, and what becomes of them there",
    )


def _refused() -> rx.Component:
    return ui.section(
        "Why messages are held back",
        rx.cond(
            ForecastPage.refused.length() > 0,
            rx.el.ul(
                rx.foreach(ForecastPage.refused, lambda reason: ui.counted(reason.sentence, reason.people)),
                padding="0",
                margin="0",
                data_testid="forecast-refused",
            ),
            ui.body("Nothing is held back."),
        ),
        hint="The same checks that decide when messages really go out",
    )


def _rate(rate: rx.Var[Assumed]) -> rx.Component:
    return rx.box(
        rx.el.label(
            rx.flex(
                rx.el.span(rate.words, flex="1"),
                rx.el.input(
                    name=rate.name, default_value=rate.value, key=rate.name + rate.value, input_mode="decimal", width="84px",
                    padding="9px 10px", min_height=tokens.TOUCH, text_align="right", border=f"1px solid {tokens.LINE}",
                    border_radius="8px", background="var(--gray-a2)", color=tokens.INK, max_length=8,
                ),
                ui.small(rx.cond(rate.name == "a_day", rate.unit, "% " + rate.unit), width="9.5em"),
                gap="10px", align="center", wrap="wrap",
            ),
        ),
        ui.small(rate.source),
        padding="10px 0",
        border_top=f"1px solid {tokens.LINE}",
    )  # fmt: skip


def _rates() -> rx.Component:
    return ui.section(
        "What people are expected to do",
        rx.cond(
            ForecastPage.rates.length() > 0,
            rx.el.form(
                rx.foreach(ForecastPage.rates, _rate),
                rx.flex(
                    ui.quiet("Back to what is known", type="button", on_click=ForecastPage.as_known),
                    ui.primary("Work it out again", type="submit", data_testid="assume"),
                    gap="12px", justify="end", margin_top="14px", wrap="wrap",
                ),
                on_submit=ForecastPage.assume,
            ),
            ui.body("Nothing in this journey depends on what people do."),
        ),
        hint="From the practice’s own history where there is enough of it, otherwise an assumption you can change",
    )  # fmt: skip


def _method() -> rx.Component:
    return ui.section(
        "How this is worked out, and what it cannot know",
        ui.body(
            "Everybody who is in the audience today goes through the journey on a clock that runs ahead. At each message the"
            " practice’s own checks are asked as they will be asked then: consent, limits, stops, households. What people"
            " themselves do is an average, given to the same people each time, so two versions can be compared."
        ),
        rx.el.ul(
            rx.foreach(ForecastPage.limits, lambda limit: rx.el.li(ui.small(limit), padding="4px 0")),
            padding_left="20px",
            margin="10px 0 0",
            data_testid="forecast-limits",
        ),
    )


def _differs(row: rx.Var[Differs]) -> rx.Component:
    number = {"text_align": "right", "font_variant_numeric": "tabular-nums", "padding": "8px 0 8px 16px"}
    return rx.el.tr(
        rx.el.td(row.what, padding="8px 0"),
        rx.el.td(row.one, **number),
        rx.el.td(row.other, **number),
        rx.el.td(row.change, **number),
        border_top=f"1px solid {tokens.LINE}",
    )


def _differences() -> rx.Component:
    def name(text: str) -> rx.Component:
        return rx.el.th(text, scope="col", text_align="right", padding="0 0 8px 16px", font_weight="560")

    return ui.section(
        "What differs",
        rx.el.table(
            rx.el.thead(rx.el.tr(rx.el.th("", scope="col"), name("Version"), name("Draft"), name("Change"))),
            rx.el.tbody(rx.foreach(ForecastPage.differences, _differs)),
            width="100%",
            border_collapse="collapse",
            data_testid="forecast-differences",
        ),
        hint="The same people, days and behaviour in both: only the journey differs",
    )
