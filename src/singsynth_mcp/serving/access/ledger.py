"""The usage ledger: requests, seconds of audio and seconds of compute, by day, tenant, caller and tool, in SQLite.

Several processes of one machine may write to one file. Rows are sums, so the file grows with days, not with calls.
"""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from singsynth_mcp.errors import FileProblem, StorageProblem

if TYPE_CHECKING:
    import sqlite3

logger = logging.getLogger(__name__)
_SCHEMA = """
CREATE TABLE IF NOT EXISTS usage (
    day TEXT NOT NULL, tenant TEXT NOT NULL, caller TEXT NOT NULL, tool TEXT NOT NULL,
    requests INTEGER NOT NULL, errors INTEGER NOT NULL, audio_seconds REAL NOT NULL, compute_seconds REAL NOT NULL,
    PRIMARY KEY (day, tenant, caller, tool)
) WITHOUT ROWID
"""
_ADD = """
INSERT INTO usage VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
    requests = requests + excluded.requests, errors = errors + excluded.errors,
    audio_seconds = audio_seconds + excluded.audio_seconds, compute_seconds = compute_seconds + excluded.compute_seconds
"""
_LOCKED_SECONDS = 10.0
"""How long another process that holds the file is waited for."""
_LOOK_SECONDS = 0.5
_PAUSE_SECONDS = 1.0
_COLUMNS = "requests, errors, audio_seconds, compute_seconds"


@dataclass(frozen=True)
class Use:
    """What was used; sums of these are what a bill is made from."""

    requests: int = 0
    """Tool calls."""
    errors: int = 0
    """Of the requests, those that were answered with an error."""
    audio_seconds: float = 0.0
    """Of sound saved to files."""
    compute_seconds: float = 0.0
    """For which tools worked, waiting in queues not counted."""

    def __add__(self, other: Use) -> Use:
        return Use(
            self.requests + other.requests,
            self.errors + other.errors,
            self.audio_seconds + other.audio_seconds,
            self.compute_seconds + other.compute_seconds,
        )


@dataclass(frozen=True)
class Line:
    """A line of the ledger."""

    day: str
    """UTC, 2026-11-25."""
    tenant: str
    caller: str
    tool: str
    use: Use


class Ledger:
    """One file; written by a thread of its own, so that no call waits for the disk."""

    def __init__(self, path: Path) -> None:
        """Open or make the file. Raises FileProblem."""
        import sqlite3

        self._path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            with closing(self._connect()) as connection:
                connection.execute(_SCHEMA)
                connection.commit()
        except (OSError, sqlite3.Error) as error:
            hint = "SINGSYNTH_LEDGER names a file that this process can write."
            raise FileProblem(f"the ledger {path} cannot be opened: {error}", hint=hint) from None
        self._lines: queue.SimpleQueue[Line | threading.Event | None] = queue.SimpleQueue()
        self._writer: threading.Thread | None = None
        self._problem = ""
        """Why the file cannot be written now, after two attempts."""

    def add(self, line: Line) -> None:
        """Note a use; it is on disk a moment later, or after `flush`."""
        if self._writer is None:
            self._writer = threading.Thread(target=self._write, name="ledger", daemon=True)
            self._writer.start()
        self._lines.put(line)

    def flush(self) -> None:
        """Wait until what was added is on disk. Raises StorageProblem where two attempts have failed."""
        if self._writer is not None:
            written = threading.Event()
            self._lines.put(written)
            while not written.wait(_LOOK_SECONDS):
                if self._problem:
                    hint = "Nothing is lost, it is tried again; the operator has to see to the file or its disk."
                    raise StorageProblem(f"the ledger {self._path} cannot be written: {self._problem}", hint=hint)

    def close(self) -> None:
        """Write what was added and end the thread; a disk that is full is not waited for."""
        if self._writer is not None:
            self._lines.put(None)
            self._writer.join(timeout=10.0)
            self._writer = None

    def used(self, caller: str, day: date) -> Use:
        """Return what a caller has used on a day, as far as it is on disk."""
        sums = ", ".join(f"COALESCE(SUM({column}), 0)" for column in _COLUMNS.split(", "))
        with closing(self._connect()) as connection:
            row = connection.execute(
                f"SELECT {sums} FROM usage WHERE day = ? AND caller = ?", (day.isoformat(), caller)
            ).fetchone()
        return Use(*row)

    def lines(self, since: date, tenant: str | None = None) -> list[Line]:
        """Return the lines from a day on, of one tenant or of all, in order. Raises FileProblem."""
        import sqlite3

        where, values = ("AND tenant = ?", (since.isoformat(), tenant)) if tenant else ("", (since.isoformat(),))
        query = f"SELECT day, tenant, caller, tool, {_COLUMNS} FROM usage WHERE day >= ? {where} ORDER BY 1, 2, 3, 4"
        try:
            with closing(self._connect()) as connection:
                rows = connection.execute(query, values).fetchall()
        except sqlite3.Error as error:
            raise FileProblem(f"the ledger {self._path} cannot be read: {error}") from None
        return [Line(day, who, caller, tool, Use(*use)) for day, who, caller, tool, *use in rows]

    def _connect(self) -> sqlite3.Connection:
        import sqlite3

        connection = sqlite3.connect(self._path, timeout=_LOCKED_SECONDS)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = NORMAL")
        return connection

    def _write(self) -> None:
        connection: sqlite3.Connection | None = None
        for batch in self._batches():
            connection = self._write_lines(connection, [each for each in batch if isinstance(each, Line)])
            for each in batch:
                if isinstance(each, threading.Event):
                    each.set()
            if None in batch:
                break
        if connection is not None:
            connection.close()

    def _write_lines(self, connection: sqlite3.Connection | None, lines: list[Line]) -> sqlite3.Connection | None:
        """Add lines in one transaction, again and again while another process holds the file or the disk is full.

        Returns the connection to go on with: another one where this one failed.
        """
        import sqlite3

        rows = [
            (line.day, line.tenant, line.caller, line.tool, *(getattr(line.use, name) for name in _COLUMNS.split(", ")))
            for line in lines
        ]
        failures = 0
        while rows:
            try:
                connection = connection or self._connect()
                with connection:
                    connection.executemany(_ADD, rows)
            except sqlite3.Error as error:
                failures += 1
                self._problem = str(error) if failures > 1 else ""
                logger.exception("the ledger cannot be written; it is tried again")
                if connection is not None:
                    connection.close()
                connection = None
                time.sleep(_PAUSE_SECONDS)
            else:
                self._problem = ""
                break
        return connection

    def _batches(self) -> Iterator[list[Line | threading.Event | None]]:
        while True:
            batch = [self._lines.get()]
            while not self._lines.empty():
                batch.append(self._lines.get())
            yield batch


def today() -> date:
    """Return the day in UTC: quotas begin anew with it."""
    return datetime.now(UTC).date()


def as_row(line: Line) -> dict[str, Any]:
    """Return a line as a flat row."""
    facts = asdict(line)
    return facts | {name: round(value, 3) for name, value in facts.pop("use").items()}
