"""<note> elements → what singing needs from them."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fractions import Fraction
from functools import lru_cache
from xml.etree.ElementTree import Element

from singsynth_mcp.score.model import Articulation

_DECIMAL = re.compile(r"\s*[+-]?\d{1,15}(\.\d{0,15})?\s*")
_SEMITONES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}


@dataclass(slots=True)
class NoteContent:
    """What the children of a <note> say."""

    chord: bool = False
    rest: bool = False
    grace: bool = False
    cue: bool = False
    unpitched: bool = False
    midi: float | None = None
    duration: str = "0"
    voice: str = "1"
    staff: int = 1
    tie_start: bool = False
    tie_stop: bool = False
    slurs: list[tuple[str, str]] = field(default_factory=list)
    """(number, "start" | "stop" | "continue")."""
    breath_mark: bool = False
    fermata: bool = False
    articulations: set[Articulation] = field(default_factory=set)
    ornament: str = ""
    dynamics: Element | None = None
    lyrics: list[Element] = field(default_factory=list)


_ARTICULATIONS: dict[str, Articulation] = {
    "staccato": "staccato", "staccatissimo": "staccato", "spiccato": "staccato", "tenuto": "tenuto",
    "detached-legato": "tenuto", "accent": "accent", "strong-accent": "accent", "soft-accent": "accent",
    "stress": "accent",
}  # fmt: skip
_PLAIN = ("accidental-mark", "wavy-line", "other-ornament", "tremolo")
_FLAGS = frozenset({"chord", "rest", "grace", "cue", "unpitched"})


def read_note(element: Element) -> NoteContent:
    """Collect what singing needs from a <note>. Raises ValueError for numbers that are none."""
    content = NoteContent()
    for child in element:
        tag = child.tag
        if tag == "pitch":
            content.midi = _midi(child)
        elif tag == "duration":
            content.duration = child.text or "0"
        elif tag == "voice":
            content.voice = (child.text or "1").strip()
        elif tag == "staff":
            content.staff = int(child.text or 1)
        elif tag == "tie":
            _set_tie(content, child.get("type"))
        elif tag == "lyric":
            content.lyrics.append(child)
        elif tag == "notations":
            _read_notations(content, child)
        elif tag in _FLAGS:
            setattr(content, tag, True)
    return content


@lru_cache(maxsize=1024)
def decimal(text: str) -> Fraction:
    """Return a plain decimal number exactly. Raises ValueError, for an exponent too: it could name a huge number."""
    if not _DECIMAL.fullmatch(text):
        raise ValueError(f'the number "{text[:30]}"')
    return Fraction(text.strip())


def _midi(pitch: Element) -> float:
    step = (pitch.findtext("step") or "").strip().upper()
    if step not in _SEMITONES:
        raise ValueError(f'the pitch step "{step}"')
    alter = float(decimal(pitch.findtext("alter") or "0"))
    return _SEMITONES[step] + alter + 12 * (int(pitch.findtext("octave") or "") + 1)


def _set_tie(content: NoteContent, kind: str | None) -> None:
    if kind == "start":
        content.tie_start = True
    elif kind == "stop":
        content.tie_stop = True


def _read_notations(content: NoteContent, notations: Element) -> None:
    for child in notations:
        tag = child.tag
        if tag == "slur":
            content.slurs.append((child.get("number", "1"), child.get("type", "")))
        elif tag == "tied":
            _set_tie(content, child.get("type"))
        elif tag == "fermata":
            content.fermata = True
        elif tag == "articulations":
            for mark in child:
                content.breath_mark |= mark.tag in ("breath-mark", "caesura")
                if articulation := _ARTICULATIONS.get(mark.tag):
                    content.articulations.add(articulation)
        elif tag == "ornaments":
            content.ornament = next((mark.tag for mark in child if mark.tag not in _PLAIN), "")
        elif tag == "dynamics":
            content.dynamics = child
