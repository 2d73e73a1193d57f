"""MIDI note numbers → step, alteration and octave, as the key spells them."""

from __future__ import annotations

from singsynth_mcp.score.keys import scale_of, written_fifths
from singsynth_mcp.score.model import Key

_STEPS = "FCGDAEB"
_NATURALS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}


def spelled(midi: float, key: Key) -> tuple[str, float, int]:
    """Return (step, semitones of alteration, octave): the spelling nearest to the key on the circle of fifths."""
    rounded = int(midi // 1)
    cents = midi - rounded
    fifths = written_fifths(key)
    pitch_class = rounded % 12
    # F is -1 on the circle, C 0, G 1 …; a key's own notes lie from fifths - 1 to fifths + 5.
    place = pitch_class * 7 % 12
    centre = fifths + 2
    place += 12 * round((centre - place) / 12)
    if pitch_class in scale_of(key):
        place += 12 * round((centre - place) / 12)
    step = _STEPS[(place + 1) % 7]
    alter = (place + 1) // 7
    octave = (rounded - alter - _NATURALS[step]) // 12 - 1
    return step, alter + cents, octave
