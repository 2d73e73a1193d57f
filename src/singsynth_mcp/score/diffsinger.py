"""DiffSinger's .ds: JSON segments of note_seq, note_dur (seconds), note_slur, text and ph_seq → Score.

The format has no tempo and no measures: seconds become quarters at 120 a minute, so that times stay what they were.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

from singsynth_mcp.errors import InvalidRequest, InvalidScore
from singsynth_mcp.score.assembly import WrittenPart, assemble, check_notes
from singsynth_mcp.score.findings import Findings
from singsynth_mcp.score.layout import Layout, TimedNote
from singsynth_mcp.score.model import Lyric, Score
from singsynth_mcp.score.pitch import midi_of

QUARTERS_A_SECOND = 2
_SILENCES = frozenset({"SP", "AP", "pau", "sil", "br"})
_HINT = "Give the .ds file as DiffSinger's tools write it: note_seq and note_dur of equal length"


def is_ds(document: Any) -> bool:
    """Return whether parsed JSON is a .ds file: a segment, or a list of them."""
    segments = document if isinstance(document, list) else [document]
    return bool(segments) and isinstance(segments[0], dict) and bool({"note_seq", "ph_seq"} & segments[0].keys())


def read_ds(document: Any, name: str) -> Score:
    """Read a .ds file that JSON has parsed. Raises InvalidScore, which names the segment, or NothingToSing."""
    segments = document if isinstance(document, list) else [document]
    notes: list[TimedNote] = []
    findings = Findings()
    for number, segment in enumerate(segments, 1):
        try:
            notes += _segment(segment, findings, number)
        except (ValueError, InvalidRequest) as error:
            reason = error.message if isinstance(error, InvalidRequest) else error
            message = f"{name}: segment {number}: {reason}"
            raise InvalidScore(message, hint=_HINT, file=name, segment=number) from error
    notes.sort(key=lambda note: note.position)
    part = WrittenPart("P1", "Voice")
    if notes:
        layout = Layout([], max(note.end for note in notes), name)
        part.notes = layout.written(notes)
    check_notes([part], name, f"{len(segments)} segments without note_seq")
    return assemble("", [part], layout.bars, findings)


def _segment(segment: Any, findings: Findings, number: int) -> list[TimedNote]:
    if not isinstance(segment, Mapping):
        raise ValueError("it is no JSON object")
    names = _words(segment, "note_seq")
    if not names:
        findings.add("no_notes", f"Segment {number} has phonemes without notes (note_seq) and is not sung")
        return []
    lengths = [_seconds(text) for text in _words(segment, "note_dur")]
    slurs = _words(segment, "note_slur") or ["0"] * len(names)
    if not len(names) == len(lengths) == len(slurs):
        raise ValueError(f"{len(names)} notes, {len(lengths)} durations and {len(slurs)} slurs")
    position = _seconds(segment.get("offset") or 0)
    notes: list[TimedNote | None] = []
    heads: list[int] = []
    for index, (pitch, length, slur) in enumerate(zip(names, lengths, slurs, strict=True)):
        is_rest = pitch.lower() == "rest"
        notes.append(None if is_rest or not length else TimedNote(position, length, midi_of(pitch)))
        if slur != "1":
            heads.append(index)
        position += length
    lyrics = _lyrics(segment, [notes[index] is None for index in heads])
    for index, lyric in zip(heads, lyrics, strict=True):
        note = notes[index]
        if note is not None and lyric is not None:
            notes[index] = replace(note, lyrics=(lyric,))
    return [note for note in notes if note is not None]


def _lyrics(segment: Mapping[str, Any], rests: Sequence[bool]) -> list[Lyric | None]:
    """Return the lyric of each note that is no slur's continuation: its word of `text`, else its phonemes as a hint."""
    words = [word for word in _words(segment, "text") if word not in _SILENCES]
    sung = len(rests) - sum(rests)
    if len(words) == sung:
        texts = iter(words)
        return [None if is_rest else Lyric(1, (next(texts),)) for is_rest in rests]
    groups = _phonemes_by_note(segment)
    if len(groups) == len(rests):
        return [Lyric(1, (f"[{' '.join(group)}]",)) if group else None for group in groups]
    raise ValueError(f"{sung} notes, {len(words)} words in text and {len(groups)} groups in ph_num do not match")


def _phonemes_by_note(segment: Mapping[str, Any]) -> list[list[str]]:
    """Return each note's phonemes: a group of ph_num is a vowel and the consonants that lead to the next one."""
    phonemes = _words(segment, "ph_seq")
    groups: list[list[str]] = []
    leading: list[str] = []
    place = 0
    for text in _words(segment, "ph_num"):
        count = int(text) if text.isdecimal() and len(text) < 6 else 0
        group = phonemes[place : place + count]
        place += count
        nucleus = [] if group[:1] and group[0] in _SILENCES else group[:1]
        groups.append(leading + nucleus if nucleus else [])
        leading = group[1:]
    return groups


def _words(segment: Mapping[str, Any], key: str) -> list[str]:
    value = segment.get(key)
    return [str(item) for item in value] if isinstance(value, list) else str(value or "").split()


def _seconds(text: Any) -> Fraction:
    """Return seconds as quarters, to a ten-thousandth of a second."""
    value = float(text)
    if not 0 <= value <= 36_000:
        raise ValueError(f"{text} is no time in seconds")
    return Fraction(round(value * 10_000) * QUARTERS_A_SECOND, 10_000)
