"""Which phonemes each note sings: words cut at their vowels, one syllable a note."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from itertools import pairwise

from singsynth_mcp.lyrics.foreign import warning
from singsynth_mcp.lyrics.model import NoteKey, Symbol, Word
from singsynth_mcp.lyrics.words import HELD, NEXT_SYLLABLE
from singsynth_mcp.performance.phrases import is_rest
from singsynth_mcp.score.model import PlayedNote, ScoreWarning

CONTINUATION = "+~"
"""The lyric of a note that holds the vowel before (OpenUtau's)."""


@dataclass(frozen=True)
class SungNote:
    """A played note with what it sings."""

    played: PlayedNote
    symbols: tuple[Symbol, ...]
    """Empty on a note that holds the vowel before."""
    onset: int
    """Index of the symbol that starts on the note's written onset: its first vowel, or the glide before it."""
    starts_word: bool
    lyric: str

    @property
    def end_s(self) -> float:
        """Written end in seconds of the song."""
        return self.played.start_s + self.played.duration_s


def sung_notes(
    notes: Sequence[PlayedNote], words: Sequence[Word], glides: Set[str], part: str
) -> tuple[list[SungNote], list[ScoreWarning]]:
    """Return the notes that sound, and a warning for each that has no lyric and no vowel to hold.

    A note without lyric holds the vowel before it; after a breath mark the vowel starts again.
    """
    by_note, starts = _assign(words)
    sung: list[SungNote] = []
    warnings: list[ScoreWarning] = []
    for note in notes:
        key = (note.note_id, note.pass_number)
        symbols = by_note.get(key)
        before = sung[-1] if sung and not is_rest(note.start_s - sung[-1].end_s) else None
        if symbols:
            text = note.lyric.text if note.lyric else CONTINUATION
            sung.append(SungNote(note, symbols, onset_of(symbols, glides), key in starts, text))
        elif key in starts:
            continue  # A word that nobody could read: phonemize has said so.
        elif before is None:
            message = "a note has no lyric and follows no sung note: it stays silent"
            warnings.append(warning("no_lyric", message, part, note))
        else:
            if note.lyric is not None and note.lyric.text not in (*HELD, NEXT_SYLLABLE):
                _add_to_word(sung, note.lyric.text)
            sung.append(_held(note, sung, before))
    return sung, warnings


def _add_to_word(sung: list[SungNote], text: str) -> None:
    """Put a syllable for which its word has no vowel left to the one before it, where that goes on."""
    last = next((i for i in range(len(sung) - 1, -1, -1) if sung[i].lyric != CONTINUATION), None)
    if last is not None and sung[last].lyric.endswith("-"):
        sung[last] = replace(sung[last], lyric=sung[last].lyric.removesuffix("-") + text)


def _held(note: PlayedNote, sung: Sequence[SungNote], before: SungNote) -> SungNote:
    vowels = [symbol for earlier in reversed(sung[-8:]) for symbol in reversed(earlier.symbols)]
    vowel = next((symbol for symbol in vowels if symbol.role == "vowel"), None)
    again = (vowel,) if vowel and before.played.breath_mark else ()
    return SungNote(note, again, 0, False, CONTINUATION)


def _assign(words: Sequence[Word]) -> tuple[dict[NoteKey, tuple[Symbol, ...]], set[NoteKey]]:
    """Return the symbols of each note that a word names, and the notes on which words start."""
    by_note: dict[NoteKey, tuple[Symbol, ...]] = {}
    starts: set[NoteKey] = set()
    for word in words:
        for key, symbols in zip(word.notes, cut_word(word), strict=True):
            by_note[key] = by_note.get(key, ()) + symbols
        starts.update(word.notes[:1])
    return by_note, starts


def cut_word(word: Word) -> list[tuple[Symbol, ...]]:
    """Return what each note of a word sings: its syllables in order, nothing on notes that are too many."""
    if not word.syllables:
        return cut_syllables(word.phonemes, len(word.notes))
    starts = word.syllables[: len(word.notes)]
    stops = (*starts[1:], len(word.phonemes))
    sung = [word.phonemes[start:stop] for start, stop in zip(starts, stops, strict=True)]
    return sung + [()] * (len(word.notes) - len(sung))


def cut_syllables(symbols: Sequence[Symbol], count: int) -> list[tuple[Symbol, ...]]:
    """Cut a word's phonemes into `count` syllables, one vowel each.

    A consonant between two vowels opens the second syllable; of a cluster the first stays behind as coda. Syllables
    that are too many crowd the last note; notes that are too many get none and hold the vowel before.
    """
    vowels = [i for i, symbol in enumerate(symbols) if symbol.role != "consonant"]
    cuts = [0]
    for left, right in list(pairwise(vowels))[: max(count - 1, 0)]:
        consonants = right - left - 1
        cuts.append(left + 1 + (1 if consonants > 1 else 0))
    cuts += [len(symbols)] * (count + 1 - len(cuts))
    return [tuple(symbols[start:stop]) for start, stop in pairwise(cuts)]


def onset_of(symbols: Sequence[Symbol], glides: Set[str]) -> int:
    """Return what starts on the beat: the first vowel, or the glide before it in consonant-glide-vowel."""
    vowel = next((i for i, symbol in enumerate(symbols) if symbol.role != "consonant"), None)
    if vowel is None:
        return 0
    return vowel - 1 if vowel >= 2 and symbols[vowel - 1].symbol in glides else vowel
