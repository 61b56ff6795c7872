"""What `cm` prints: phases with their time, tables, problems as sentences."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)

screen = Console(highlight=False)
Advance = Callable[[str, int, int], None]


def say(sentence: str) -> None:
    screen.print(f"  {sentence}")


def problem(sentence: str) -> None:
    screen.print(sentence, style="bold red", markup=False)


@contextmanager
def phase(title: str) -> Iterator[Callable[[str], None]]:
    """Show that `title` is going on, then that it is done and how long it took.

    The yielded function replaces the words of the finished line.
    """
    started = time.monotonic()
    words = title
    if not screen.is_terminal:
        screen.print(f"… {title}")

    def finish_with(sentence: str) -> None:
        nonlocal words
        words = sentence

    try:
        with screen.status(title):
            yield finish_with
    except BaseException:
        screen.print(f"[red]✗[/red] {title}")
        raise
    screen.print(f"[green]✓[/green] {words} [dim]{time.monotonic() - started:.1f} s[/dim]")


@contextmanager
def counting(title: str) -> Iterator[Advance]:
    """A progress bar for long counted work: the yielded function takes words, done, total."""
    if not screen.is_terminal:
        yield lambda *_: None
        return
    columns = (
        SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    )  # fmt: skip
    with Progress(*columns, console=screen, transient=True) as bar:
        task = bar.add_task(title, total=None)

        def advance(words: str, done: int, total: int) -> None:
            bar.update(task, description=words, completed=done, total=total)

        yield advance
