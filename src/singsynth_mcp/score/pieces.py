"""A word written whole over several notes → a piece of its spelling for each."""

from __future__ import annotations

import re

_VOWELS = re.compile(r"[aeiouyäöüàáâãåæèéêëìíîïòóôõøœùúûýÿāēīōūаеёиоуыэюя]+", re.IGNORECASE)


def split_word(word: str, count: int) -> list[str]:
    """Return `count` pieces of a word, or as many as it has letters: cut before the consonant that leads to a vowel.

    Readings come from the whole word, so that a cut in the wrong place changes nothing but what is shown.
    """
    count = min(count, len(word))
    starts = [match.start() for match in _VOWELS.finditer(word)]
    cuts = [max(start - 1, 1) if start > 1 else start for start in starts[1:]]
    cuts = [cut for cut in dict.fromkeys(cuts) if 0 < cut < len(word)][: count - 1]
    while len(cuts) < count - 1:
        edges = [0, *cuts, len(word)]
        widest = max(range(len(edges) - 1), key=lambda index: edges[index + 1] - edges[index])
        cuts = sorted({*cuts, edges[widest] + max((edges[widest + 1] - edges[widest]) // 2, 1)})
    return [word[start:end] for start, end in zip([0, *cuts], [*cuts, len(word)], strict=True)]
