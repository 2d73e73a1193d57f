"""Played notes from a line of text, as the score room hands them over."""

from __future__ import annotations

from fractions import Fraction

from singsynth_mcp.lyrics.alignment import PlacedPhrase, Rendition, align
from singsynth_mcp.lyrics.model import Word
from singsynth_mcp.lyrics.part import read_part
from singsynth_mcp.lyrics.reading import Reader
from singsynth_mcp.lyrics.syllables import sung_notes
from singsynth_mcp.lyrics.timing import time_map
from singsynth_mcp.score.model import Lyric, PlayedNote
from singsynth_mcp.voicebanks import Voicebank

MARKS = ("+", "+~", "+*", "-")
"""Lyrics that go on with the word before."""


def played(text: str, *, tempo: float = 120, start: Fraction | int = 0, midi: float = 60) -> list[PlayedNote]:
    """Return notes for tokens: `か` a quarter, `か:2` of two quarters, `_` a held vowel, `/` a quarter rest (`/:1/2`).

    `か+し` are two syllables on a note, `か'` has a breath mark, `sa- ku-` go on as one word.
    """
    notes: list[PlayedNote] = []
    now = Fraction(start)
    is_open = False
    for token in text.split():
        name, _, length = token.partition(":")
        quarters = Fraction(length or 1)
        if name != "/":
            is_mark = name in MARKS
            goes_on = name.endswith("-") and not is_mark
            syllabic = ("middle" if goes_on else "end") if is_open else ("begin" if goes_on else "single")
            texts = (name,) if is_mark else tuple(name.rstrip("'").rstrip("-").split("+"))
            lyric = None if name.startswith("_") else Lyric(1, texts, syllabic)
            is_open = goes_on if lyric and not is_mark else is_open
            seconds = 60 / tempo
            notes.append(
                PlayedNote(
                    note_id=f"n{len(notes)}",
                    pass_number=1,
                    start_quarters=now,
                    duration_quarters=quarters,
                    start_s=float(now) * seconds,
                    duration_s=float(quarters) * seconds,
                    midi=midi + len(notes) % 5,
                    lyric=lyric,
                    measure=str(int(now // 4) + 1),
                    beat=now % 4 + 1,
                    breath_mark=name.endswith("'"),
                )
            )
        now += quarters
    return notes


def words_of(notes: list[PlayedNote], bank: Voicebank) -> list[Word]:
    return read_part(notes, Reader(bank, "ja", "P1"))


def sing(text: str, bank: Voicebank, *, breaths: bool = True, tempo: float = 120, **line: int) -> list[PlacedPhrase]:
    """Read and align a line."""
    notes = played(text, tempo=tempo, **line)
    sung, _ = sung_notes(notes, words_of(notes, bank), bank.glides, "P1")
    return align(sung, Rendition(time_map(notes), breaths=breaths))


def groups_of(placed: PlacedPhrase) -> list[tuple[float, str]]:
    """Return (start, phonemes without prefix) of each group."""
    phrase = placed.phrase
    stops = [*(group.first for group in phrase.groups[1:]), len(phrase.phonemes)]
    return [
        (group.start_s, " ".join(phoneme.symbol.rpartition("/")[2] for phoneme in phrase.phonemes[group.first : stop]))
        for group, stop in zip(phrase.groups, stops, strict=True)
    ]
