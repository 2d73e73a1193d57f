"""What was measured of a probe, and what of it is wrong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any

from singsynth_mcp.contracts.voicebanks import FindingRow, Level, ProbeRow, RangeRow

IN_TUNE_CENTS = 20.0
"""Median of the absolute deviations, of notes that are to be sung as written."""
ASTRAY_CENTS = 50.0
"""A quarter tone: a note that is heard as wrong."""
LATE_MS = 30.0
FAINT_DBFS = -40.0
THIN_DB = -12.0
"""Under the median of the range: a pitch that hardly sounds."""
TRACKED = 0.8


@dataclass
class Heard:
    """What inspect_performance says of a probe's phrases."""

    notes: int
    deterministic: bool = True
    sung: list[Mapping[str, Any]] = field(default_factory=list)
    _measures: list[Mapping[str, float]] = field(default_factory=list)

    def add(self, inspected: Mapping[str, Any]) -> None:
        """Take a phrase."""
        self.sung += inspected.get("sung") or []
        self._measures.append(inspected["measures"])

    def row(self, mode: str, speaker: str | None) -> ProbeRow:
        """Return the probe's numbers."""
        cents = [abs(note["cents"]) for note in self.sung if note.get("cents") is not None]
        late = [note["onset_ms"] for note in self.sung if note.get("onset_ms") is not None]
        levels = sorted(note["level_db"] for note in self.sung)
        return ProbeRow(
            mode=mode,
            speaker=speaker,
            notes=self.notes,
            tracked=len(cents),
            cents_median=_rounded(median(cents)) if cents else None,
            cents_worst=_rounded(max(cents)) if cents else None,
            onset_ms_median=_rounded(median(late)) if late else None,
            onset_ms_worst=_rounded(max(late, key=abs)) if late else None,
            peak_dbfs=_rounded(max(measures["peak_dbfs"] for measures in self._measures)),
            level_spread_db=_rounded(levels[-1] - levels[0]) if levels else None,
            clicks=self._count("clicks"),
            not_finite=self._count("samples_not_finite"),
            clipped=self._count("clipped_samples"),
        )

    def levels(self) -> list[RangeRow]:
        """Return level and tuning by pitch."""
        return [RangeRow(pitch=note["pitch"], level_db=note["level_db"], cents=note.get("cents")) for note in self.sung]

    def _count(self, name: str) -> int:
        return int(sum(measures[name] for measures in self._measures))


def judge_probe(row: ProbeRow, *, strict: bool) -> list[FindingRow]:
    """Return what is wrong with a probe; `strict` where it was to be sung as written."""
    where = f"{row.mode}, {row.speaker}" if row.speaker else row.mode
    off = row.cents_median or 0.0
    tuning: Level = "error" if strict or off > 5 * IN_TUNE_CENTS else "warning"
    tracked = row.tracked / max(row.notes, 1)
    found: list[tuple[bool, Level, str, str, str, str]] = [
        (row.not_finite > 0, "error", "not_finite", "samples that are no numbers", str(row.not_finite), "0"),
        (row.peak_dbfs < FAINT_DBFS, "error", "faint", "hardly anything is heard", f"{row.peak_dbfs} dBFS", ""),
        (row.clipped > 0, "warning", "clipped", "samples at full scale", str(row.clipped), "0"),
        (row.clicks > 0, "warning", "clicks", "clicks", str(row.clicks), "0"),
        (
            tracked < TRACKED,
            "error" if tracked < 0.5 else "warning",
            "no_pitch",
            "notes in which no pitch is heard",
            f"{row.notes - row.tracked} of {row.notes}",
            "0",
        ),
        (off > IN_TUNE_CENTS * (1 if strict else 2), tuning, "out_of_tune", "out of tune", f"{off} cents", ""),
        (
            (row.cents_worst or 0.0) > ASTRAY_CENTS * (1 if strict else 2),
            "warning",
            "note_astray",
            "a note is far from the written one",
            f"{row.cents_worst} cents",
            "",
        ),
        (
            abs(row.onset_ms_median or 0.0) > LATE_MS,
            "warning",
            "off_the_beat",
            "vowels do not start on the written onsets",
            f"{row.onset_ms_median} ms",
            f"within {LATE_MS:g} ms",
        ),
    ]
    return list(_rows(found, where))


def judge_range(levels: Sequence[RangeRow]) -> list[FindingRow]:
    """Return the pitches of the range that sound thin."""
    if not levels:
        return []
    middle = median(row.level_db for row in levels)
    thin = [row for row in levels if row.level_db < middle + THIN_DB]
    shown = ", ".join(f"{row.pitch} {row.level_db - middle:+.0f} dB" for row in thin)
    message = "pitches of the range that hardly sound beside the others"
    return list(_rows([(bool(thin), "warning", "thin", message, shown, f"above {THIN_DB:g} dB")], "range"))


def _rows(found: Iterable[tuple[bool, Level, str, str, str, str]], where: str) -> Iterable[FindingRow]:
    for is_so, level, code, message, value, expected in found:
        if is_so:
            yield FindingRow(
                level=level, code=code, message=f"{where}: {message}", found=value, expected=expected or None
            )


def _rounded(value: float) -> float:
    return round(value, 1)
