"""Other phonemes on a note of a phrase, its groups kept as alignment would have made them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from singsynth_mcp.performance.model import Group, Phoneme, Phrase, Role


def with_phonemes(phrase: Phrase, note: int, symbols: Sequence[tuple[str, str, Role]], onset: int) -> Phrase:
    """Return the phrase with `symbols` sung on a note; rests and breaths that belong to it stay.

    onset: index of the symbol that starts on the written onset; those before it belong to the group before.
    """
    first, stop = _sung_span(phrase, note)
    head, tail = phrase.phonemes[:first], phrase.phonemes[stop:]
    sung = [Phoneme(symbol, language, role, note, 0) for symbol, language, role in symbols]
    grown = len(sung) - (stop - first)
    before = [group for group in phrase.groups[1:] if group.first < first]
    after = [replace(group, first=group.first + grown) for group in phrase.groups[1:] if group.first >= stop]
    if first < stop:
        # The note's own group goes; one that opens where an empty span lies is the next note's.
        before = [group for group in before if not first <= group.first < stop]
    own = Group(first + onset, phrase.notes[note].start_s, phrase.notes[note].midi)
    return replace(
        phrase,
        phonemes=tuple(_numbered([*head, *sung, *tail])),
        groups=(phrase.groups[0], *before, own, *after),
    )


def _sung_span(phrase: Phrase, note: int) -> tuple[int, int]:
    """Return where a note's sung phonemes stand; an empty span, where they would, for a held vowel."""
    sung = [
        place
        for place, phoneme in enumerate(phrase.phonemes)
        if phoneme.note == note and phoneme.role not in ("rest", "breath")
    ]
    if sung:
        return sung[0], sung[-1] + 1
    place = sum(phoneme.note < note for phoneme in phrase.phonemes)
    return place, place


def _numbered(phonemes: Sequence[Phoneme]) -> list[Phoneme]:
    counts: dict[int, int] = {}
    numbered = []
    for phoneme in phonemes:
        numbered.append(replace(phoneme, index=counts.get(phoneme.note, 0)))
        counts[phoneme.note] = counts.get(phoneme.note, 0) + 1
    return numbered
