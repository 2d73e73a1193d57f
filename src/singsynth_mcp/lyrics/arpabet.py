"""ARPAbet and IPA: a pronunciation's sounds, and what espeak-ng says in English as a pronunciation."""

from __future__ import annotations

from collections.abc import Sequence

from singsynth_mcp.lyrics.cmudict import Pronunciation
from singsynth_mcp.lyrics.sounds import Sound, symbol_sounds

_FROM_IPA = {
    "ɑɹ": "AA1 R",
    "ɔɹ": "AO1 R",
    "oɹ": "AO1 R",
    "ɛɹ": "EH1 R",
    "ɪɹ": "IH1 R",
    "ʊɹ": "UH1 R",
    "aɪɚ": "AY1 ER0",
    "aʊɚ": "AW1 ER0",
    "iə": "IY0 AH0",
    "uə": "UW0 AH0",
    "əl": "AH0 L",
    "l̩": "AH0 L",
    "n̩": "AH0 N",
    "m̩": "AH0 M",
    "aɪ": "AY1",
    "aʊ": "AW1",
    "eɪ": "EY1",
    "oʊ": "OW1",
    "əʊ": "OW1",
    "ɔɪ": "OY1",
    "i": "IY1",
    "ɪ": "IH1",
    "ᵻ": "IH0",
    "ɨ": "IH0",
    "e": "EH1",
    "ɛ": "EH1",
    "æ": "AE1",
    "a": "AE1",
    "ɐ": "AH0",
    "ə": "AH0",
    "ʌ": "AH1",
    "ɑ": "AA1",
    "ɒ": "AA1",
    "ɔ": "AO1",
    "o": "OW1",
    "ʊ": "UH1",
    "u": "UW1",
    "y": "UW1",
    "ɚ": "ER0",
    "ɜ": "ER1",
    "ɝ": "ER1",
    "ø": "ER1",
    "œ": "ER1",
    "tʃ": "CH",
    "dʒ": "JH",
    "b": "B",
    "d": "D",
    "ð": "DH",
    "f": "F",
    "ɡ": "G",
    "g": "G",
    "h": "HH",
    "k": "K",
    "l": "L",
    "ɬ": "L",
    "m": "M",
    "n": "N",
    "ŋ": "NG",
    "p": "P",
    "ɹ": "R",
    "r": "R",
    "ʁ": "R",
    "s": "S",
    "ʃ": "SH",
    "t": "T",
    "ɾ": "T",
    "ʔ": "T",
    "θ": "TH",
    "v": "V",
    "w": "W",
    "ʍ": "W",
    "j": "Y",
    "z": "Z",
    "ʒ": "ZH",
    "x": "K",
    "ç": "HH",
    "ɲ": "N Y",
    "ʎ": "L Y",
    "β": "B",
    "ɣ": "G",
    "q": "K",
}
_LONGEST = max(map(len, _FROM_IPA))


def arpabet_sounds(pronunciation: Sequence[str]) -> tuple[Sound, ...]:
    """Return the sounds of a pronunciation; an unstressed AH is a schwa where a voicebank has one."""
    return tuple(map(_sound, pronunciation))


def arpabet_of_ipa(tokens: Sequence[str]) -> Pronunciation:
    """Return espeak-ng's English in ARPAbet: flaps and glottal stops are sung as T, what is unknown is passed over."""
    text = "".join(tokens)
    phonemes: list[str] = []
    i = 0
    while i < len(text):
        size = next((size for size in range(_LONGEST, 0, -1) if text[i : i + size] in _FROM_IPA), 0)
        phonemes += _FROM_IPA[text[i : i + size]].split() if size else []
        i += size or 1
    return tuple(phonemes)


def _sound(phoneme: str) -> Sound:
    name = phoneme.rstrip("012").lower()
    names = {"AH0": ("ax", "ah"), "HH": ("hh", "h")}.get(phoneme, (name,))
    return Sound(symbol_sounds("en")[names[0]][0], names)
