"""Words of every language in the phonemes of banks that sing it, and of banks that do not."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from singsynth_mcp.lyrics.arpabet import arpabet_sounds
from singsynth_mcp.lyrics.cmudict import PHONEMES
from singsynth_mcp.lyrics.dictionary import Lexicon
from singsynth_mcp.lyrics.g2p import speak
from singsynth_mcp.lyrics.kana import spellings
from singsynth_mcp.lyrics.phones import is_nucleus
from singsynth_mcp.lyrics.reading import Reader
from singsynth_mcp.lyrics.recognise import recognised
from singsynth_mcp.lyrics.sounds import Sound, in_syllables, symbol_sounds
from singsynth_mcp.voicebanks import Voicebank
from tests.voicebank_texts import ARPABET, text_bank


def sung(bank: Voicebank, text: str, language: str) -> list[str]:
    words = Reader(bank, language).read_text(text)
    return [" ".join(symbol.symbol.rpartition("/")[2] for symbol in word.phonemes) for word in words]


def test_english_by_the_names_that_the_replacements_lead_to(english: Voicebank) -> None:
    reader = Reader(english, "en")
    words = reader.read_text("Lantern love strength xylographia the evening")
    assert [word.source for word in words] == ["dictionary", "cmudict", "cmudict", "g2p", "cmudict", "cmudict"]
    assert [" ".join(symbol.symbol for symbol in word.phonemes) for word in words[:3]] == [
        "x_L x_AE x_N",
        "x_L x_AH x_V",
        "x_S x_T x_R x_EH x_NG x_K x_TH",
    ]
    assert words[4].phonemes[1].symbol == "x_IY"
    assert not any(word.substitutions for word in words)
    assert reader.warnings == []


def test_a_contraction_is_never_looked_up_without_its_apostrophe(tmp_path: Path) -> None:
    types = {"SP": "vowel"} | ARPABET
    entries = {"well": ["aa"], "dont": ["aa"], "i'm": ["ay", "m"], "rose": ["r", "ow", "z"], "'tis": ["t", "ih", "z"]}
    bank = text_bank(tmp_path / "apostrophes", types, entries, "en")
    assert sung(bank, "we'll don’t I’m “rose!” 'rose' ’tis", "en") == [
        "w iy l",
        "d ow n t",
        "ay m",
        "r ow z",
        "r ow z",
        "t ih z",
    ]


def test_english_by_prefixed_names(bilingual: Voicebank) -> None:
    (word,) = Reader(bilingual, "en").read_text("father")
    assert [(symbol.symbol, symbol.language, symbol.role) for symbol in word.phonemes] == [
        ("en/f", "en", "consonant"),
        ("en/aa", "en", "vowel"),
        ("en/dh", "en", "consonant"),
        ("en/er", "en", "vowel"),
    ]
    assert word.syllables == (0, 2)


def test_bare_and_capital_names_are_found_too(tmp_path: Path) -> None:
    bare = text_bank(tmp_path / "bare", {"SP": "vowel"} | ARPABET | {"ax": "vowel"}, {}, "en")
    assert sung(bare, "sofa about", "en") == ["s ow f ax", "ax b aw t"]
    capital = {"SP": "vowel"} | {name.upper(): kind for name, kind in ARPABET.items()}
    assert sung(text_bank(tmp_path / "capital", capital, {}, "en"), "sofa", "en") == ["S OW F AH"]


def test_a_bank_that_lacks_a_sound_of_its_own_language_says_so(tmp_path: Path) -> None:
    types = {"SP": "vowel"} | {f"en/{name}": kind for name, kind in ARPABET.items() if name not in ("th", "dh")}
    reader = Reader(text_bank(tmp_path / "few", types, {}, "en"), "en")
    (word,) = reader.read_text("thin")
    assert [symbol.symbol for symbol in word.phonemes] == ["en/s", "en/ih", "en/n"]
    assert [(one.sound, one.symbol) for one in word.substitutions] == [("θ", "en/s")]
    assert [warning.code for warning in reader.warnings] == ["phonemes_substituted"]
    assert "θ → en/s (0.15)" in reader.warnings[0].message


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("en", "love", "r a v"),
        ("en", "cute", "ky u t"),
        ("en", "thing", "s i n"),
        ("en", "light", "r a i t"),
        ("de", "Ich", "i hy"),
        ("de", "Nacht", "n a h t"),
        ("it", "sogno", "s o ny ny o"),
        ("es", "noche", "n o ch e"),
        ("ru", "гуси", "g u s i"),
        ("zh", "妈", "m a"),
        ("ko", "나", "n a"),
    ],
)
def test_a_japanese_bank_sings_every_language_with_what_it_has(
    kana: Voicebank, language: str, text: str, expected: str
) -> None:
    assert sung(kana, text, language) == [expected]


def test_a_diphthong_without_a_symbol_is_one_syllable(kana: Voicebank) -> None:
    (word,) = Reader(kana, "en").read_text("lighting")
    assert [symbol.symbol for symbol in word.phonemes] == ["ja/r", "ja/a", "ja/i", "ja/t", "ja/i", "ja/n"]
    assert word.syllables == (0, 3)


def test_an_english_bank_sings_japanese(english: Voicebank) -> None:
    assert sung(english, "さくら こんにちは 桜", "ja") == [
        "x_S x_AA x_K x_UW x_L x_AA",
        "x_K x_OW x_N x_N x_IY x_CH x_IY x_HH x_AA",
        "x_S x_AA x_K x_UW x_L x_AA",
    ]
    for mora in spellings():
        reading = Reader(english, "ja").read_morae(["か", mora], "ja")
        assert reading is not None, mora


def _german_names() -> tuple[list[str], list[str]]:
    table = symbol_sounds("de")
    vowels = [name for name, (phones, *_) in table.items() if any(map(is_nucleus, phones))]
    return vowels, [name for name in table if name not in vowels]


def test_a_german_bank_reads_german_with_its_own_names(tmp_path: Path) -> None:
    vowels, consonants = _german_names()
    types = {"SP": "vowel"} | dict.fromkeys(vowels, "vowel") | dict.fromkeys(consonants, "stop")
    german = text_bank(tmp_path / "german", {f"de/{name}": kind for name, kind in types.items()}, {}, "de")
    reader = Reader(german, "de")
    words = reader.read_text("Ich schöne Träume Nacht Pferd über")
    said = [" ".join(symbol.symbol.removeprefix("de/") for symbol in word.phonemes) for word in words]
    assert said[:5] == ["ih cc", "sh ooh n ax", "t r oy m ax", "n aa x t", "pf ee r t"]
    assert reader.warnings == []


def test_chinese_by_the_pinyin_of_the_banks_dictionary_in_context(tmp_path: Path) -> None:
    types = {"SP": "vowel", "zh/zh": "stop", "zh/ang": "vowel", "zh/d": "stop", "zh/a": "vowel", "zh/ch": "stop"}
    entries = {"zhang": ["zh/zh", "zh/ang"], "da": ["zh/d", "zh/a"], "chang": ["zh/ch", "zh/ang"]}
    chinese = text_bank(tmp_path / "chinese", types, entries, "zh")
    reader = Reader(chinese, "zh")
    words = reader.read_text("长大 da chang")
    assert [" ".join(symbol.symbol[3:] for symbol in word.phonemes) for word in words] == [
        "zh ang d a",
        "d a",
        "ch ang",
    ]


def test_spanish_goes_by_bare_names(tmp_path: Path) -> None:
    names = {name: "vowel" if name in "aeiou" else "stop" for name in symbol_sounds("es")}
    spanish = text_bank(tmp_path / "spanish", {"SP": "vowel"} | names, {}, "es")
    assert sung(spanish, "guitarra corazón llorar", "es") == ["g i t a rr a", "k o r a z o n", "ll o r a r"]


@pytest.mark.parametrize("which", ["kana", "romaji", "english", "bilingual"])
def test_every_sound_of_every_language_finds_a_symbol(which: str, request: pytest.FixtureRequest) -> None:
    bank: Voicebank = request.getfixturevalue(which)
    for language in ("en", "ja", "de", "fr", "es", "it", "pt", "ru", "ko", "zh"):
        inventory = Lexicon(bank, language).inventory
        for name, (phones, *_) in symbol_sounds(language).items():
            spelling = inventory.spell((Sound(phones),))
            assert spelling is not None, (language, name)
            assert {symbol.symbol for symbol in spelling.symbols} <= set(bank.symbols)
            assert all(0 <= one.distance < 1 for one in spelling.substitutions)


@given(phonemes=st.lists(st.sampled_from(PHONEMES), min_size=1, max_size=12))
def test_each_vowel_is_sung_once_by_a_bank_of_another_language(phonemes: list[str], kana: Voicebank) -> None:
    inventory = Lexicon(kana, "en").inventory
    for syllable in in_syllables(arpabet_sounds(phonemes), "en"):
        spelling = inventory.spell(syllable)
        assert spelling is not None
        vowels = [symbol for symbol in spelling.symbols if symbol.role == "vowel"]
        said = [phone for sound in syllable for phone in sound.phones if phone[0] in "aeiouæɑɔəɚɛɝɪʊʌ"]
        assert len(vowels) <= len(said)
        assert bool(vowels) == bool(said)


@pytest.mark.parametrize(
    ("text", "sings", "expected"),
    [
        ("Once again we roamed the woodland when the years had fleeted by", ["ja", "en"], "en"),
        ("Ich kann's nicht fassen nicht glauben es hat ein Traum mich berückt", ["ja", "en"], "de"),
        ("Aux cris de l'indigence aux accents du plaisir venez former la danse", ["ja"], "fr"),
        ("Caro mio ben credimi almen senza di te languisce il cor", ["ja", "en"], "it"),
        ("gloria in excelsis deo et in terra pax hominibus bonae voluntatis", ["en"], "la"),
        ("De colores se visten los campos en la primavera", ["en"], "es"),
        ("sakura sakura yayoi no sora wa miwatasu kagiri", ["en", "ja"], "ja"),
        ("さくら さくら 弥生 の 空 は", ["en", "ja"], "ja"),
        ("東京は3時です。ヴァイオリンの音が", ["ja", "en"], "ja"),
        ("春の 花が 咲く 丘に 風が 吹いて", ["ja", "en"], "ja"),
        ("两 只 老 虎 两 只 老 虎 跑 得 快", ["ja"], "zh"),
        ("사랑해 너를", ["ja"], "ko"),
        ("во поле берёза стояла", ["ja"], "ru"),
        ("la la la", ["ja"], "ja"),
        ("zzz", ["ja"], None),
        ("", ["ja"], None),
    ],
)
def test_the_language_of_untagged_words(text: str, sings: list[str], expected: str | None) -> None:
    assert recognised(text.split(), sings) == expected


@pytest.mark.parametrize(
    ("word", "written", "expected"),
    [
        ("danse", ["dan", "se"], 2),
        ("danse", ["danse"], 1),
        ("folie", ["fo", "li", "e"], 3),
        ("pauvres", ["pau", "vres"], 2),
    ],
)
def test_a_french_mute_e_is_sung_where_it_has_a_note(word: str, written: list[str], expected: int) -> None:
    spoken = speak(word, "fr", written)
    assert spoken is not None
    assert len(spoken.syllables) == expected


def test_english_words_in_a_japanese_song_are_read_as_english(kana: Voicebank) -> None:
    words = Reader(kana, "ja").read_text("さくら strength sora")
    assert [(word.language, word.source) for word in words] == [
        ("ja", "dictionary"),
        ("en", "cmudict"),
        ("ja", "dictionary"),
    ]


def test_a_tag_that_nobody_reads_is_warned_of_once(kana: Voicebank) -> None:
    reader = Reader(kana, "ja", "P1")
    assert reader.language_of("sa", "tlh") == reader.language_of("ku", "tlh") == "ja"
    assert [warning.code for warning in reader.warnings] == ["language_not_supported"]


COMMON = """
love rose moon night summer winter garden river mountain flower dancing singing happy lonely morning evening heaven
shadow candle silver golden thunder whisper
"""


def test_a_dictionary_that_what_reads_other_words_disagrees_with_is_warned_of(tmp_path: Path) -> None:
    types = {"SP": "vowel"} | ARPABET
    words = COMMON.split()
    right = {word: said.split() for word, said in zip(words, sung_plainly(tmp_path, types, words), strict=True)}
    wrong = {word: ["k", "aa", "t"] for word in words}
    for name, entries, codes in (("right", right, []), ("wrong", wrong, ["g2p_disagrees"])):
        reader = Reader(text_bank(tmp_path / name, types, entries, "en"), "en")
        reader.read_text("love strength")
        assert [warning.code for warning in reader.warnings] == codes
        reader = Reader(text_bank(tmp_path / f"{name} again", types, entries, "en"), "en")
        reader.read_text("love rose")  # Nothing but the dictionary is asked.
        assert reader.warnings == []


def sung_plainly(folder: Path, types: dict[str, str], words: list[str]) -> list[str]:
    return sung(text_bank(folder / "plain", types, {}, "en"), " ".join(words), "en")
