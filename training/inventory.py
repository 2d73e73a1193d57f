"""The phonemes of the voicebank: symbols, ids, classes and languages, fixed in one place.

Symbols follow the multi-language naming of DiffSinger voicebanks: ``<language>/<name>`` for the
phonemes of a language, bare names for what all languages share (``SP`` silence, ``AP`` breath).
Ids start at 1 (0 is padding) and are only ever appended to: shipped weights depend on them.
"""

from __future__ import annotations

from dataclasses import dataclass

SILENCE = "SP"
BREATH = "AP"

LANGUAGE_IDS: dict[str, int] = {"ja": 1, "en": 2}


@dataclass(frozen=True)
class Phoneme:
    """One symbol of the inventory.

    ``kind`` is a dictionary type of the format (vowel, semivowel, liquid, nasal, stop, affricate,
    fricative); only vowels carry notes. ``voiced`` says how the phoneme is sung.
    """

    symbol: str
    kind: str
    voiced: bool

    @property
    def is_vowel(self) -> bool:
        """Whether the symbol can carry a note (SP and AP count as vowels, as in the format)."""
        return self.kind == "vowel"

    @property
    def is_sonorant(self) -> bool:
        """Whether it is a consonant sung with the voice throughout: nasal, liquid or semivowel."""
        return self.kind in {"nasal", "liquid", "semivowel"}

    @property
    def name(self) -> str:
        """The symbol without its language."""
        return self.symbol.rpartition("/")[2]

    @property
    def language(self) -> str | None:
        """The language before the slash, None for the shared symbols."""
        head, slash, _ = self.symbol.partition("/")
        return head if slash else None


_JAPANESE: tuple[tuple[str, str, bool], ...] = (
    ("a", "vowel", True),
    ("i", "vowel", True),
    ("u", "vowel", True),
    ("e", "vowel", True),
    ("o", "vowel", True),
    ("N", "vowel", True),
    ("cl", "stop", False),
    ("k", "stop", False),
    ("ky", "stop", False),
    ("g", "stop", True),
    ("gy", "stop", True),
    ("s", "fricative", False),
    ("sh", "fricative", False),
    ("z", "fricative", True),
    ("j", "affricate", True),
    ("t", "stop", False),
    ("ty", "stop", False),
    ("ts", "affricate", False),
    ("ch", "affricate", False),
    ("d", "stop", True),
    ("dy", "stop", True),
    ("n", "nasal", True),
    ("ny", "nasal", True),
    ("h", "fricative", False),
    ("hy", "fricative", False),
    ("f", "fricative", False),
    ("b", "stop", True),
    ("by", "stop", True),
    ("p", "stop", False),
    ("py", "stop", False),
    ("m", "nasal", True),
    ("my", "nasal", True),
    ("y", "semivowel", True),
    ("r", "liquid", True),
    ("ry", "liquid", True),
    ("w", "semivowel", True),
    ("v", "fricative", True),
)

_ENGLISH: tuple[tuple[str, str, bool], ...] = (
    ("aa", "vowel", True),
    ("ae", "vowel", True),
    ("ah", "vowel", True),
    ("ao", "vowel", True),
    ("aw", "vowel", True),
    ("ax", "vowel", True),
    ("ay", "vowel", True),
    ("eh", "vowel", True),
    ("er", "vowel", True),
    ("ey", "vowel", True),
    ("ih", "vowel", True),
    ("iy", "vowel", True),
    ("ow", "vowel", True),
    ("oy", "vowel", True),
    ("uh", "vowel", True),
    ("uw", "vowel", True),
    ("b", "stop", True),
    ("ch", "affricate", False),
    ("d", "stop", True),
    ("dh", "fricative", True),
    ("f", "fricative", False),
    ("g", "stop", True),
    ("hh", "fricative", False),
    ("jh", "affricate", True),
    ("k", "stop", False),
    ("l", "liquid", True),
    ("m", "nasal", True),
    ("n", "nasal", True),
    ("ng", "nasal", True),
    ("p", "stop", False),
    ("r", "liquid", True),
    ("s", "fricative", False),
    ("sh", "fricative", False),
    ("t", "stop", False),
    ("th", "fricative", False),
    ("v", "fricative", True),
    ("w", "semivowel", True),
    ("y", "semivowel", True),
    ("z", "fricative", True),
    ("zh", "fricative", True),
)
"""ARPAbet in lower case, as English voicebanks have it; ``ax`` is the unstressed ``ah``."""

PHONEMES: tuple[Phoneme, ...] = (
    Phoneme(SILENCE, "vowel", False),
    Phoneme(BREATH, "vowel", False),
    *(Phoneme(f"ja/{name}", kind, voiced) for name, kind, voiced in _JAPANESE),
    *(Phoneme(f"en/{name}", kind, voiced) for name, kind, voiced in _ENGLISH),
)

BY_SYMBOL: dict[str, Phoneme] = {phoneme.symbol: phoneme for phoneme in PHONEMES}

PHONEME_IDS: dict[str, int] = {phoneme.symbol: i for i, phoneme in enumerate(PHONEMES, start=1)}
"""What phonemes.json holds: symbol to token id; ``len(PHONEME_IDS) + 1`` rows of embedding."""

VOICEBANK = "aviary"


def language_id(symbol: str) -> int:
    """Return the language id of a symbol, 0 where it belongs to no language (SP, AP)."""
    language = BY_SYMBOL[symbol].language
    return LANGUAGE_IDS[language] if language else 0
