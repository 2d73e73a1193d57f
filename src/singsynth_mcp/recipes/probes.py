"""The songs that a voicebank is checked with: a short melody, and a walk over its range."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

_STEPS = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
_MELODY = ((0, 1), (2, 1), (4, 1), (5, 1), (7, 1), (4, 1), (2, 1), (0, 2))
"""Semitones over the first note, quarters."""
_MELODY_TEMPO, _RANGE_TEMPO = 100, 75
_RANGE_NOTES = 16
_PHRASE_NOTES = 4
USUAL_RANGE = ("A3", "E5")
"""Of a voicebank that does not say which notes are comfortable."""


@dataclass(frozen=True)
class ProbeSong:
    """A score to be sung."""

    musicxml: str
    notes: int


def melody(syllables: Sequence[str], lowest: str, highest: str) -> ProbeSong:
    """Return eight notes in the middle of a range, over all syllables."""
    low, high = _midi(lowest), _midi(highest)
    base = max(low, min((low + high) // 2 - 4, high - 7))
    notes = [
        (min(base + step, high), quarters, syllables[index % len(syllables)])
        for index, (step, quarters) in enumerate(_MELODY)
    ]
    return _song([notes], _MELODY_TEMPO)


def range_walk(syllable: str, lowest: str, highest: str) -> ProbeSong:
    """Return at most 16 notes from the lowest to the highest, in phrases of four, all on one syllable."""
    low, high = _midi(lowest), _midi(highest)
    step = max(1, -(-(high - low) // (_RANGE_NOTES - 1)))
    pitches = [*range(low, high, step), high]
    phrases = [pitches[first : first + _PHRASE_NOTES] for first in range(0, len(pitches), _PHRASE_NOTES)]
    return _song([[(midi, 1, syllable) for midi in phrase] for phrase in phrases], _RANGE_TEMPO)


def _song(phrases: Sequence[Sequence[tuple[int, int, str]]], tempo: int) -> ProbeSong:
    measures = "".join(
        f'<measure number="{number}">{_attributes(tempo) if number == 1 else ""}{_notes(phrase)}'
        "<note><rest/><duration>1</duration></note></measure>"
        for number, phrase in enumerate(phrases, start=1)
    )
    musicxml = (
        '<score-partwise version="4.0"><part-list><score-part id="P1"><part-name>Probe</part-name></score-part>'
        f'</part-list><part id="P1">{measures}</part></score-partwise>'
    )
    return ProbeSong(musicxml, sum(map(len, phrases)))


def _attributes(tempo: int) -> str:
    return f'<attributes><divisions>1</divisions></attributes><sound tempo="{tempo}"/>'


def _notes(phrase: Iterable[tuple[int, int, str]]) -> str:
    """Return the notes, each with its phonemes as a hint: no dictionary is asked."""
    found = []
    for midi, quarters, syllable in phrase:
        name = _STEPS[midi % 12]
        alter = "<alter>1</alter>" if "#" in name else ""
        found.append(
            f"<note><pitch><step>{name[0]}</step>{alter}<octave>{midi // 12 - 1}</octave></pitch>"
            f"<duration>{quarters}</duration><lyric><text>la[{escape(syllable)}]</text></lyric></note>"
        )
    return "".join(found)


def _midi(name: str) -> int:
    match = re.fullmatch(r"([A-G]#?)(-?\d+)", name)
    assert match is not None, name
    return 12 * (int(match[2]) + 1) + _STEPS.index(match[1])
