"""A word in the symbols of a voicebank: what is said, spelled with what there is, and cut into its syllables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from singsynth_mcp.lyrics.g2p import Spoken
from singsynth_mcp.lyrics.inventory import Inventory
from singsynth_mcp.lyrics.model import NoteKey, Source, Substitution, Symbol, Word
from singsynth_mcp.lyrics.sounds import Sound, in_syllables


@dataclass(frozen=True)
class Reading:
    """The phonemes of a word and who read it; see Word for the fields."""

    symbols: tuple[Symbol, ...]
    source: Source
    syllables: tuple[int, ...] = ()
    substitutions: tuple[Substitution, ...] = ()
    others: tuple[str, ...] = ()

    def word(self, text: str, language: str, notes: Sequence[NoteKey] = ()) -> Word:
        """Return the word that was read."""
        return Word(
            text, language, self.source, self.symbols, tuple(notes), self.syllables, self.substitutions, self.others
        )


def spelled(spoken: Spoken, language: str, inventory: Inventory) -> Reading | None:
    """Return what is said in the voicebank's symbols; None where it has none for a sound."""
    symbols: list[Symbol] = []
    starts: list[int] = []
    substitutions: dict[Substitution, None] = {}
    for syllable in spoken.syllables:
        spelling = inventory.spell(syllable)
        if spelling is None:
            return None
        starts.append(len(symbols))
        symbols += spelling.symbols
        substitutions |= dict.fromkeys(spelling.substitutions)
    others = dict.fromkeys(_hint(sounds, language, inventory) for sounds in spoken.others)
    others.pop(_hint_of(symbols, language), None)
    return Reading(tuple(symbols), spoken.source, tuple(starts), tuple(substitutions), tuple(filter(None, others)))


def cut(reading: Reading, language: str, inventory: Inventory) -> Reading:
    """Return a reading with its syllables by maximal onset; Japanese morae are told by their vowels."""
    if language == "ja":
        return reading
    sounds = []
    for symbol in reading.symbols:
        sound = inventory.sound_of(symbol.symbol)
        carries = symbol.role != "consonant"
        sounds.append(sound if sound and sound.is_nucleus == carries else Sound(("a",) if carries else ("t",)))
    starts = [0]
    for syllable in in_syllables(sounds, language)[:-1]:
        starts.append(starts[-1] + len(syllable))
    return replace(reading, syllables=tuple(starts))


def _hint(sounds: Sequence[Sound], language: str, inventory: Inventory) -> str:
    spelling = inventory.spell(tuple(sounds))
    return _hint_of(spelling.symbols, language) if spelling else ""


def _hint_of(symbols: Sequence[Symbol], language: str) -> str:
    """Return symbols as a hint, without the prefix of the word's own language."""
    return " ".join(symbol.symbol.removeprefix(f"{language}/") for symbol in symbols)
