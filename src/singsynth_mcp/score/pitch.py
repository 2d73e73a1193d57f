"""Note names ↔ MIDI note numbers (C4 = 60, A4 = 69)."""

from __future__ import annotations

import re

from singsynth_mcp.errors import InvalidRequest

_NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
_SEMITONES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_ALTERATIONS = {"#": 1, "♯": 1, "b": -1, "♭": -1}
_NAME = re.compile(r"\s*([A-Ga-g])([#♯b♭]*)(-?\d{1,2})\s*")


def pitch_name(midi: float) -> str:
    """Return a name such as "C#4", with cents for a pitch between keys: "A4+50"."""
    key = round(midi)
    cents = round((midi - key) * 100)
    return f"{_NAMES[key % 12]}{key // 12 - 1}" + (f"{cents:+d}" if cents else "")


def midi_of(pitch: str | float) -> float:
    """Return the MIDI note number of a name or a number. Raises InvalidRequest."""
    if isinstance(pitch, str):
        match = _NAME.fullmatch(pitch)
        if match is None:
            raise InvalidRequest(f'"{pitch}" is no pitch', hint="Write C4, F#4, Bb3, or a MIDI note number such as 60")
        step, alterations, octave = match.groups()
        pitch = _SEMITONES[step.upper()] + sum(_ALTERATIONS[sign] for sign in alterations) + 12 * (int(octave) + 1)
    if not 0 <= pitch <= 127:
        raise InvalidRequest(f"The pitch {pitch:g} is outside MIDI's 0 to 127", hint="A voice sings about 36 to 96")
    return float(pitch)
