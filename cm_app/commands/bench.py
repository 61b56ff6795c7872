"""`cm bench …`: each command calls one function of the module it imports."""

from typing import Annotated

import typer

bench = typer.Typer(help="Measure, against a limit measured in the same run.", no_args_is_help=True)


@bench.command("dispatch")
def bench_dispatch(
    rows: Annotated[int, typer.Option(help="Due enrolments.", min=1_000)] = 1_000_000,
    workers: Annotated[int, typer.Option(help="Engine workers.", min=1, max=16)] = 3,
    minutes: Annotated[
        float, typer.Option(help="Run for so long on people who are due again at once.", min=0)
    ] = 0,
    long_reader: Annotated[
        bool, typer.Option("--long-reader", help="Keep a snapshot open meanwhile; needs --minutes.")
    ] = False,
) -> None:
    """Steps per minute with every gate on, and the ratios to one hand-written statement and to raw rows."""
    from cm_app.bench import dispatch

    if long_reader and not minutes:
        raise typer.BadParameter("Say for how long: --minutes 30 --long-reader.")
    dispatch.main(rows, workers, minutes, long_reader)


@bench.command("audience")
def bench_audience(
    contacts: Annotated[int, typer.Option(help="People in the practice group.")] = 1_000_000,
    runs: Annotated[int, typer.Option(help="Times each segment is counted.")] = 7,
) -> None:
    """p50 and p95 of twelve segment counts, next to SQL written by hand, in the same run."""
    from cm_app.bench import audience

    audience.main(contacts, runs)


@bench.command("forecast")
def bench_forecast(
    contacts: Annotated[int, typer.Option(min=1_000, help="People in the practice.")] = 100_000,
    runs: Annotated[int, typer.Option(min=1, help="Times it is worked out.")] = 5,
) -> None:
    """Seconds of a ninety-day forecast over everybody, next to the gates alone in the same run."""
    from cm_app.bench import forecast

    forecast.main(contacts, runs)


@bench.command("intake")
def bench_intake(
    rate: Annotated[int, typer.Option(min=1, help="Events a second while dispatch runs.")] = 1_000,
    seconds: Annotated[int, typer.Option(min=1, help="How long at that rate.")] = 60,
    rows: Annotated[int, typer.Option(min=1, help="People with due work.")] = 300_000,
) -> None:
    """Events a second flat out, and how soon a suppression holds while two workers dispatch."""
    from cm_app.bench import intake

    intake.main(rate, seconds, rows)


@bench.command("trigger")
def bench_trigger(
    rate: Annotated[int, typer.Option(min=1, help="Events a second.")] = 50,
    seconds: Annotated[int, typer.Option(min=1, help="How long.")] = 60,
) -> None:
    """From an event to the request of its message, and from a planned time to the start."""
    from cm_app.bench import trigger

    trigger.main(rate, seconds)


@bench.command("peers")
def bench_peers(
    people: Annotated[int, typer.Option(min=100, help="How many are sent to by each.")] = 20_000,
) -> None:
    """The same send with Celery, Procrastinate and DBOS, side by side with the engine."""
    from cm_app.bench import peers

    peers.main(people)


@bench.command("canvas")
def bench_canvas(
    steps: Annotated[int, typer.Option(min=2, max=500, help="Steps of the large journey.")] = 200,
    moves: Annotated[int, typer.Option(min=5, help="Mouse moves a movement.")] = 90,
) -> None:
    """Frame times while a large journey is dragged, moved and zoomed, next to an empty canvas in the same run."""
    from cm_app.bench import canvas

    canvas.main(steps, moves)


@bench.command("api")
def bench_api(
    rate: Annotated[int, typer.Option(min=1, max=1_000, help="Calls a second.")] = 50,
    seconds: Annotated[int, typer.Option(min=1, help="How long at that rate.")] = 60,
    contacts: Annotated[int, typer.Option(min=300, help="People in the practice.")] = 5_000,
) -> None:
    """p50, p95 and p99 of the API's answers, reads and writes mixed, next to a route that does nothing."""
    from cm_app.bench import api

    api.main(rate, seconds, contacts)
