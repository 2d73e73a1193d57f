"""OpenUtau's USTX (YAML): tempo map, meters, tracks, voice parts → Score."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction
from typing import Any

from singsynth_mcp.errors import InvalidScore
from singsynth_mcp.score.assembly import WrittenPart, assemble, check_notes
from singsynth_mcp.score.findings import Findings
from singsynth_mcp.score.layout import Layout, Meter, TimedNote
from singsynth_mcp.score.model import Lyric, Score
from singsynth_mcp.score.pieces import split_word
from singsynth_mcp.score.syllables import syllabic
from singsynth_mcp.score.typed_lyrics import typed_lyric
from singsynth_mcp.score.yaml_tree import parse_yaml

_HELD = frozenset({"+~", "+*", "-", "ー", ""})
_NEXT_SYLLABLE = "+"
_RESTS = frozenset({"R", "r", "rest"})
_FARTHEST = 10**9
"""Ticks: 24 days at 100 quarters a minute."""


def read_ustx(text: str, name: str) -> Score:
    """Read a USTX project. Raises InvalidScore, which names the part, or NothingToSing."""
    document = parse_yaml(text, name)
    if not isinstance(document, dict):
        raise InvalidScore(f"{name} is no OpenUtau project", hint="Save the project again", file=name)
    resolution = _number(document, "resolution", 480, name)
    if resolution <= 0:
        raise InvalidScore(f"{name}: a resolution of {resolution}", hint="Save the project again", file=name)
    tracks: dict[int, list[TimedNote]] = defaultdict(list)
    findings = Findings()
    for voice_part in _maps(document, "voice_parts"):
        track = int(_number(voice_part, "track_no", 0, name))
        start = _number(voice_part, "position", 0, name)
        label = str(voice_part.get("name") or f"of track {track + 1}")
        tracks[track] += _notes(_maps(voice_part, "notes"), start, resolution, f"{name}, part {label}")
    tracks = {track: notes for track, notes in sorted(tracks.items()) if notes}
    names = [str(track.get("track_name") or "") for track in _maps(document, "tracks")]
    parts = [
        WrittenPart(f"P{number}", (names[track] if 0 <= track < len(names) else "") or f"Track {track + 1}")
        for number, track in enumerate(tracks, 1)
    ]
    end = max((note.end for notes in tracks.values() for note in notes), default=Fraction(0))
    layout = Layout(_meters(document, name), end, name)
    for part, notes in zip(parts, tracks.values(), strict=True):
        part.notes = layout.written(sorted(notes, key=lambda note: note.position))
    check_notes(parts, name, f"{len(_maps(document, 'voice_parts'))} voice parts, all empty")
    _add_tempos(document, layout, resolution, name)
    return assemble(str(document.get("name") or "")[:200], parts, layout.bars, findings)


def _notes(notes: Sequence[Mapping[str, Any]], start: Fraction, resolution: Fraction, where: str) -> list[TimedNote]:
    timed: list[TimedNote] = []
    texts: list[str] = []
    for note in notes:
        text = str(note.get("lyric") or "").strip()
        position = (start + _number(note, "position", None, where)) / resolution
        duration = _number(note, "duration", None, where) / resolution
        midi = _number(note, "tone", None, where)
        if not 0 <= midi <= 127:
            raise InvalidScore(f"{where}: a note of tone {midi}", hint="Tones go from 0 to 127")
        if text not in _RESTS and duration > 0 and position >= 0:
            timed.append(TimedNote(position, duration, float(midi)))
            texts.append(text)
    for index, lyric in _lyrics(texts):
        timed[index] = replace(timed[index], lyrics=(lyric,))
    return timed


def _lyrics(texts: Sequence[str]) -> list[tuple[int, Lyric]]:
    """Return the lyrics by note: a word stands on its first note, each "+" is its next syllable."""
    words: list[tuple[str, list[int]]] = []
    for index, text in enumerate(texts):
        if text == _NEXT_SYLLABLE and words:
            words[-1][1].append(index)
        elif text not in _HELD and text != _NEXT_SYLLABLE:
            words.append((text, [index]))
    lyrics: list[tuple[int, Lyric]] = []
    for text, places in words:
        head, bracket, _ = text.partition("[")
        if len(places) == 1 or bracket:
            lyric = typed_lyric(text)
            lyrics += [(places[0], lyric)] if lyric else []
            continue
        pieces = split_word(head, len(places))
        for number, (place, piece) in enumerate(zip(places, pieces, strict=False)):
            kind = syllabic(goes_on=number > 0, continues=number + 1 < len(pieces))
            lyrics.append((place, Lyric(1, (piece,), kind)))
    return lyrics


def _meters(document: Mapping[str, Any], name: str) -> list[Meter]:
    """Return the meters; USTX gives the bar in which each begins."""
    signatures = _maps(document, "time_signatures") or [document]
    meters: list[Meter] = []
    position, bar, length = Fraction(0), Fraction(0), Fraction(4)
    for signature in sorted(signatures, key=lambda one: _number(one, "bar_position", 0, name)):
        start = _number(signature, "bar_position", 0, name)
        beats, unit = (int(_number(signature, key, 4, name)) for key in ("beat_per_bar", "beat_unit"))
        if not (0 < beats <= 256 and 0 < unit <= 256):
            raise InvalidScore(f"{name}: the meter {beats}/{unit}", hint="Save the project again", file=name)
        position += (start - bar) * length
        bar, length = start, Fraction(4 * beats, unit)
        meters.append(Meter(max(position, Fraction(0)), beats, unit))
    return meters


def _add_tempos(document: Mapping[str, Any], layout: Layout, resolution: Fraction, name: str) -> None:
    tempos = _maps(document, "tempos")
    if not tempos:
        layout.add_tempo(Fraction(0), float(_number(document, "bpm", 120, name)))
    for tempo in tempos:
        layout.add_tempo(
            max(_number(tempo, "position", 0, name) / resolution, Fraction(0)), float(_number(tempo, "bpm", 120, name))
        )


def _maps(document: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    found = document.get(key)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def _number(record: Mapping[str, Any], key: str, default: float | None, where: str) -> Fraction:
    """Return a number exactly. Raises InvalidScore where it is none, or missing without a default."""
    text = record.get(key)
    if text is None and default is not None:
        return Fraction(default)
    try:
        value = float(text)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        value = float("nan")
    if not abs(value) <= _FARTHEST:
        raise InvalidScore(f"{where}: {key} is {text!r}, no number"[:200], hint="Save the project again")
    return Fraction(value).limit_denominator(100_000)
