"""Whether what reads the words that a voicebank's dictionary lacks agrees with that dictionary on those it has.

A reader of the wrong language or accent sings fluently: its phonemes are all in the inventory, and nothing objects.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

_SAMPLE = 40
_ENOUGH_WORDS = 20
_SHORTEST = 3
LEAST_AGREEMENT = 0.35
"""Of a reader that fits about two thirds of the words agree, of a wrong one hardly any."""


def agreement(
    entries: Mapping[str, Sequence[str]],
    listed: Callable[[str], Sequence[str] | None],
    read: Callable[[str], Sequence[str] | None],
) -> float | None:
    """Return the share of a sample of a dictionary's words that are read as they are listed; None for too few words.

    listed and read: word → symbols, None where it has none.
    """
    words = [word for word in entries if len(word) >= _SHORTEST and word.isalpha()]
    sample = [word for word in words[:: max(1, len(words) // _SAMPLE)] if listed(word)]
    if len(sample) < _ENOUGH_WORDS:
        return None
    return sum(listed(word) == read(word) for word in sample) / len(sample)
