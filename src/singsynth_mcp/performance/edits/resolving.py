"""Operations → edits: names and ranges resolved to notes, values checked, relative times made absolute."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from singsynth_mcp.contracts import coaching
from singsynth_mcp.errors import InvalidRequest, StageMissing
from singsynth_mcp.performance.controls import check_controls, check_curve
from singsynth_mcp.performance.edits.model import Edit, Voice, alike, named
from singsynth_mcp.performance.edits.places import Place, Places
from singsynth_mcp.performance.model import Curve, Phrase

_LOWEST, _HIGHEST = 12.0, 120.0
"""MIDI numbers that may be drawn."""
_LEVELS = {"energy": (-96.0, 0.0), "breathiness": (-96.0, 0.0), "voicing": (-96.0, 0.0), "tension": (-10.0, 10.0)}
_DIGITS = 6


class Resolver:
    """Resolves operations on one performance."""

    def __init__(self, places: Places, phrase_of: Callable[[int], Phrase], voice: Voice) -> None:
        """phrase_of: a phrase by its index, as the operations before have left it."""
        self._places = places
        self._phrase_of = phrase_of
        self._voice = voice

    def resolve(self, operation: Any) -> tuple[list[Edit], str]:
        """Return an operation's edits, one for each run of notes, and what it changes in words.

        Raises InvalidRequest, UnknownName, InvalidLyrics, StageMissing.
        """
        if isinstance(operation, coaching.SetPhonemes | coaching.MoveBoundary):
            places = self._places.note(operation.note)
            edits = [self._of_note(operation, place) for place in places]
            return edits, self._told_of_note(operation, edits)
        runs = self._places.runs(operation.where)
        values = self._values(operation)
        edits = [_edit(operation.operation, run, values) for run in runs]
        return edits, f"{_told(operation, values)} {told_runs(runs)}"

    def _of_note(self, operation: Any, place: Place) -> Edit:
        if isinstance(operation, coaching.SetPhonemes):
            symbols, onset = self._voice.symbols(operation.phonemes, operation.language, place.key)
            values: dict[str, Any] = {"symbols": [list(symbol) for symbol in symbols], "onset": onset}
            return _edit("set_phonemes", [place], values)
        if (operation.by_ms is None) == (operation.to_ms is None):
            raise InvalidRequest("give either by_ms or to_ms", hint="by_ms counts from where the phoneme starts now")
        phrase = self._phrase_of(place.phrase)
        own = [number for number, phoneme in enumerate(phrase.phonemes) if phoneme.note == place.index]
        if operation.phoneme >= len(own):
            there = " ".join(phrase.phonemes[number].symbol for number in own) or "none: it holds the vowel before"
            message = f"Note {place.key.removesuffix('@1')} has no phoneme {operation.phoneme}"
            raise InvalidRequest(message, hint=f"Its phonemes, from 0: {there}")
        number = own[operation.phoneme]
        if operation.to_ms is not None:
            seconds = operation.to_ms / 1000
        elif phrase.boundaries_s is None:
            hint = "Call predict_durations first, or give to_ms"
            raise StageMissing(f"phrase {place.phrase + 1} has no durations: by_ms counts from them", hint=hint)
        else:
            onset_s = phrase.notes[place.index].start_s
            seconds = float(phrase.boundaries_s[number]) - onset_s + operation.by_ms / 1000
        meant = phrase.phonemes[number]
        same = alike(phrase, place.index, meant.role)
        values = {"phoneme": same.index(number), "symbol": meant.symbol, "role": meant.role}
        return _edit("move_boundary", [place], values | {"seconds": round(seconds, _DIGITS)})

    def _told_of_note(self, operation: Any, edits: Sequence[Edit]) -> str:
        keys = ", ".join(named(edit.notes[0], edit.notes[0]) for edit in edits)
        if isinstance(operation, coaching.SetPhonemes):
            return f"Sang {' '.join(symbol for symbol, *_ in edits[0].values['symbols'])} on {keys}"
        starts = ", ".join(f"{1000 * edit.values['seconds']:+.0f}" for edit in edits)
        return f"Moved the start of {edits[0].values['symbol']} of {keys} to {starts} ms of the written onset"

    def _values(self, operation: Any) -> dict[str, Any]:
        match operation:
            case coaching.SetPitch():
                drawn = operation.pitch
                curve = self._voice.pitch(drawn) if isinstance(drawn, str) else drawn
                return {"pitch": _listed(check_curve("pitch", curve, _LOWEST, _HIGHEST))}
            case coaching.NudgePitch():
                return {"cents": operation.cents}
            case coaching.SetCurve():
                return {"curve": operation.curve, "value": _listed(_level_curve(operation))}
            case coaching.SetControls():
                return {"controls": {name: _listed(one) for name, one in check_controls(operation.controls).items()}}
            case coaching.SetSpeaker():
                blend = self._voice.speaker(operation.speaker)
                return {"speaker": {name: _listed(curve) for name, curve in blend.items()}}
            case _:
                return {"seed": operation.seed, "stage": operation.stage}


def told_runs(runs: Sequence[Sequence[Place]]) -> str:
    """Return runs of notes as a person reads them."""
    shown = [named(run[0].key, run[-1].key) for run in runs[:4]]
    more = f" and {len(runs) - 4} more places" if len(runs) > 4 else ""
    notes = sum(map(len, runs))
    return f"{', '.join(shown)}{more} ({notes} {'note' if notes == 1 else 'notes'})"


def _edit(operation: str, run: Sequence[Place], values: dict[str, Any]) -> Edit:
    keys = tuple(place.key for place in run)
    return Edit(operation, keys, keys[0], values)


def _told(operation: Any, values: dict[str, Any]) -> str:
    match operation:
        case coaching.SetPitch():
            return "Drew the pitch of"
        case coaching.NudgePitch():
            return f"Moved the pitch by {operation.cents:+g} cents in"
        case coaching.SetCurve():
            return f"Drew {operation.curve} in"
        case coaching.SetControls():
            return f"Set {', '.join(values['controls'])} in"
        case coaching.SetSpeaker():
            return f"Let {', '.join(values['speaker'])} sing"
        case _:
            return f"Took the {operation.stage} once more (seed {operation.seed}) in"


def _listed(curve: Curve) -> Any:
    return [list(point) for point in curve] if isinstance(curve, tuple) else curve


def _level_curve(operation: coaching.SetCurve) -> Curve:
    return check_curve(f"curve {operation.curve}", operation.value, *_LEVELS[operation.curve])
