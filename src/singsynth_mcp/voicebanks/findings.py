"""What an examination of a voicebank found: how grave, where, what is there and what should be."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from singsynth_mcp.errors import InvalidVoicebank, SingSynthError

Level = Literal["error", "warning", "note"]
LEVELS: tuple[Level, ...] = ("error", "warning", "note")


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong (error: it cannot sing so), doubtful (warning) or worth knowing (note)."""

    level: Level
    code: str
    message: str
    file: str = ""
    """Relative to the voicebank's folder."""
    key: str = ""
    """The config's key or the model's input."""
    found: str = ""
    expected: str = ""


@dataclass
class Findings:
    """Findings about one voicebank, gathered in the order of looking."""

    root: Path
    rows: list[Finding] = field(default_factory=list)

    def add(self, level: Level, code: str, message: str, file: Path | None = None, **facts: str) -> None:
        """Note something; `file` may be any file of the voicebank or of its vocoder."""
        self.rows.append(Finding(level, code, message, self.name(file) if file else "", **facts))

    def name(self, file: Path) -> str:
        """Return a file as findings call it."""
        if file.is_relative_to(self.root):
            return file.relative_to(self.root).as_posix()
        return f"../{file.parent.name}/{file.name}" if file.parent.parent == self.root.parent else file.name

    def attempt(self, look: Callable[[], None], level: Level = "error") -> None:
        """Look at something; what cannot be read is a finding and the looking goes on."""
        try:
            look()
        except InvalidVoicebank as error:
            self.refuse(error, level)

    def refuse(self, error: SingSynthError, level: Level = "error") -> None:
        """Note an error as a finding."""
        path = error.details.get("path")
        message = error.message.replace(f"{self.root}/", "")
        self.add(level, error.code, message, Path(path) if path else None, key=str(error.details.get("key", "")))


def gravest_first(rows: Iterable[Finding]) -> list[Finding]:
    """Return distinct findings, errors before warnings before notes."""
    return sorted(dict.fromkeys(rows), key=lambda row: LEVELS.index(row.level))
