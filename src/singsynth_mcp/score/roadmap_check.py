"""Marks of the playing order that contradict one another: taken out and told, and the rest is played as written."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from singsynth_mcp.score.findings import Findings
from singsynth_mcp.score.model import Measure


def without_contradictions(measures: Sequence[Measure], findings: Findings) -> tuple[Measure, ...]:
    """Return the measures without jumps that lead nowhere and endings that no pass can follow."""
    mended = list(measures)

    def take_out(indices: Sequence[int], message: str, **marks: Any) -> None:
        findings.add("roadmap", f"{message}: played as written", measure=measures[indices[0]].number)
        for index in indices:
            mended[index] = replace(mended[index], **marks)

    has_segno = any(measure.segno for measure in measures)
    for index, measure in enumerate(measures):
        if measure.jump == "dal_segno" and not has_segno:
            take_out([index], "D.S. without a segno", jump=None)
        if measure.to_coda and not any(later.coda for later in measures[index + 1 :]):
            take_out([index], '"To Coda" without a coda after it', to_coda=False)
    for group in _ending_groups(measures):
        if problem := _problem(group, measures):
            take_out(group, problem, endings=(), repeat_times=0)
    return tuple(mended)


def _ending_groups(measures: Sequence[Measure]) -> Iterator[list[int]]:
    """Yield the indices of the measures of each group of endings: those that follow one another."""
    group: list[int] = []
    for index, measure in enumerate(measures):
        if group and (not measure.endings or measure.repeat_start):
            yield group
            group = []
        if measure.endings:
            group.append(index)
    if group:
        yield group


def _problem(group: Sequence[int], measures: Sequence[Measure]) -> str:
    """Return what is wrong with a group of endings; "" where every pass has one."""
    endings: list[tuple[int, ...]] = []
    for index in group:
        if not endings or measures[index].endings != endings[-1]:
            endings.append(measures[index].endings)
    passes = sorted(number for ending in endings for number in ending)
    listing = ", ".join("+".join(map(str, ending)) for ending in endings)
    if len(set(passes)) < len(passes):
        return f"Endings {listing} give a pass twice"
    if passes != list(range(1, len(passes) + 1)):
        return f"Endings {listing} leave a pass out"
    if len(passes) > 1 and not any(measures[index].repeat_times for index in group):
        return f"Endings {listing} without a repeat sign"
    return ""
