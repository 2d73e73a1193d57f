"""What the teacher is asked to say: texts as tokens, each token owned by a phoneme."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from training.inventory import SILENCE, SPEAKER_LANGUAGES
from training.languages import japanese

CHAINS = 110
"""Mora chains in the corpus (sentences come on top); sizes the teacher's share of `make voice`."""

_LEAD_FRAMES = (10, 18)
_TAIL_FRAMES = (4, 6)
_PAUSE_FRAMES = (5, 7)
_VOWEL_FRAMES = (5, 9)
_CONSONANT_FRAMES = (3, 7)
_MARK_FRAMES = (1, 6)
"""Least and most frames of 25 ms: vowels long enough to have a stable centre, pauses short.

Found by Whisper on sentences: a lead under 13 frames loses the first consonant, vowels of 7 frames
or more make the model stutter (kana error .44 against .15).
"""


@dataclass(frozen=True)
class Utterance:
    """One text and its spelling.

    ``phonemes`` are symbols of the inventory with SP at both ends and between groups;
    ``owners[i]`` is the phoneme that token ``i`` (padding included) belongs to.
    """

    language: str
    phonemes: tuple[str, ...]
    ipa: str
    owners: tuple[int, ...]
    least_frames: tuple[int, ...]
    most_frames: tuple[int, ...]


def corpus(speaker: str, seed: int) -> list[Utterance]:
    """Return what a singer speaks, in all languages of theirs."""
    return [utterance for language in SPEAKER_LANGUAGES[speaker] for utterance in language_corpus(language, seed)]


def language_corpus(language: str, seed: int) -> list[Utterance]:
    """Return the utterances of a language in a seeded order, so that any beginning is balanced."""
    if language != "ja":
        raise ValueError(f"no corpus text for language {language!r}")
    texts = (*japanese.chains(CHAINS, seed), *japanese.sentences())
    order = np.random.default_rng(seed).permutation(len(texts))
    return [_utterance(texts[i]) for i in order]


def _utterance(text: japanese.Text) -> Utterance:
    phonemes: list[str] = [SILENCE]
    tokens: list[tuple[str, int, tuple[int, int]]] = [("", 0, _LEAD_FRAMES)]
    for number, group in enumerate(text):
        if number:
            phonemes.append(SILENCE)
            tokens.append((",", len(phonemes) - 1, _PAUSE_FRAMES))
        for phoneme, ipa in japanese.spell(group):
            phonemes.append(japanese.SYMBOL.format(phoneme))
            vowel = phoneme in japanese.VOWELS or phoneme == "N"
            tokens.append((ipa[0], len(phonemes) - 1, _VOWEL_FRAMES if vowel else _CONSONANT_FRAMES))
            tokens.extend((mark, len(phonemes) - 1, _MARK_FRAMES) for mark in ipa[1:])
    phonemes.append(SILENCE)
    tokens.append((".", len(phonemes) - 1, _PAUSE_FRAMES))
    tokens.append(("", len(phonemes) - 1, _TAIL_FRAMES))
    return Utterance(
        language="ja",
        phonemes=tuple(phonemes),
        ipa="".join(char for char, _, _ in tokens),
        owners=tuple(owner for _, owner, _ in tokens),
        least_frames=tuple(least for _, _, (least, _) in tokens),
        most_frames=tuple(most for _, _, (_, most) in tokens),
    )
