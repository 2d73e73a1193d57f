"""Performance → DiffSinger's .ds: one segment a phrase, with what the stages so far have predicted."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterable, Sequence
from typing import Any

from singsynth_mcp.performance.model import Phrase

_NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
_PAD_FRAMES = 8
_SILENCE = "SP"


def ds_of(phrases: Iterable[tuple[float, Phrase]], frame_s: float) -> str:
    """Return the phrases, each with its start in the song, as a .ds file. Their durations have been predicted."""
    segments = [_segment(start_s, phrase, frame_s) for start_s, phrase in phrases]
    return json.dumps(segments, ensure_ascii=False, indent=1) + "\n"


def _segment(start_s: float, phrase: Phrase, frame_s: float) -> dict[str, Any]:
    bounds = phrase.boundaries_s
    assert bounds is not None
    pad_s = _PAD_FRAMES * frame_s
    first = float(bounds[0]) - pad_s
    lengths = [pad_s, *(float(end - start) for start, end in itertools.pairwise(bounds)), pad_s]
    names, notes, slurs = _notes(phrase, first, float(bounds[-1]) + pad_s, pad_s)
    segment: dict[str, Any] = {
        "offset": round(start_s + first, 6),
        "text": " ".join(note.syllable or note.lyric for note in phrase.notes),
        "ph_seq": " ".join([_SILENCE, *(one.symbol for one in phrase.phonemes), _SILENCE]),
        "ph_dur": _joined(lengths, 6),
        "ph_num": " ".join(map(str, _counts(phrase))),
        "note_seq": " ".join(names),
        "note_dur": _joined(notes, 6),
        "note_slur": " ".join(slurs),
        "input_type": "phoneme",
    }
    if phrase.pitch is not None:
        hertz = [440 * 2 ** ((float(value) - 69) / 12) for value in phrase.pitch]
        segment |= {"f0_seq": _joined(hertz, 1), "f0_timestep": f"{frame_s:.9g}"}
    for name, curve in (phrase.variance or {}).items():
        segment |= {name: _joined(curve.tolist(), 3), f"{name}_timestep": f"{frame_s:.9g}"}
    return segment


def _counts(phrase: Phrase) -> list[int]:
    """Return the phonemes of each word: the silence with the first consonants, each group, the silence at the end."""
    edges = [*(group.first for group in phrase.groups), len(phrase.phonemes)]
    counts = [stop - start for start, stop in itertools.pairwise(edges)]
    return [1 + counts[0], *counts[1:], 1]


def _notes(phrase: Phrase, first: float, last: float, pad_s: float) -> tuple[list[str], list[float], list[str]]:
    """Return names, seconds and slurs: a note a group, and slurred ones where its vowel is held on other notes."""
    anchors = [group.start_s for group in phrase.groups[1:]]
    names, lengths, slurs = ["rest"], [(anchors[0] if anchors else last - pad_s) - first], ["0"]
    for index, group in enumerate(phrase.groups[1:]):
        end = anchors[index + 1] if index + 1 < len(anchors) else last - pad_s
        is_rest = phrase.phonemes[group.first].role in ("rest", "breath")
        inside = [] if is_rest else [note for note in phrase.notes if group.start_s + 1e-6 < note.start_s < end - 1e-6]
        starts = [group.start_s, *(note.start_s for note in inside), end]
        tones = [group.midi, *(note.midi for note in inside)]
        for place, midi in enumerate(tones):
            names.append("rest" if is_rest else _name(midi))
            lengths.append(starts[place + 1] - starts[place])
            slurs.append("1" if place else "0")
    return [*names, "rest"], [*lengths, pad_s], [*slurs, "0"]


def _name(midi: float) -> str:
    key = round(midi)
    cents = round((midi - key) * 100)
    return f"{_NAMES[key % 12]}{key // 12 - 1}" + (f"{cents:+d}" if cents else "")


def _joined(values: Sequence[float], digits: int) -> str:
    return " ".join(f"{value:.{digits}f}" for value in values)
