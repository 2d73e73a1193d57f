"""What the teacher is asked to say: texts as tokens, each token owned by a phoneme."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from training.inventory import BY_SYMBOL, SILENCE
from training.languages import english, japanese
from training.singers import SINGERS

_LANGUAGES: dict[str, Any] = {"ja": japanese, "en": english}
"""A module for each language: ``chains(count, seed)`` and ``sentences()`` are texts, lists of groups with pauses
between them; ``spell(group)`` are (phoneme, IPA characters)."""

_LEAD_FRAMES = (10, 18)
_TAIL_FRAMES = (4, 6)
_PAUSE_FRAMES = (5, 7)
_VOWEL_FRAMES = (5, 9)
_CONSONANT_FRAMES = {"ja": (3, 7), "en": (2, 7)}
_MARK_FRAMES = (1, 6)
_SPACE_FRAMES = (1, 2)
"""Least and most frames of 25 ms: vowels long enough to have a stable centre, pauses short.

Found by Whisper on sentences: a lead under 13 frames loses the first consonant, vowels of 7 frames
or more make the model stutter (kana error .44 against .15).
"""
_STRESS_MARKS = frozenset("ˈˌ")


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
    chains = SINGERS[speaker].chains
    return [utterance for language in chains for utterance in language_corpus(language, chains[language], seed)]


def language_corpus(language: str, chains: int, seed: int) -> list[Utterance]:
    """Return the utterances of a language in a seeded order, so that any beginning is balanced."""
    module = _LANGUAGES[language]
    texts = (*module.chains(chains, seed), *module.sentences())
    order = np.random.default_rng(seed).permutation(len(texts))
    return [utterance_of(language, texts[i]) for i in order]


def utterance_of(language: str, text: tuple[Any, ...]) -> Utterance:
    """Return a text of a language's module as the teacher is asked to say it."""
    phonemes: list[str] = [SILENCE]
    tokens: list[tuple[str, int, tuple[int, int]]] = [("", 0, _LEAD_FRAMES)]
    for number, group in enumerate(text):
        if number:
            phonemes.append(SILENCE)
            tokens.append((",", len(phonemes) - 1, _PAUSE_FRAMES))
        for phoneme, ipa in _LANGUAGES[language].spell(group):
            phonemes.append(f"{language}/{phoneme}")
            owner = len(phonemes) - 1
            tokens.extend((char, owner, frames) for char, frames in _timed(phonemes[-1], ipa))
    phonemes.append(SILENCE)
    tokens.append((".", len(phonemes) - 1, _PAUSE_FRAMES))
    tokens.append(("", len(phonemes) - 1, _TAIL_FRAMES))
    return Utterance(
        language=language,
        phonemes=tuple(phonemes),
        ipa="".join(char for char, _, _ in tokens),
        owners=tuple(owner for _, owner, _ in tokens),
        least_frames=tuple(least for _, _, (least, _) in tokens),
        most_frames=tuple(most for _, _, (_, most) in tokens),
    )


def _timed(symbol: str, ipa: str) -> list[tuple[str, tuple[int, int]]]:
    """Return each character of a phoneme's IPA with its least and most frames: its first letter is what sounds."""
    letter = next(i for i, char in enumerate(ipa) if char not in _STRESS_MARKS)
    phoneme = BY_SYMBOL[symbol]
    sounding = _VOWEL_FRAMES if phoneme.is_vowel else _CONSONANT_FRAMES[phoneme.language or ""]
    of = {letter: sounding} | {i: _SPACE_FRAMES for i, char in enumerate(ipa) if char == " "}
    return [(char, of.get(i, _MARK_FRAMES)) for i, char in enumerate(ipa)]
