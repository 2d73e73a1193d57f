"""Voicebanks of text files alone, as a machine without models has them: all that reading lyrics needs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from singsynth_mcp.voicebanks import Voicebank, get_voicebank
from training.inventory import PHONEMES
from training.languages.japanese import mora_table

JAPANESE_TYPES = {phoneme.symbol: phoneme.kind for phoneme in PHONEMES if phoneme.language in (None, "ja")}
PREFIXED_KANA = {mora: [f"ja/{name}" for name in names] for mora, names in mora_table().items()}
BARE_TYPES = {symbol.rpartition("/")[2]: kind for symbol, kind in JAPANESE_TYPES.items()}
ROMAJI = {
    **{
        consonant + vowel: [consonant, vowel]
        for consonant in ["k", "g", "s", "z", "t", "d", "n", "h", "b", "p", "m", "r"]
        for vowel in "aiueo"
    },
    **{vowel: [vowel] for vowel in "aiueo"},
    "shi": ["sh", "i"],
    "chi": ["ch", "i"],
    "tsu": ["ts", "u"],
    "fu": ["f", "u"],
    "n": ["N"],
    "cl": ["cl"],
    "kyo": ["ky", "o"],
    "ya": ["y", "a"],
    "wa": ["w", "a"],
    "yu": ["y", "u"],
    "yo": ["y", "o"],
    "ji": ["j", "i"],
}


def kana_bank(folder: Path, **config: object) -> Voicebank:
    """Make a bank as the shipped one for Japanese alone: prefixed symbols, kana in dsdict-ja.yaml."""
    return text_bank(folder / "kana", JAPANESE_TYPES, PREFIXED_KANA, "ja", speakers=["linnet", "wren"], **config)


def romaji_bank(folder: Path) -> Voicebank:
    """Make an older bank: bare symbols, romaji in dsdict.yaml, one voice."""
    return text_bank(folder / "romaji", BARE_TYPES, ROMAJI, "")


ARPABET = {
    **dict.fromkeys(
        ["aa", "ae", "ah", "ao", "aw", "ay", "eh", "er", "ey", "ih", "iy", "ow", "oy", "uh", "uw"], "vowel"
    ),
    **dict.fromkeys(["b", "d", "g", "k", "p", "t"], "stop"),
    **dict.fromkeys(["ch", "jh"], "affricate"),
    **dict.fromkeys(["dh", "f", "hh", "s", "sh", "th", "v", "z", "zh"], "fricative"),
    **dict.fromkeys(["m", "n", "ng"], "nasal"),
    **dict.fromkeys(["l", "r"], "liquid"),
    **dict.fromkeys(["w", "y"], "semivowel"),
}


def english_bank(folder: Path) -> Voicebank:
    """Make a bank as English communities do: names of its own, to which the dictionary's replacements lead."""
    types = {"SP": "vowel", "AP": "vowel"} | {f"x_{name.upper()}": kind for name, kind in ARPABET.items()}
    bank = text_bank(folder / "english", types, {"lantern": ["x_L", "x_AE", "x_N"]}, "en")
    rows = [{"from": name, "to": f"x_{name.upper()}"} for name in ARPABET]
    _write_dictionary(bank.folder / "dsdur", "en", types, {"lantern": ["x_L", "x_AE", "x_N"]}, rows)
    return get_voicebank("english", (bank.folder,))


def bilingual_bank(folder: Path) -> Voicebank:
    """Make a bank that sings Japanese and English, as the shipped one names its symbols."""
    types = JAPANESE_TYPES | {f"en/{name}": kind for name, kind in ARPABET.items()}
    bank = text_bank(folder / "bilingual", types, PREFIXED_KANA, "ja")
    for stage in (bank.folder, bank.folder / "dsdur"):
        (stage / "languages.json").write_text(json.dumps({"ja": 1, "en": 2}), encoding="utf-8")
    rows = [{"from": name, "to": f"en/{name}"} for name in ARPABET]
    _write_dictionary(bank.folder / "dsdur", "en", types, {}, rows)
    return get_voicebank("bilingual", (bank.folder,))


def wordless_bank(folder: Path) -> Voicebank:
    """Make a bank whose dictionary only types its symbols."""
    return text_bank(folder / "wordless", BARE_TYPES, {}, "")


def text_bank(
    folder: Path, types: Mapping[str, str], entries: Mapping[str, Sequence[str]], language: str, **config: object
) -> Voicebank:
    """Write a bank's text files and open it."""
    durations = folder / "dsdur"
    durations.mkdir(parents=True)
    ids = json.dumps({symbol: number for number, symbol in enumerate(types, start=1)})
    character = {"default_phonemizer": "OpenUtau.Core.DiffSinger.DiffSingerJapanesePhonemizer"}
    named: dict[str, object] = {"phonemes": "phonemes.json"}
    if language:
        named["languages"] = "languages.json"
    for stage, models in (
        (folder, {"acoustic": "acoustic.onnx"}),
        (durations, {"linguistic": "l.onnx", "dur": "d.onnx"}),
    ):
        (stage / "phonemes.json").write_text(ids, encoding="utf-8")
        (stage / "languages.json").write_text(json.dumps({language: 1}), encoding="utf-8")
        (stage / "dsconfig.yaml").write_text(yaml.safe_dump(named | models | config), encoding="utf-8")
    _write_dictionary(durations, language, types, entries)
    (folder / "character.yaml").write_text(yaml.safe_dump(character), encoding="utf-8")
    return get_voicebank(folder.name, (folder,))


def _write_dictionary(
    folder: Path,
    language: str,
    types: Mapping[str, str],
    entries: Mapping[str, Sequence[str]],
    replacements: Sequence[Mapping[str, str]] = (),
) -> None:
    dictionary = {
        "symbols": [{"symbol": symbol, "type": type_} for symbol, type_ in types.items()],
        "entries": [{"grapheme": word, "phonemes": list(symbols)} for word, symbols in entries.items()],
        "replacements": [dict(row) for row in replacements],
    }
    name = f"dsdict-{language}.yaml" if language else "dsdict.yaml"
    (folder / name).write_text(yaml.safe_dump(dictionary, allow_unicode=True), encoding="utf-8")
