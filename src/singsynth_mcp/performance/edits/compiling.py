"""A phrase as it was aligned, and its edits → the phrase that the stages predict from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from singsynth_mcp.performance.controls import CONTROLS
from singsynth_mcp.performance.curves import TimeMap, level, spliced
from singsynth_mcp.performance.edits.model import Edit, Lost, alike
from singsynth_mcp.performance.edits.phonemes import with_phonemes
from singsynth_mcp.performance.edits.places import Places
from singsynth_mcp.performance.model import Curve, Nudge, Phrase, Pin, Retake
from singsynth_mcp.performance.phrases import to_grid

_AROUND_S = 1.0
"""A stretch that begins with a phrase's first note, or ends with its last, takes in what sounds around them."""


@dataclass(frozen=True)
class Setting:
    """Where a phrase lies in the song."""

    places: Places
    time_map: TimeMap
    origin_s: float
    frame_s: float
    """Of the acoustic model: no phoneme is pinned shorter."""


@dataclass
class _Draft:
    phrase: Phrase
    boundaries: list[tuple[Edit, int, int, float]] = field(default_factory=list)
    """Edit, note, phoneme of the note, seconds from the phrase's origin."""


def compiled(base: Phrase, edits: Sequence[Edit], setting: Setting) -> tuple[Phrase, list[Lost]]:
    """Return the phrase with its edits, no stage filled, and those that cannot be kept.

    base: as it was aligned. edits: those of any of its notes, in the order in which they were made.
    """
    draft, lost = _Draft(unfilled(base)), list[Lost]()
    for edit in edits:
        reason = _apply(draft, edit, setting)
        if reason is not None:
            lost.append(Lost(edit, reason))
    pins, crowded = _boundary_pins(draft, setting.frame_s)
    return replace(draft.phrase, boundary_pins=pins), lost + crowded


def unfilled(phrase: Phrase) -> Phrase:
    """Return a phrase as it was before its stages ran."""
    return replace(phrase, boundaries_s=None, pitch=None, variance=None)


def with_stages_of(phrase: Phrase, filled: Phrase) -> Phrase:
    """Return a phrase with the stages of an earlier form of it that its edits leave as they were."""
    if any(getattr(phrase, name) != getattr(filled, name) for name in _READ_BY_DURATIONS):
        return phrase
    phrase = replace(phrase, boundaries_s=filled.boundaries_s)
    if not _same(phrase, filled, ("pitch_pins", "nudges"), ("expressiveness", "vibrato"), "pitch"):
        return phrase
    phrase = replace(phrase, pitch=filled.pitch)
    if not _same(phrase, filled, ("variance_pins",), ("tone_shift",), "variance"):
        return phrase
    return replace(phrase, variance=filled.variance)


_READ_BY_DURATIONS = ("notes", "phonemes", "groups", "head_s", "end_s", "speaker", "boundary_pins")


def _same(one: Phrase, other: Phrase, fields: Sequence[str], controls: Sequence[str], stage: Any) -> bool:
    return (
        all(getattr(one, name) == getattr(other, name) for name in fields)
        and all(one.controls.get(name) == other.controls.get(name) for name in controls)
        and one.retakes.get(stage, ()) == other.retakes.get(stage, ())
    )


def _apply(draft: _Draft, edit: Edit, setting: Setting) -> str | None:
    """Apply an edit to the draft. Returns why it cannot be, None where it could."""
    phrase, values = draft.phrase, edit.values
    numbers = _numbers(phrase, edit)
    if edit.operation == "set_phonemes":
        symbols = [(symbol, language, role) for symbol, language, role in values["symbols"]]
        for number in numbers:
            draft.boundaries = [row for row in draft.boundaries if row[1] != number]
            draft.phrase = with_phonemes(draft.phrase, number, symbols, values["onset"])
        return None
    if edit.operation == "move_boundary":
        return _move_boundary(draft, edit, numbers)
    stretches = list(_stretches(phrase, numbers))
    if edit.operation == "nudge_pitch":
        nudges = (Nudge(*stretch, values["cents"] / 100, len(phrase.pitch_pins)) for stretch in stretches)
        draft.phrase = replace(phrase, nudges=(*phrase.nudges, *nudges))
        return None
    if edit.operation == "retake":
        takes = (Retake(*stretch, values["seed"]) for stretch in stretches)
        stage = values["stage"]
        retakes = {**phrase.retakes, stage: (*phrase.retakes.get(stage, ()), *takes)}
        draft.phrase = replace(phrase, retakes=retakes)
        return None
    if setting.places.of(edit.anchor) is None:
        return f"note {edit.anchor.removesuffix('@1')}, from which its curve counts, is gone"
    for stretch in stretches:
        draft.phrase = _with_curves(draft.phrase, edit, stretch, setting)
    return None


def _numbers(phrase: Phrase, edit: Edit) -> list[int]:
    """Return the indices of the phrase's notes that the edit is about."""
    return [number for number, note in enumerate(phrase.notes) if note.key in edit.keys]


def _stretches(phrase: Phrase, numbers: Sequence[int]) -> Iterator[tuple[float, float]]:
    """Yield the seconds that runs of notes take."""
    for place, number in enumerate(numbers):
        if place and numbers[place - 1] == number - 1:
            continue
        last = number
        while last + 1 in numbers:
            last += 1
        end = phrase.notes[last]
        starts = number == 0
        ends = last == len(phrase.notes) - 1
        yield (
            to_grid(-phrase.head_s - _AROUND_S) if starts else phrase.notes[number].start_s,
            to_grid(phrase.end_s + _AROUND_S) if ends else to_grid(end.start_s + end.duration_s),
        )


def _move_boundary(draft: _Draft, edit: Edit, numbers: Sequence[int]) -> str | None:
    symbol, phonemes = edit.values["symbol"], draft.phrase.phonemes
    for number in numbers:
        places = alike(draft.phrase, number, edit.values["role"])[edit.values["phoneme"] :]
        if not places or phonemes[places[0]].symbol != symbol:
            return f"{symbol} is no longer sung there"
        index = phonemes[places[0]].index
        second = to_grid(draft.phrase.notes[number].start_s + edit.values["seconds"])
        draft.boundaries = [row for row in draft.boundaries if row[1:3] != (number, index)]
        draft.boundaries.append((edit, number, index, second))
    return None


def _boundary_pins(draft: _Draft, frame_s: float) -> tuple[tuple[tuple[int, float], ...], list[Lost]]:
    """Return the pinned boundaries that have room beside each other; of two that have not, the later edit counts."""
    phrase = draft.phrase
    places = {(phoneme.note, phoneme.index): place for place, phoneme in enumerate(phrase.phonemes)}
    kept: dict[int, float] = {}
    lost: list[Lost] = []
    for edit, note, index, second in reversed(draft.boundaries):
        place = places[note, index]
        pins = [(0, -phrase.head_s), *sorted(kept.items()), (len(phrase.phonemes), phrase.end_s)]
        before = max(pin for pin in pins if pin[0] <= place)
        after = min(pin for pin in pins if pin[0] > place)
        low, high = before[1] + (place - before[0]) * frame_s, after[1] - (after[0] - place) * frame_s
        if low <= second <= high:
            kept[place] = second
        else:
            from_ms, to_ms = (1000 * (end - phrase.notes[note].start_s) for end in (low, high))
            reason = f"there is room from {from_ms:.0f} to {to_ms:.0f} ms of the note's onset"
            lost.append(Lost(edit, reason if low <= high else "there is no room for it"))
    return tuple(sorted(kept.items())), lost


def _with_curves(phrase: Phrase, edit: Edit, stretch: tuple[float, float], setting: Setting) -> Phrase:
    anchor = setting.places.of(edit.anchor)
    assert anchor is not None, "_apply has looked"

    def in_seconds(curve: Any) -> Curve:
        if not isinstance(curve, list):
            return float(curve)
        seconds = (setting.time_map.to_seconds(anchor.quarter + quarter) - setting.origin_s for quarter, _ in curve)
        return tuple((to_grid(second), float(value)) for second, (_, value) in zip(seconds, curve, strict=True))

    values = edit.values
    if edit.operation == "set_pitch":
        return replace(phrase, pitch_pins=(*phrase.pitch_pins, _pin(in_seconds(values["pitch"]), *stretch)))
    if edit.operation == "set_curve":
        pins = (*phrase.variance_pins.get(values["curve"], ()), _pin(in_seconds(values["value"]), *stretch))
        return replace(phrase, variance_pins={**phrase.variance_pins, values["curve"]: pins})
    if edit.operation == "set_controls":
        pieces = {name: in_seconds(curve) for name, curve in values["controls"].items()}
        neutral = {name: CONTROLS[name].neutral for name in pieces}
        return replace(phrase, controls=_spliced(phrase, phrase.controls, pieces, neutral, stretch))
    pieces = {name: in_seconds(curve) for name, curve in values["speaker"].items()}
    blend = _spliced(phrase, phrase.speaker, dict.fromkeys(phrase.speaker, 0.0) | pieces, {}, stretch)
    return replace(phrase, speaker={name: curve for name, curve in blend.items() if curve != 0.0})


def _pin(curve: Curve, start_s: float, end_s: float) -> Pin:
    points = curve if isinstance(curve, tuple) else ((start_s, curve), (end_s, curve))
    inner = [point for point in points if start_s < point[0] < end_s]
    return ((start_s, level(points, start_s)), *inner, (end_s, level(points, end_s)))


def _spliced(
    phrase: Phrase,
    curves: Mapping[str, Curve],
    pieces: Mapping[str, Curve],
    neutral: Mapping[str, float],
    stretch: tuple[float, float],
) -> dict[str, Curve]:
    made = {
        name: spliced(curves.get(name, neutral.get(name, 0.0)), piece, *stretch, -phrase.head_s, phrase.end_s)
        for name, piece in pieces.items()
    }
    return {**curves, **made}
