from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from singsynth_mcp.lyrics.arpabet import arpabet_sounds
from singsynth_mcp.lyrics.cmudict import PHONEMES, pronunciations
from singsynth_mcp.lyrics.g2p import merged, speak
from singsynth_mcp.lyrics.phones import distance, is_nucleus, parse_sound, parts
from singsynth_mcp.lyrics.sounds import fitted, in_syllables, sounds_of, symbol_sounds

LANGUAGES = ("en", "ja", "de", "fr", "es", "it", "pt", "ru", "ko", "zh")
PHONES = sorted({phone for name in LANGUAGES for way in symbol_sounds(name).values() for one in way for phone in one})


def shown(syllables: object) -> str:
    return " . ".join("".join(phone for sound in syllable for phone in sound.phones) for syllable in syllables)


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("pattern", "pæ . tɝn"),
        ("astray", "ə . stɹeɪ̯"),
        ("winter", "wɪn . tɝ"),
        ("english", "ɪŋ . ɡlɪʃ"),
        ("singing", "sɪŋ . ɪŋ"),
        ("extra", "ɛk . stɹə"),
        ("atlas", "æt . ləs"),
        ("lanterns", "læn . tɝnz"),
        ("strengths", "stɹɛŋkθs"),
        ("rhythm", "ɹɪ . ðəm"),
    ],
)
def test_english_is_cut_by_maximal_onset(word: str, expected: str) -> None:
    assert shown(in_syllables(arpabet_sounds(pronunciations(word)[0]), "en")) == expected


@pytest.mark.parametrize(
    ("language", "tokens", "expected"),
    [
        ("es", "e s t ɾ e ʎ a", "es . tɾe . ʎa"),
        ("it", "k a s t a ɡ n a", "ka . staɡ . na"),
        ("de", "f ɛ ɐ ʃ t e n", "fɛ . ɐ . ʃten"),
        ("fr", "p a t ʁ i", "pa . tʁi"),
        ("pt", "k o ɾ a s ɐ̃ʊ̃", "ko . ɾa . sɐ̃ʊ̯̃".replace("\u032f\u0303", "\u0303\u032f")),
        ("es", "p w e ð e", "pwe . ðe"),
    ],
)
def test_other_languages_by_rising_sonority(language: str, tokens: str, expected: str) -> None:
    assert shown(in_syllables(sounds_of(tokens.split()), language)) == expected


@given(st.lists(st.sampled_from(PHONEMES), min_size=1, max_size=20), st.sampled_from(LANGUAGES))
def test_no_sound_is_lost_and_each_syllable_has_one_vowel(phonemes: list[str], language: str) -> None:
    sounds = arpabet_sounds(phonemes)
    syllables = in_syllables(sounds, language)
    assert tuple(sound for syllable in syllables for sound in syllable) == sounds
    vowels = [sum(sound.is_nucleus for sound in syllable) for syllable in syllables]
    assert vowels == ([1] * len(vowels) if any(vowels) else [0])


@given(
    st.lists(st.sampled_from(PHONEMES), min_size=1, max_size=20),
    st.lists(st.sampled_from(["ev", "er", "y", "pow", "erful", "a", "strength", ""]), max_size=8),
)
def test_syllables_that_are_too_many_share_notes_in_order(phonemes: list[str], written: list[str]) -> None:
    syllables = in_syllables(arpabet_sounds(phonemes), "en")
    sung = merged(syllables, written)
    assert sum(sung, ()) == sum(syllables, ())
    assert len(sung) == (min(len(syllables), len(written)) if written else len(syllables))


def test_they_share_the_note_that_writes_more_vowels() -> None:
    spoken = speak("powerful", "en", ["pow", "erful"])
    assert spoken is not None
    assert shown(spoken.syllables) == "paʊ̯ . ɝfəl"
    spoken = speak("powerful", "en", ["power", "ful"])
    assert spoken is not None
    assert shown(spoken.syllables) == "paʊ̯ɝ . fəl"


def test_close_vowels_can_be_glides_where_the_score_has_fewer_syllables() -> None:
    sounds = sounds_of(["ɡ", "l", "ɔ", "r", "ɪ", "a"])
    assert shown(in_syllables(fitted(sounds, 3), "la")) == "ɡlɔ . rɪ . a"
    assert shown(in_syllables(fitted(sounds, 2), "la")) == "ɡlɔ . rja"


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("aɪ", ["a", "ɪ̯"]),
        ("t͡ʃ", ["tʃ"]),
        ("ɔ̃", ["ɔ̃"]),
        ("ç", ["ç"]),
        ("uː", ["u"]),
        ("jaʊ", ["j", "a", "ʊ̯"]),
        ("n̩", ["n̩"]),
        ("%5", []),
    ],
)
def test_ipa_is_parted_into_phones(written: str, expected: list[str]) -> None:
    assert list(parse_sound(written)) == expected


@given(st.text(max_size=12))
def test_any_text_is_parted(text: str) -> None:
    phones = parse_sound(text)
    assert sum(map(is_nucleus, phones)) <= max(1, text.count("\u0329") + 1)
    assert all(distance(phone, phone) == 0 for phone in phones)


@given(st.sampled_from(PHONES), st.sampled_from(PHONES))
def test_distance_is_one(left: str, right: str) -> None:
    assert distance(left, right) == distance(right, left)
    assert (distance(left, right) == 0) == (left == right)
    assert distance(left, right) <= 1


@pytest.mark.parametrize(
    ("sound", "nearer", "farther"),
    [
        ("θ", "s", "f"),
        ("ð", "z", "d"),
        ("l", "ɾ", "n"),
        ("ŋ", "n", "m"),
        ("æ", "a", "e"),
        ("ɪ", "i", "e"),
        ("ʊ", "u", "o"),
        ("ø", "e", "o"),
        ("y", "i", "e"),
        ("x", "h", "k"),
        ("ʃ", "ɕ", "s"),
        ("ʁ", "ɾ", "w"),
        ("ɝ", "ə", "ɔ"),
    ],
)
def test_what_sounds_alike_is_near(sound: str, nearer: str, farther: str) -> None:
    assert distance(sound, nearer) < distance(sound, farther) < 1


def test_parts_come_to_an_end() -> None:
    for phone in PHONES:
        pieces = parts(phone)
        for _ in range(4):
            pieces = next((found for piece in pieces if (found := parts(piece))), None) if pieces else None
        assert pieces is None
