"""ABC's information fields: key, meter, unit length, tempo, voice."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fractions import Fraction

_FIFTHS = {"F": -1, "C": 0, "G": 1, "D": 2, "A": 3, "E": 4, "B": 5}
_SHARPS = "FCGDAEB"
_MODES = {"maj": 0, "ion": 0, "mix": -1, "dor": -2, "min": -3, "m": -3, "aeo": -3, "phr": -4, "loc": -5, "lyd": 1}
_KEY = re.compile(r"\s*([A-G])([#b]?)\s*(?:(maj|ion|mix|dor|min|aeo|phr|loc|lyd)[a-z]*|(m)(?![a-z]))?", re.IGNORECASE)
_ACCIDENTAL = re.compile(r"(?:^|\s)(\^\^|\^|__|_|=)([A-Ga-g])(?=\s|$)")
_ATTRIBUTE = re.compile(r'([a-z]+)=("[^"]*"|[^\s"]+)', re.IGNORECASE)
_FRACTION = re.compile(r"(\d{1,4})\s*/\s*(\d{1,4})")
_QUOTED = re.compile(r'"([^"]*)"')
ALTERATIONS = {"^^": 2.0, "^/": 0.5, "^": 1.0, "=": 0.0, "_": -1.0, "_/": -0.5, "__": -2.0}
_MOST_BEATS = 256


@dataclass
class VoiceState:
    """What the fields say to one voice."""

    key: dict[str, float] = field(default_factory=dict)
    """Alteration of each letter A to G that has one."""
    beats: int = 4
    beat_type: int = 4
    unit: Fraction | None = None
    """Of a whole note; None: by the meter."""
    shift: int = 0
    """Semitones: octave, transpose and clefs with an 8."""

    @property
    def unit_quarters(self) -> Fraction:
        """Quarters of a note without a length: an eighth, a sixteenth in meters under 3/4."""
        if self.unit is not None:
            return self.unit * 4
        return Fraction(1, 2) if Fraction(self.beats, self.beat_type) >= Fraction(3, 4) else Fraction(1, 4)

    @property
    def is_compound(self) -> bool:
        """6/8, 9/8, 12/8."""
        return self.beat_type >= 8 and self.beats % 3 == 0 and self.beats > 3


def set_key(state: VoiceState, text: str) -> None:
    """Read a K: field: tonic and mode, explicit accidentals, clef and transposition."""
    set_attributes(state, text)
    bare = _ATTRIBUTE.sub(" ", text)
    match = _KEY.match(bare)
    if match and not bare.strip().startswith("HP"):
        mode = (match[3] or match[4] or "maj").lower()
        tonic = _FIFTHS[match[1].upper()] + {"#": 7, "b": -7, "": 0}[match[2]]
        state.key = _signature(tonic + _MODES[mode])
    elif bare.strip().lower().startswith("hp"):
        state.key = {"F": 1.0, "C": 1.0}
    elif bare.strip().lower().startswith("none"):
        state.key = {}
    for sign, letter in _ACCIDENTAL.findall(bare):
        state.key[letter.upper()] = ALTERATIONS[sign]


def _signature(fifths: int) -> dict[str, float]:
    count = min(abs(fifths), 7)
    return dict.fromkeys(_SHARPS[:count], 1.0) if fifths > 0 else dict.fromkeys(_SHARPS[7 - count :], -1.0)


def set_meter(state: VoiceState, text: str) -> None:
    """Read an M: field: "3/4", "C", "C|", "2+3/8". Raises ValueError for a meter that is none."""
    text = text.strip()
    if text in ("C", "C|"):
        state.beats, state.beat_type = (4, 4) if text == "C" else (2, 2)
    elif text and text.lower() != "none":
        match = re.fullmatch(r"\(?((?:\d{1,3}\s*\+\s*)*\d{1,3})\)?\s*/\s*(\d{1,3})", text)
        beats, unit = (sum(int(part) for part in match[1].split("+")), int(match[2])) if match else (0, 0)
        if not (0 < beats <= _MOST_BEATS and 0 < unit <= _MOST_BEATS):
            raise ValueError(f'"{text}" is no meter: write M:3/4')
        state.beats, state.beat_type = beats, unit


def set_unit(state: VoiceState, text: str) -> None:
    """Read an L: field. Raises ValueError."""
    match = _FRACTION.fullmatch(text.strip())
    if text.strip() == "1":
        state.unit = Fraction(1)
    elif match and int(match[1]) and int(match[2]):
        state.unit = Fraction(int(match[1]), int(match[2]))
    else:
        raise ValueError(f'"{text.strip()}" is no unit length: write L:1/8')


def set_attributes(state: VoiceState, text: str) -> dict[str, str]:
    """Read the attributes of a K: or V: field (clef, octave, transpose, name) and return them."""
    found = {key.lower(): value.strip('"') for key, value in _ATTRIBUTE.findall(text)}
    clef = found.get("clef", "")
    octaves = 1 if clef.endswith("+8") else -1 if clef.endswith("-8") else 0
    octave = found.get("octave", "0")
    transpose = found.get("transpose", "0")
    if re.fullmatch(r"[+-]?\d", octave):
        octaves += int(octave)
    if re.fullmatch(r"[+-]?\d{1,2}", transpose) or octaves or clef:
        state.shift = 12 * octaves + (int(transpose) if re.fullmatch(r"[+-]?\d{1,2}", transpose) else 0)
    return found


def tempo_of(text: str, state: VoiceState) -> tuple[float | None, str]:
    """Return quarters per minute (None: words alone) and the words of a Q: field: "1/4=120", "120", "Allegro"."""
    words = " ".join(_QUOTED.findall(text))
    bare = _QUOTED.sub(" ", text)
    beats, equals, rate = bare.partition("=")
    number = re.search(r"\d{1,4}(?:\.\d{1,3})?", rate if equals else bare)
    if number is None:
        return None, words
    unit = sum(
        (Fraction(int(top), int(bottom)) for top, bottom in _FRACTION.findall(beats) if int(bottom)), Fraction(0)
    )
    quarters = unit * 4 if equals and unit else state.unit_quarters if equals else Fraction(1)
    return float(number[0]) * float(quarters), words
