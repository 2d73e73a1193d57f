"""Voicebanks of text files alone, as a machine without models has them: all that reading lyrics needs."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from singsynth_mcp.voicebanks import Voicebank, get_voicebank
from training.inventory import PHONEMES
from training.languages.japanese import mora_table

SHIPPED_TYPES = {phoneme.symbol: phoneme.kind for phoneme in PHONEMES}
PREFIXED_KANA = {mora: [f"ja/{name}" for name in names] for mora, names in mora_table().items()}
BARE_TYPES = {symbol.rpartition("/")[2]: kind for symbol, kind in SHIPPED_TYPES.items()}
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
    """Make a bank as the shipped one: prefixed symbols, kana in dsdict-ja.yaml."""
    return text_bank(folder / "kana", SHIPPED_TYPES, PREFIXED_KANA, "ja", speakers=["linnet", "wren"], **config)


def romaji_bank(folder: Path) -> Voicebank:
    """Make an older bank: bare symbols, romaji in dsdict.yaml, one voice."""
    return text_bank(folder / "romaji", BARE_TYPES, ROMAJI, "")


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
    dictionary = {
        "symbols": [{"symbol": symbol, "type": type_} for symbol, type_ in types.items()],
        "entries": [{"grapheme": word, "phonemes": list(symbols)} for word, symbols in entries.items()],
    }
    name = f"dsdict-{language}.yaml" if language else "dsdict.yaml"
    (durations / name).write_text(yaml.safe_dump(dictionary, allow_unicode=True), encoding="utf-8")
    (folder / "character.yaml").write_text(yaml.safe_dump(character), encoding="utf-8")
    return get_voicebank(folder.name, (folder,))
