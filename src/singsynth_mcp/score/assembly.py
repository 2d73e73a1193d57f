"""What a format's reader has found → Score: measures, tempos, lines, loudness, warnings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import count

from singsynth_mcp.errors import NothingToSing
from singsynth_mcp.score.bars import Bar, measures_of, tempos_of
from singsynth_mcp.score.dynamics import DynamicMark, loudness_of
from singsynth_mcp.score.findings import Findings
from singsynth_mcp.score.jumps import read_jumps_from_words
from singsynth_mcp.score.model import Key, Measure, Part, Score
from singsynth_mcp.score.roadmap_check import without_contradictions
from singsynth_mcp.score.tempo_words import bends_of, read_swing, steady_tempos
from singsynth_mcp.score.voices import WrittenNote, lines_of


@dataclass(frozen=True)
class KeySign:
    """A key signature, as sounding."""

    measure: int
    """Index, from 0."""
    offset: Fraction
    fifths: int
    minor: bool


@dataclass
class WrittenPart:
    """A part as a file states it."""

    id: str
    name: str
    notes: list[WrittenNote] = field(default_factory=list)
    unpitched: int = 0
    """Notes without pitch: percussion, speech."""
    dynamics: list[DynamicMark] = field(default_factory=list)
    keys: list[KeySign] = field(default_factory=list)


def assemble(
    title: str, parts: Sequence[WrittenPart], bars: list[Bar], findings: Findings, language: str | None = None
) -> Score:
    """Return the score. The parts' notes lie in the bars."""
    read_jumps_from_words(bars)
    read_swing(bars)
    measures = without_contradictions(measures_of(bars), findings)
    ids = count(1)
    made = tuple(
        Part(
            part.id,
            part.name or part.id,
            lines_of(part.id, part.notes, measures, findings, ids),
            percussion=bool(part.unpitched and not part.notes),
            loudness=loudness_of(part.dynamics, measures),
        )
        for part in parts
    )
    if not any(note.lyrics for part in made for line in part.lines for note in line.notes):
        findings.add("no_lyrics", "The score has no lyrics: add some with modify_score (set_lyrics) before singing it")
    tempos = tempos_of(bars, measures, findings, steady_tempos(bars, measures, findings))
    bends = bends_of(bars, measures, findings)
    return Score(
        title or "Untitled", made, measures, tempos, language, findings.warnings(), next(ids), bends,
        _keys(parts, measures),
    )  # fmt: skip


def _keys(parts: Sequence[WrittenPart], measures: Sequence[Measure]) -> tuple[Key, ...]:
    """Return the keys of the first part that says any: a score has one key at a time."""
    signs = next((part.keys for part in parts if part.keys), [])
    keys: list[Key] = []
    for sign in sorted(signs, key=lambda sign: (sign.measure, sign.offset)):
        key = Key(measures[sign.measure].position + sign.offset, sign.fifths, sign.minor)
        if keys and keys[-1].position == key.position:
            keys.pop()
        if not keys or (keys[-1].fifths, keys[-1].minor) != (key.fifths, key.minor):
            keys.append(key)
    return tuple(keys)


def check_notes(parts: Sequence[WrittenPart], name: str, found: str = "") -> None:
    """Raise NothingToSing unless some part has a note with a pitch; `found` says what the file has instead."""
    if any(part.notes for part in parts):
        return
    hint = "Give a score with a vocal part"
    if any(part.unpitched for part in parts):
        raise NothingToSing(f"{name} has percussion only: no note has a pitch", hint=hint, file=name)
    raise NothingToSing(f"{name} has no notes{f' ({found})' if found else ''}", hint=hint, file=name)
