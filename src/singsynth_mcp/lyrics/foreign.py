"""What is sung with other phonemes than its own: one warning a language that names the substitutions."""

from __future__ import annotations

from dataclasses import dataclass, field

from singsynth_mcp.lyrics.model import Word
from singsynth_mcp.score.model import PlayedNote, ScoreWarning
from singsynth_mcp.voicebanks import Voicebank

_SHOWN = 6


@dataclass
class _Language:
    first: PlayedNote | None
    words: int = 0
    distances: dict[tuple[str, str], float] = field(default_factory=dict)
    """(sound, symbol) → how far they are apart."""


class ForeignWords:
    """Collects the words that a voicebank sings with the nearest of its phonemes."""

    def __init__(self, bank: Voicebank) -> None:
        self._bank = bank
        self._languages: dict[str, _Language] = {}

    def note(self, word: Word, at: PlayedNote | None = None) -> None:
        """Look at a word that was read."""
        if word.phonemes and word.source != "hint" and (word.substitutions or not self._bank.sings(word.language)):
            seen = self._languages.setdefault(word.language, _Language(at))
            seen.words += 1
            seen.distances |= {(one.sound, one.symbol): one.distance for one in word.substitutions}

    def warnings(self, part: str | None) -> list[ScoreWarning]:
        """Return one warning for each language, at its first word."""
        return [self._warning(language, seen, part) for language, seen in self._languages.items()]

    def _warning(self, language: str, seen: _Language, part: str | None) -> ScoreWarning:
        farthest = sorted(seen.distances.items(), key=lambda item: (-item[1], item[0]))
        shown = [f"{sound} → {symbol or 'nothing'} ({distance:.2f})" for (sound, symbol), distance in farthest]
        listed = ", ".join(shown[:_SHOWN]) + (f" and {len(shown) - _SHOWN} more" if len(shown) > _SHOWN else "")
        words = "1 word is" if seen.words == 1 else f"{seen.words} words are"
        what = f"{words} sung with the nearest of its phonemes" + (f": {listed}" if listed else "")
        if self._bank.sings(language):
            message = f"voicebank {self._bank.id} lacks sounds of {language or 'its language'!r}; {what}"
            return warning("phonemes_substituted", message, part, seen.first)
        message = f"voicebank {self._bank.id} does not sing {language!r}; {what}"
        return warning("language_not_supported", message, part, seen.first)


def warning(code: str, message: str, part: str | None, note: PlayedNote | None) -> ScoreWarning:
    """Return a warning at a played note."""
    if note is None:
        return ScoreWarning(code, message, part)
    return ScoreWarning(code, message, part, note.measure, float(note.beat))
