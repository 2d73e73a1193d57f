"""The held-out songs: a compact text form, one file a language in songs/, and the MusicXML made of it.

song: Honey
tempo: 104
unit: 1
words: common            or made-up

Put the ket-tle on       words, syllables parted by hyphens; kana fall into morae by themselves
g4 g4:1/2 a4~b4 d5 r:2   a token for each syllable, its notes joined by ~; r: the rest that ends the line
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from xml.sax.saxutils import escape

FOLDER = Path(__file__).parent / "songs"
DIVISIONS = 24
_STEPS = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}
_SHARPS = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
_TOKEN = re.compile(r"([a-g])([#b]?)(\d)(?::(\d+(?:/\d+)?))?|r:(\d+(?:/\d+)?)")
_JOINED_KANA = re.compile(r"[ぁ-ゖァ-ヺ][ゃゅょぁぃぅぇぉャュョァィゥェォ]?[っッー]*")
_WORDS = ("common", "made-up")


@dataclass(frozen=True)
class Tone:
    """A written note: MIDI note number and quarters."""

    midi: int
    quarters: Fraction


@dataclass(frozen=True)
class Syllable:
    """What is sung on one note, or on several as a melisma."""

    text: str
    syllabic: str
    """As in MusicXML: single, begin, middle, end."""
    tones: tuple[Tone, ...]


@dataclass(frozen=True)
class Line:
    """A line of a song, judged by itself: its words as written, its syllables, and the rest after it in quarters."""

    text: str
    syllables: tuple[Syllable, ...]
    rest: Fraction

    @property
    def words(self) -> tuple[tuple[str, ...], ...]:
        """The syllables, word by word."""
        return tuple(syllables_of(word) for word in self.text.split())


@dataclass(frozen=True)
class HeldOutSong:
    """One song."""

    title: str
    language: str
    tempo: int
    made_up: bool
    lines: tuple[Line, ...]

    @property
    def span(self) -> tuple[int, int]:
        """The lowest and the highest note."""
        notes = [tone.midi for line in self.lines for syllable in line.syllables for tone in syllable.tones]
        return min(notes), max(notes)

    def line_alone(self, number: int) -> HeldOutSong:
        """Return a song of one line."""
        return replace(self, lines=(self.lines[number],))


def languages() -> list[str]:
    """Return the languages that have songs."""
    return sorted(path.stem for path in FOLDER.glob("*.txt"))


def load_songs(language: str) -> list[HeldOutSong]:
    """Return the songs of a language. Raises FileNotFoundError, or ValueError naming file and line."""
    path = FOLDER / f"{language}.txt"
    return parse_songs(path.read_text(encoding="utf-8"), language, path.name)


def parse_songs(text: str, language: str, name: str) -> list[HeldOutSong]:
    """Read songs in the compact form. Raises ValueError naming file, line and what is wrong there."""
    songs: list[HeldOutSong] = []
    facts: dict[str, str] = {}
    lines: list[Line] = []
    words = ""
    for number, row in enumerate([*text.splitlines(), "song: end"], start=1):
        row = row.strip()
        key, colon, value = row.partition(": ")
        if not row or row.startswith("#"):
            continue
        try:
            if colon and key in ("song", "tempo", "unit", "words"):
                if key == "song":
                    if words:
                        raise ValueError(f"{words!r} has no melody")
                    if lines:
                        songs.append(_song(facts, language, lines))
                    facts, lines = {}, []
                facts[key] = value.strip()
            elif not words:
                words = row
            else:
                lines.append(_line(words, row, Fraction(facts["unit"])))
                words = ""
        except (ValueError, KeyError) as error:
            raise ValueError(f"{name}, line {number}: {error}") from error
    return songs


def _song(facts: dict[str, str], language: str, lines: list[Line]) -> HeldOutSong:
    if facts["words"] not in _WORDS:
        raise ValueError(f"words are {' or '.join(_WORDS)}, not {facts['words']!r}")
    return HeldOutSong(facts["song"], language, int(facts["tempo"]), facts["words"] == "made-up", tuple(lines))


def _line(words: str, melody: str, unit: Fraction) -> Line:
    tokens = melody.split()
    rest = Fraction(0)
    if tokens and tokens[-1].startswith("r:"):
        rest = _read(tokens.pop(), unit).quarters
    texts = [(text, kind) for word in words.split() for text, kind in _with_syllabic(syllables_of(word))]
    if len(texts) != len(tokens):
        raise ValueError(f"{len(texts)} syllables have {len(tokens)} tokens of melody")
    syllables = [
        Syllable(text, kind, tuple(_read(part, unit) for part in token.split("~")))
        for (text, kind), token in zip(texts, tokens, strict=True)
    ]
    return Line(words, tuple(syllables), rest)


def _read(token: str, unit: Fraction) -> Tone:
    """Return a token's note; a rest has no midi (-1)."""
    found = _TOKEN.fullmatch(token)
    if found is None:
        raise ValueError(f"{token!r} is no note (e4, f#4:1/2) and no rest (r:2)")
    step, sign, octave, length, rest = found.groups()
    if rest:
        return Tone(-1, Fraction(rest))
    midi = 12 * (int(octave) + 1) + _STEPS[step] + {"#": 1, "b": -1, "": 0}[sign]
    return Tone(midi, Fraction(length) if length else unit)


def syllables_of(word: str) -> tuple[str, ...]:
    """Return a word's syllables: parted by hyphens, or kana by mora (っ and ー stay with what they follow)."""
    kana = _JOINED_KANA.findall(word)
    return tuple(kana) if "".join(kana) == word else tuple(word.split("-"))


def _with_syllabic(syllables: tuple[str, ...]) -> list[tuple[str, str]]:
    if len(syllables) == 1:
        return [(syllables[0], "single")]
    kinds = ["begin", *["middle"] * (len(syllables) - 2), "end"]
    return list(zip(syllables, kinds, strict=True))


def plain(text: str) -> str:
    """Return a text's letters alone, small, as they are compared with corpus texts."""
    return "".join(letter for letter in unicodedata.normalize("NFKC", text).lower() if letter.isalpha())


def to_musicxml(song: HeldOutSong) -> str:
    """Return a song as MusicXML: a measure for each line, its time signature the line's length."""
    measures = "\n".join(_measure(song, number) for number in range(len(song.lines)))
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n<score-partwise version="4.0">\n'
        f"<work><work-title>{escape(song.title)}</work-title></work>\n"
        '<part-list><score-part id="P1"><part-name>Voice</part-name></score-part></part-list>\n'
        f'<part id="P1">\n{measures}\n</part>\n</score-partwise>\n'
    )


def _measure(song: HeldOutSong, number: int) -> str:
    line = song.lines[number]
    quarters = line.rest + sum(tone.quarters for syllable in line.syllables for tone in syllable.tones)
    beats = quarters * 2
    if beats.denominator != 1:
        raise ValueError(f"{line.text!r} lasts {quarters} quarters, no whole number of eighths")
    head = f"<divisions>{DIVISIONS}</divisions>" if number == 0 else ""
    time = f"<time><beats>{beats}</beats><beat-type>8</beat-type></time>"
    tempo = f'<direction><sound tempo="{song.tempo}"/></direction>' if number == 0 else ""
    notes = "".join(_notes(syllable, song.language) for syllable in line.syllables)
    if line.rest:
        notes += f"<note><rest/><duration>{line.rest * DIVISIONS}</duration></note>"
    return f'<measure number="{number + 1}"><attributes>{head}{time}</attributes>{tempo}{notes}</measure>'


def _notes(syllable: Syllable, language: str) -> str:
    written = []
    for place, tone in enumerate(syllable.tones):
        step, octave = _SHARPS[tone.midi % 12], tone.midi // 12 - 1
        alter = "<alter>1</alter>" if step.endswith("#") else ""
        lyric = (
            f'<lyric xml:lang="{language}"><syllabic>{syllable.syllabic}</syllabic>'
            f"<text>{escape(syllable.text)}</text></lyric>"
        )
        written.append(
            f"<note><pitch><step>{step[0]}</step>{alter}<octave>{octave}</octave></pitch>"
            f"<duration>{tone.quarters * DIVISIONS}</duration>{lyric if place == 0 else ''}</note>"
        )
    return "".join(written)
