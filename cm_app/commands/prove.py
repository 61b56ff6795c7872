"""`cm prove …`: the engine against a plain model, and in races."""

from typing import Annotated

import typer

from services.kit.settings import Settings

proving = typer.Typer(help="Prove the engine: against a plain model, and in races.")


@proving.callback()
def prove(
    context: typer.Context,
    operations: Annotated[
        int, typer.Option(help="How many random acts in all, earlier runs included.")
    ] = 10_000,
    seed: Annotated[int | None, typer.Option(help="Start afresh from this seed.")] = None,
    lies: Annotated[
        bool, typer.Option("--lies", help="Then plant every known fault: each must be heard.")
    ] = False,
) -> None:
    """Compare the engine with a slow, plain model, act by act; goes on where it was stopped. Exit code
    1 when a planted fault is not heard."""
    if context.invoked_subcommand is None:
        from cm_app import prove as model

        told = model.main(operations, seed=seed, progress_file=Settings().home / "prove.json", lies=lies)
        raise SystemExit(0 if told.heard == told.lies else 1)


@proving.command("races")
def prove_races(
    operations: Annotated[
        int, typer.Option(min=1, help="How many events, entries and requests at least.")
    ] = 10_000,
    seed: Annotated[int, typer.Option(help="Start with this round's events.")] = 0,
) -> None:
    """Race workers against events that suppress; the history must be linearizable. Exit code 1 when not."""
    from cm_app import races

    raise SystemExit(0 if races.main(operations, seed=seed).holds else 1)
