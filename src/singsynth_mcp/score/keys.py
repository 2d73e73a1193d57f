"""Keys: their names, the scale at a position, and what the notes say where the score does not."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from fractions import Fraction

from singsynth_mcp.errors import InvalidRequest
from singsynth_mcp.score.lookup import notes_of
from singsynth_mcp.score.model import Key, Note, Score

_MAJOR = (0, 2, 4, 5, 7, 9, 11)
_FIFTHS = {"F": -1, "C": 0, "G": 1, "D": 2, "A": 3, "E": 4, "B": 5}
_NAMES = ("C", "G", "D", "A", "E", "B", "F#", "C#", "G#", "D#", "A#", "E#", "B#")
_FLATS = ("C", "F", "Bb", "Eb", "Ab", "Db", "Gb", "Cb", "Fb")
_NAME = re.compile(r"\s*([A-Ga-g])\s*([#♯b♭]?)\s*(-?\s*(?:major|maj|minor|min|m|dur|moll))?\s*", re.IGNORECASE)
_MINOR_OFFSET = 3
"""A minor key has the signature of the major key three fifths below its name."""


def key_named(name: str, position: Fraction) -> Key:
    """Return the key of "D", "Bb", "F# minor", "Am". Raises InvalidRequest."""
    match = _NAME.fullmatch(name)
    if match is None:
        raise InvalidRequest(f'"{name[:40]}" is no key', hint="Write D, Bb, F# minor")
    step, sign, mode = match.groups()
    mode = (mode or "").strip(" -")
    minor = mode == "m" or mode.lower() in ("minor", "min", "moll")
    fifths = _FIFTHS[step.upper()] + {"": 0, "#": 7, "♯": 7, "b": -7, "♭": -7}[sign.lower()]
    return Key(position, fifths - (_MINOR_OFFSET if minor else 0), minor)


def key_name(key: Key) -> str:
    """Return "D major", "F# minor"."""
    place = written_fifths(key) + (_MINOR_OFFSET if key.minor else 0)
    name = _NAMES[place] if place >= 0 else _FLATS[-place]
    return f"{name} {'minor' if key.minor else 'major'}"


def written_fifths(key: Key) -> int:
    """Return the sharps or flats (below 0) of the signature, at most 7."""
    return key.fifths if abs(key.fifths) <= 7 else (key.fifths + 6) % 12 - 6


def scale_of(key: Key) -> tuple[int, ...]:
    """Return the pitch classes of a key, sorted."""
    return tuple(sorted((7 * key.fifths + degree) % 12 for degree in _MAJOR))


def key_at(keys: Sequence[Key], position: Fraction) -> Key:
    """Return the key that holds at a position; `keys` are those of `keys_of`."""
    return [keys[0], *(key for key in keys if key.position <= position)][-1]


def keys_of(score: Score) -> tuple[Key, ...]:
    """Return the score's keys, the first at 0: where it names none, the one that its notes fit best."""
    if score.keys and score.keys[0].position <= 0:
        return score.keys
    return (guessed_key(note for _, _, note in notes_of(score)), *score.keys)


def guessed_key(notes: Iterable[Note]) -> Key:
    """Return the major key whose scale holds most of the notes' time, of equals the one with the fewest signs."""
    weights = [0.0] * 12
    last = 0
    for note in notes:
        last = round(note.midi) % 12
        weights[last] += float(note.duration)
    best = max(
        range(-5, 7),
        key=lambda fifths: (
            sum(weights[pitch_class] for pitch_class in scale_of(Key(Fraction(0), fifths))),
            last in (7 * fifths % 12, (7 * fifths + 9) % 12),
            -abs(fifths),
        ),
    )
    return Key(Fraction(0), best)


def moved_in_scale(midi: float, steps: int, key: Key) -> float:
    """Return the pitch so many steps of the scale away; an altered note keeps its distance to the degree below."""
    scale = scale_of(key)
    below = int(midi // 1)
    while below % 12 not in scale:
        below -= 1
    degree = scale.index(below % 12) + steps
    return 12 * (below // 12 + degree // 7) + scale[degree % 7] + midi - below
