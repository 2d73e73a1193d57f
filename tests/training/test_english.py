from collections import Counter
from itertools import pairwise

import pytest

from training.inventory import BY_SYMBOL, PHONEME_IDS
from training.languages import english


@pytest.mark.parametrize(
    ("words", "ipa"),
    [
        ((("hh", "ax0", "l", "ow1"), ("w", "er1", "l", "d")), "həlˈO wˈɜɹld"),
        ((("ch", "ey1", "n", "jh"), ("dh", "ax0"), ("sh", "iy1", "t", "s")), "ʧˈAnʤ ðə ʃˈits"),
        ((("n", "ao1", "r", "dh", "er0", "n"), ("b", "oy1", "z")), "nˈɔɹðəɹn bˈYz"),
    ],
)
def test_spelling_is_what_the_teacher_was_trained_on(words, ipa):
    spelled = english.spell(words)
    assert "".join(characters for _, characters in spelled) == ipa
    assert [name for name, _ in spelled] == [phoneme.rstrip("012") for word in words for phoneme in word]


def test_every_sentence_is_spelled_in_the_inventory():
    assert len(english.sentences()) >= 75
    for text in english.sentences():
        for group in text:
            assert all(f"en/{phoneme}" in PHONEME_IDS for phoneme, _ in english.spell(group))


def test_chains_cover_what_may_stand_together_and_are_seeded():
    texts = english.chains(80, seed=1)
    assert texts == english.chains(80, seed=1)
    pairs = Counter(
        pair
        for text in texts
        for group in text
        for pair in pairwise(("SP", *(f"en/{phoneme}" for phoneme, _ in english.spell(group)), "SP"))
    )
    vowels = [symbol for symbol in PHONEME_IDS if symbol.startswith("en/") and BY_SYMBOL[symbol].is_vowel]
    consonants = [symbol for symbol in PHONEME_IDS if symbol.startswith("en/") and not BY_SYMBOL[symbol].is_vowel]
    opens = [(c, v) for c in consonants for v in vowels if c not in {"en/ng", "en/y"} and v != "en/ax"]
    closes = [(v, c) for c in consonants for v in vowels if c not in {"en/hh", "en/w", "en/y"} and v != "en/ax"]
    assert sum(pair in pairs for pair in opens) / len(opens) > 0.9
    assert sum(pair in pairs for pair in closes) / len(closes) > 0.9
