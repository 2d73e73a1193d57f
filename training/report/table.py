"""Findings, pooled by singer, language and register, and the tables printed of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from training.report.bars import REGISTERS, Measure
from training.report.judging import Values

ELSEWHERE = ""
"""The register of what is not measured in one."""
_MARKS = {True: "met", False: "**not met**", None: ""}


@dataclass
class Findings:
    """The values of one singer in one language; ``teacher`` holds the same of the teacher's singing."""

    speaker: str
    language: str
    values: dict[tuple[str, str], list[np.ndarray]] = field(default_factory=lambda: defaultdict(list))
    """(measure's key, register) → values of each song."""
    teacher: dict[tuple[str, str], list[np.ndarray]] = field(default_factory=lambda: defaultdict(list))
    notes: list[str] = field(default_factory=list)
    """What could not be measured and why; warnings of the tools."""

    def add(self, register: str, values: Values, *, teacher: bool = False) -> None:
        """Keep what was measured of a song."""
        for key, found in values.items():
            (self.teacher if teacher else self.values)[key, register].append(np.asarray(found, np.float64))

    def note(self, text: str) -> None:
        """Keep a remark once."""
        if text not in self.notes:
            self.notes.append(text)


@dataclass(frozen=True)
class Row:
    """A measure of one singer in one language."""

    measure: Measure
    by_register: dict[str, float]
    value: float
    """Over all registers it is asked for."""
    teacher: float | None
    met: bool | None


def rows(findings: Findings, measures: Sequence[Measure]) -> list[Row]:
    """Return a row for each measure that there are values of."""
    found = []
    for measure in measures:
        where = measure.registers or (ELSEWHERE,)
        value = _pooled(findings.values, measure, where)
        if value is None:
            continue
        teacher = _pooled(findings.teacher, measure, where)
        by_register = {
            register: one
            for register in where
            if register in REGISTERS and (one := _pooled(findings.values, measure, (register,))) is not None
        }
        found.append(Row(measure, by_register, value, teacher, measure.met(value, teacher)))
    return found


def _pooled(
    values: dict[tuple[str, str], list[np.ndarray]], measure: Measure, registers: Sequence[str]
) -> float | None:
    pieces = [piece for register in registers for piece in values.get((measure.key, register), ())]
    together = np.concatenate(pieces) if pieces else np.zeros(0)
    return float(measure.pool(together)) if len(together) else None


def table(found: Sequence[Row]) -> str:
    """Return rows as a markdown table."""
    lines = [
        f"| measure | {' | '.join(REGISTERS)} | all | teacher | bar | |",
        f"|---|{'---|' * len(REGISTERS)}---|---|---|---|",
    ]
    for row in found:
        form = row.measure.form
        cells = [form.format(row.by_register[r]) if r in row.by_register else "" for r in REGISTERS]
        teacher = "" if row.teacher is None else form.format(row.teacher)
        lines.append(
            f"| {row.measure.name} | {' | '.join(cells)} | {form.format(row.value)} | {teacher} "
            f"| {row.measure.bar} | {_MARKS[row.met]} |"
        )
    return "\n".join(lines)


def unmet(found: Sequence[Row]) -> list[str]:
    """Return the names of the measures whose bar is not met."""
    return [row.measure.name for row in found if row.met is False]
