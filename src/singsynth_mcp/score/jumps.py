"""D.C., D.S., Fine and Coda told in words and signs alone, for files whose writer gave playback no jumps."""

from __future__ import annotations

import re
from collections.abc import Sequence

from singsynth_mcp.score.bars import Bar

CODA_SIGN = "\N{MUSICAL SYMBOL CODA}"
_DA_CAPO = re.compile(r"\bD\.?\s?C\b|\bda\s+capo\b", re.IGNORECASE)
_DAL_SEGNO = re.compile(r"\bD\.?\s?S\b|\bdal\s+segno\b", re.IGNORECASE)
_TO_CODA = re.compile(r"^\W*to\s+coda\W*$", re.IGNORECASE)
_CODA = re.compile(r"^\W*coda\W*$", re.IGNORECASE)
_FINE = re.compile(r"^\W*fine\W*$", re.IGNORECASE)


def read_jumps_from_words(bars: Sequence[Bar]) -> None:
    """Set the bars' jumps from their words, unless some bar has a jump already."""
    if any(bar.jump or bar.fine or bar.coda or bar.to_coda for bar in bars):
        return
    jumps = False
    for bar in bars:
        text = " ".join(" ".join(text for _, text in bar.words).split())
        if _DA_CAPO.search(text) or _DAL_SEGNO.search(text):
            bar.jump = "da_capo" if _DA_CAPO.search(text) else "dal_segno"
            jumps = True
        for _, words in bar.words:
            bar.fine |= bool(_FINE.match(words))
            bar.to_coda |= bool(_TO_CODA.match(words))
    if jumps:
        _place_coda(bars)
    else:
        for bar in bars:
            bar.to_coda = False


def _place_coda(bars: Sequence[Bar]) -> None:
    """Where a coda begins: at the last coda sign or the word "Coda" after the place that is left for it."""
    signs = [bar for bar in bars if any(words == CODA_SIGN or _CODA.match(words) for _, words in bar.words)]
    leaving = next((bar for bar in bars if bar.to_coda), None)
    if leaving is None and len(signs) >= 2:
        leaving = signs[0]
        leaving.to_coda = True
    if signs and leaving is not None and signs[-1] is not leaving:
        signs[-1].coda = True
