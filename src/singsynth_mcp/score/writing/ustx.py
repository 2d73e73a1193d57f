"""Score → OpenUtau's USTX: as played, one track a part with lyrics."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from fractions import Fraction
from typing import Any

from singsynth_mcp.score.model import Score
from singsynth_mcp.score.tempo import TempoMap, holds_of
from singsynth_mcp.score.writing.singing import SungNote, played_parts

TICKS = 480
VERSION = "0.6"
"""Older than what is current: OpenUtau refuses newer versions than its own."""


def ustx_of(score: Score) -> bytes:
    """Return the parts that sing as an OpenUtau project. A word stands on its first note, "+" is its next syllable."""
    import yaml

    unfolded, parts = played_parts(score)
    sung = [(name, notes) for name, notes in parts if any(note.is_sung for note in notes)] or parts
    meters: list[dict[str, int]] = []
    for bar, measure in enumerate(unfolded.measures):
        meter = {"beat_per_bar": measure.beats, "beat_unit": measure.beat_type}
        if not meters or {key: meters[-1][key] for key in meter} != meter:
            meters.append({"bar_position": bar, **meter})
    tempos = TempoMap(unfolded.tempos, holds_of(unfolded), unfolded.bends).steps()
    project = {
        "name": score.title, "comment": "", "output_dir": "Vocal", "cache_dir": "UCache", "ustx_version": VERSION,
        "resolution": TICKS, "bpm": tempos[0].quarters_per_minute, "beat_per_bar": meters[0]["beat_per_bar"],
        "beat_unit": meters[0]["beat_unit"], "expressions": {}, "time_signatures": meters,
        "tempos": [{"position": _ticks(one.position), "bpm": one.quarters_per_minute} for one in tempos],
        "tracks": [{"track_name": name, "phonemizer": "OpenUtau.Core.DefaultPhonemizer", "mute": False,
                    "solo": False, "volume": 0, "pan": 0} for name, _ in sung],
        "voice_parts": [_voice_part(number, name, notes) for number, (name, notes) in enumerate(sung)],
        "wave_parts": [],
    }  # fmt: skip
    dumped: str = yaml.safe_dump(project, allow_unicode=True, sort_keys=False, width=1000)
    return dumped.encode()


def _ticks(position: Fraction) -> int:
    return round(position * TICKS)


def _voice_part(number: int, name: str, notes: Sequence[SungNote]) -> dict[str, Any]:
    texts = _texts(notes)
    end = max((_ticks(note.start + note.duration) for note in notes), default=TICKS)
    return {
        "name": name, "comment": "", "track_no": number, "position": 0, "duration": end,
        "notes": [_note(note, text) for note, text in zip(notes, texts, strict=True)], "curves": [],
    }  # fmt: skip


def _note(note: SungNote, text: str) -> dict[str, Any]:
    start = _ticks(note.start)
    tone = round(note.midi)
    return {
        "position": start, "duration": max(_ticks(note.start + note.duration) - start, 1), "tone": tone,
        "tuning": round((note.midi - tone) * 100), "lyric": text,
        "pitch": {"data": [{"x": -40, "y": 0, "shape": "io"}, {"x": 40, "y": 0, "shape": "io"}], "snap_first": True},
        "vibrato": {"length": 0, "period": 175, "depth": 25, "in": 10, "out": 10, "shift": 0, "drift": 0},
    }  # fmt: skip


def _texts(notes: Sequence[SungNote]) -> list[str]:
    """Return what each note says: kana and Chinese sign by sign, words of letters whole with "+" after them."""
    texts: list[str] = []
    head: int | None = None
    for note in notes:
        if note.lyric is None:
            texts.append("+~" if note.is_sung else "a")
            continue
        text = "\u203f".join(note.lyric.syllables)
        goes_on = note.lyric.syllabic in ("middle", "end") and head is not None
        if goes_on and head is not None and _is_of_letters(texts[head]) and _is_of_letters(text):
            texts[head] += text
            texts.append("+")
        else:
            head = len(texts)
            texts.append(text)
    return texts


def _is_of_letters(text: str) -> bool:
    return not any(unicodedata.name(letter, "").startswith(("HIRAGANA", "KATAKANA", "CJK")) for letter in text)
