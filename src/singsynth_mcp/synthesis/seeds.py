"""Seeds: what noise and drift are drawn from. A phrase's is decided by its music, never by its place in the song."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable

from singsynth_mcp.performance.model import Phrase


def phrase_seed(phrase: Phrase, seed: int) -> int:
    """Return a phrase's own seed, of 63 bits.

    Notes and phonemes count; controls, speakers and what the stages filled do not: an edit of those keeps the take.
    """
    notes = [[note.start_s, note.duration_s, note.midi] for note in phrase.notes]
    phonemes = [phoneme.symbol for phoneme in phrase.phonemes]
    return _digest(["phrase", seed, notes, phonemes, [group.start_s for group in phrase.groups]])


def derived_seed(seed: int, *facts: str | int | Iterable[str]) -> int:
    """Return a seed of 63 bits that differs with every fact."""
    return _digest([seed, *(fact if isinstance(fact, str | int) else list(fact) for fact in facts)])


def _digest(facts: list[object]) -> int:
    text = json.dumps(facts, separators=(",", ":"), ensure_ascii=False)
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1
