"""Tables and sizes, as every command prints them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, title: str = "") -> None:
    """Print a plain table on stdout; text is taken literally, long cells fold."""
    table = Table(*columns, box=None, pad_edge=False, title=Text(title) if title else None, title_justify="left")
    for row in rows:
        table.add_row(*(Text(cell, overflow="fold") for cell in row))
    console = Console(highlight=False)
    if not console.is_terminal:  # a pipe has no width: keep ids and paths in one piece
        console = Console(highlight=False, width=400)
    console.print(table)


def in_bytes(count: int) -> str:
    """Return a size as people read it: "1.5 MB"."""
    size = float(count)
    for unit in ("B", "kB", "MB"):
        if size < 1000:
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1000
    return f"{size:.1f} GB"
