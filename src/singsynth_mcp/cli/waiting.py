"""A progress bar on stderr for commands that take long."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from singsynth_mcp.contracts.calling import OnProgress, ignore_progress
from singsynth_mcp.contracts.calling import Progress as Step


@asynccontextmanager
async def progress_bar(first_stage: str) -> AsyncIterator[OnProgress]:
    """Show stage, message and the share done on stderr while it is a terminal."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield ignore_progress
        return
    columns = (TextColumn("{task.description:<17}"), BarColumn(), TextColumn("{task.percentage:>3.0f} %"))
    with Progress(
        *columns, TimeElapsedColumn(), TextColumn("{task.fields[message]}"), console=console, transient=True
    ) as bar:
        task = bar.add_task(first_stage, total=1.0, message="")

        async def on_progress(step: Step) -> None:
            bar.update(task, completed=step.fraction, description=step.stage, message=step.message)

        yield on_progress
