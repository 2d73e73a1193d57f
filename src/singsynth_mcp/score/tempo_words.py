"""Tempo in words: what "Andante", "rit.", "più mosso" and "a tempo" mean where no number stands beside them.

Numbers always win. A word for a steady tempo counts until the first number has come: after that, programs write the
number with every tempo they mean. What bends the tempo (a ritardando, "più lento") is kept apart from the tempo map.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Literal

from singsynth_mcp.score.bars import Bar, marked_tempos
from singsynth_mcp.score.findings import Findings
from singsynth_mcp.score.model import Measure, TempoBend

_LONGEST_MEASURES = 4
"""A ritardando that no "a tempo" ends is over after so many measures."""
_STEADY = {
    "grave": 40, "largo": 48, "larghetto": 60, "lento": 54, "adagio": 60, "adagietto": 70, "andante": 76,
    "andantino": 84, "moderato": 96, "allegretto": 112, "allegro": 126, "vivace": 144, "vivo": 144, "presto": 172,
    "prestissimo": 192,
    "langsam": 56, "ruhig": 66, "mäßig": 88, "mässig": 88, "gehend": 84, "bewegt": 108, "lebhaft": 126, "munter": 120,
    "schnell": 144, "rasch": 138,
    "lent": 54, "modéré": 92, "animé": 120, "vif": 144, "vite": 152,
    "slow": 56, "slowly": 56, "moderate": 96, "moderately": 96, "fast": 144, "lively": 132,
}  # fmt: skip
"""Quarters a minute in the middle of what metronomes print beside the word."""
_SLOWING = r"rit(?!\w)|ritard\w*|rall\w*|allarg\w*|slent\w*|calando|morendo|smorz\w*|cédez|céder|ralenti\w*|en retenant|zögernd|nachlassend|verlangsam\w*|slowing"  # noqa: E501
_QUICKENING = r"accel\w*|string(?!\w)|stringendo|stretto|affrett\w*|animando|animez|pressez|serrez|en animant|en pressant|eilend|drängend|beschleunig\w*"  # noqa: E501
_SLOWER = r"meno mosso|meno allegro|pi[uù] lento|pi[uù] largo|plus lent|moins vite|riten(?!\w)|ritenuto|retenu|langsamer|ruhiger|breiter|slower|zurückhaltend"  # noqa: E501
_QUICKER = r"pi[uù] mosso|pi[uù] moto|pi[uù] allegro|pi[uù] vivo|pi[uù] animato|plus vite|plus animé|plus vif|schneller|bewegter|lebhafter|rascher|faster|quicker"  # noqa: E501
_RESTORED = re.compile(
    r"\ba\s+tempo\b|\btempo\s+(i|1|primo)\b|\b1\s*°\s*tempo\b|\bin\s+tempo\b|\bim\s+tempo\b|\berstes\s+(zeitmaß|tempo)\b"
    r"|\bau\s+mouvement\b|\b(1er|premier)\s+mouvement\b|\bmouvement\s+initial\b|^\W*tempo\W*$|\bl'istesso\b",
    re.IGNORECASE,
)
_BENDS = [
    (re.compile(rf"\b(?:{_SLOWING})", re.IGNORECASE), 1.0, 0.78),
    (re.compile(rf"\b(?:{_QUICKENING})", re.IGNORECASE), 1.0, 1.25),
    (re.compile(rf"\b(?:{_SLOWER})", re.IGNORECASE), 0.85, 0.85),
    (re.compile(rf"\b(?:{_QUICKER})", re.IGNORECASE), 1.15, 1.15),
]
_LITTLE = re.compile(r"\b(un\s+)?(poch?ett\w+|poco|peu|etwas|ein\s+wenig|slightly|a\s+little)\b", re.IGNORECASE)
_MUCH = re.compile(r"\b(molto|assai|beaucoup|très|viel|sehr|much)\b", re.IGNORECASE)
_SWING = re.compile(r"^\W*(medium |slow |fast |up |hard |light )*(swing|swung|shuffle)\b", re.IGNORECASE)
_STRAIGHT = re.compile(r"^\W*(straight|even)\s+(eighths|8ths|8)\b|^\W*straight\W*$", re.IGNORECASE)
_FIRST_WORD = re.compile(r"[^\W\d_]+")
_MODIFIERS = frozenset({"molto", "poco", "un", "sehr", "ziemlich", "etwas", "nicht", "zu", "très", "assez", "very"})


@dataclass(frozen=True)
class _Word:
    position: Fraction
    kind: Literal["steady", "restored", "bend"]
    measure: int
    first: float = 1.0
    last: float = 1.0
    """Factors of a bend; a steady tempo's quarters a minute stand in both."""


def steady_tempos(bars: Sequence[Bar], measures: Sequence[Measure], findings: Findings) -> list[tuple[Fraction, float]]:
    """Return (position, quarters per minute) of the words for a steady tempo before the first number."""
    first_number = next((position for position, _, _ in marked_tempos(bars, measures)), None)
    found: list[tuple[Fraction, float]] = []
    for word in _words(bars, measures):
        if first_number is not None and first_number <= word.position:
            break
        if word.kind == "steady":
            number = bars[word.measure].number
            message = f"The tempo stands in words alone: {word.first:g} quarters a minute are taken (or use set_tempo)"
            findings.add("tempo_in_words", message, measure=number)
            # What stands over the first full bar holds for the pickup too.
            found.append((word.position if found or word.measure > 1 else Fraction(0), word.first))
    return found


def bends_of(bars: Sequence[Bar], measures: Sequence[Measure], findings: Findings) -> tuple[TempoBend, ...]:
    """Return what words do to the tempo map, with one warning that lists the measures."""
    numbers = sorted({position for position, _, _ in marked_tempos(bars, measures)})
    words = list(_words(bars, measures))
    # A number in the same measure says what the word means.
    told = {index for index, bar in enumerate(bars) if bar.tempos}
    stops = sorted({*numbers, *(word.position for word in words)})
    next_stop = dict(pairwise([*stops, measures[-1].position + measures[-1].duration]))
    bends: list[TempoBend] = []
    followed: list[str] = []
    for word in words:
        if word.kind != "bend" or word.measure in told:
            continue
        end = next_stop[word.position]
        if word.first == 1.0:
            last = measures[min(word.measure + _LONGEST_MEASURES - 1, len(measures) - 1)]
            end = min(end, last.position + last.duration)
        if end > word.position:
            bends.append(TempoBend(word.position, end, word.first, word.last))
            followed.append(bars[word.measure].number)
    if followed:
        listing = ", ".join(followed[:8]) + (", …" if len(followed) > 8 else "")
        message = f"Tempo changes in words are followed by habit, not by number (measures {listing})"
        findings.add("gradual_tempo", message, measure=followed[0])
    return tuple(bends)


def read_swing(bars: Sequence[Bar]) -> None:
    """Set the swing of bars whose words ask for it: two eighths as a triplet's quarter and eighth."""
    for bar in bars:
        for _, text in bar.words:
            if bar.swing is None and _SWING.search(text):
                bar.swing = Fraction(2, 3)
            elif bar.swing is None and _STRAIGHT.search(text):
                bar.swing = Fraction(1, 2)


def _words(bars: Sequence[Bar], measures: Sequence[Measure]) -> Iterator[_Word]:
    """Yield the tempo words in order; of several of one kind in a measure (voice and piano have one each) the first."""
    for index, (bar, measure) in enumerate(zip(bars, measures, strict=True)):
        seen: set[tuple[str, float]] = set()
        for offset, text in sorted(bar.words, key=lambda words: words[0]):
            word = _word(text, measure.position + min(offset, measure.duration), index)
            if word is not None and (word.kind, word.last) not in seen:
                seen.add((word.kind, word.last))
                yield word


def _word(text: str, position: Fraction, measure: int) -> _Word | None:
    if _RESTORED.search(text):
        return _Word(position, "restored", measure)
    for pattern, first, last in _BENDS:
        if pattern.search(text):
            scale = 0.5 if _LITTLE.search(text) else 1.6 if _MUCH.search(text) else 1.0
            return _Word(position, "bend", measure, 1 + (first - 1) * scale, 1 + (last - 1) * scale)
    words = [word.casefold() for word in _FIRST_WORD.findall(text)[:4]]
    while words and words[0] in _MODIFIERS:
        words.pop(0)
    if words and words[0] in _STEADY:
        tempo = float(_STEADY[words[0]])
        return _Word(position, "steady", measure, tempo, tempo)
    return None
