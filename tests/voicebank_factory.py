"""Tiny voicebanks in OpenUtau's DiffSinger format, made at test time: nothing binary in git.

`multi` is of the newest generation (the shipped voice's), `legacy` of an older one, `plain` has neither pitch nor
variance model. All sing a sine wherever a vowel sounds.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from tests import probe_models as models

_JAPANESE = "a i u e o N cl k s sh t ch ts n h m y r w g"
SYMBOLS = ("SP", "AP", *(f"ja/{name}" for name in _JAPANESE.split()))
VOWELS = ("ja/a", "ja/i", "ja/u", "ja/e", "ja/o", "ja/N")
LEGACY_SYMBOLS = ("SP", "AP", "a", "i", "u", "e", "o", "N", "k", "s", "t", "n", "h", "m", "r")
SPEAKERS = ("solo", "choir.v2/warm")
EMBEDDINGS = {"solo": [1.0, 0.0, 0.5, 0.25], "choir.v2/warm": [0.0, 2.0, -0.5, 0.75]}
ACOUSTIC_INPUTS = ("languages", "gender", "velocity", "breathiness", "voicing", "spk_embed", "depth", "steps")
MEL = {"sample_rate": 44100, "hop_size": 512, "num_mel_bins": models.BINS}
_MULTI = {
    "acoustic": "acoustic.onnx",
    "vocoder": "sine",
    "speakers": list(SPEAKERS),
    "use_lang_id": True,
    "mel_base": "e",
    "max_depth": 0.6,
    "use_continuous_acceleration": True,
    "use_variable_depth": True,
    "use_key_shift_embed": True,
    "use_speed_embed": True,
    "use_breathiness_embed": True,
    "use_voicing_embed": True,
}
_CHARACTER = {
    "name": "Sine",
    "license": "CC0-1.0",
    "credits": ["Sung by a sine"],
    "range": ["A3", "E5"],
    "subbanks": [{"color": "Solo", "suffix": "solo"}, {"color": "Warm", "suffix": "choir.v2/warm"}],
}


def multi(
    folder: Path,
    *,
    acoustic_inputs: Sequence[str] = ACOUSTIC_INPUTS,
    heads: Sequence[str] = ("breathiness", "voicing"),
    reverse: bool = False,
    noise: bool = False,
    variance_hop: int = 512,
    pitch_answer: str = "line",
    config: dict[str, Any] | None = None,
) -> Path:
    """Write a bank with prefixed symbols, languages, speakers, steps, float depth and mel base e.

    noise: every model but the durations' draws random numbers that are heard.
    """
    ids = {symbol: number for number, symbol in enumerate(SYMBOLS, start=1)}
    _stage(folder, _MULTI | (config or {}), ids)
    vowels = [ids[symbol] for symbol in VOWELS]
    loud = 0.1 if noise else None
    models.acoustic(folder / "acoustic.onnx", inputs=acoustic_inputs, vowels=vowels, reverse=reverse, noise=loud)
    _predictor(folder / "dsdur", "dur", ids, speakers=SPEAKERS)
    models.dur(folder / "dsdur" / "dur.onnx", speakers=True)
    # The pitch model folds the phonemes into fewer ids of its own, as some banks do.
    folded = {symbol: 1 + number % 7 for number, symbol in enumerate(SYMBOLS)}
    _predictor(
        folder / "dspitch",
        "pitch",
        folded,
        speakers=("bank.solo", "elsewhere/warm"),
        reverse=reverse,
        config={"use_expr": True, "use_note_rest": True},
    )
    models.pitch(
        folder / "dspitch" / "pitch.onnx",
        speakers=True,
        sampling="steps",
        rests=True,
        expr=True,
        answer=pitch_answer,
        noise=noise,
    )
    variance = folder / "dsvariance"
    _predictor(variance, "variance", ids, speakers=SPEAKERS, words=False, config={"hop_size": variance_hop})
    models.variance(variance / "variance.onnx", heads=heads, speakers=True, sampling="steps", noise=noise)
    _vocoder(folder, "e", noise=noise)
    _texts(folder)
    return folder


def legacy(folder: Path, *, opset: int = 15) -> Path:
    """Write an older bank: bare symbols in phonemes.txt, speedup, integer depth, mel base 10, no speakers."""
    lines = ("<PAD>", "<PAD>", "<PAD>", *LEGACY_SYMBOLS)
    ids = {symbol: number for number, symbol in enumerate(lines)}
    root = {"acoustic": "acoustic.onnx", "use_shallow_diffusion": True, "max_depth": 400, "mel_base": 10}
    _write_yaml(folder / "dsconfig.yaml", MEL | root)
    models.acoustic(
        folder / "acoustic.onnx",
        inputs=("energy", "breathiness", "depth", "speedup"),
        vowels=[ids[symbol] for symbol in "aiueoN"],
        base="10",
        integer_depth=True,
        opset=opset,
    )
    for name, model in (("dsdur", "dur"), ("dspitch", "pitch"), ("dsvariance", "variance")):
        _write_yaml(folder / name / "dsconfig.yaml", MEL | {"linguistic": "linguistic.onnx", model: f"{model}.onnx"})
        models.linguistic(folder / name / "linguistic.onnx", words=True, languages=False)
        _dictionary(folder / name / "dsdict.yaml", LEGACY_SYMBOLS, {})
    for stage in (folder, folder / "dsdur", folder / "dspitch", folder / "dsvariance"):
        (stage / "phonemes.txt").write_bytes(("\r\n".join(lines) + "\r\n").encode())
    models.dur(folder / "dsdur" / "dur.onnx", speakers=False)
    models.pitch(folder / "dspitch" / "pitch.onnx", speakers=False, sampling="speedup", rests=False, expr=False)
    heads = ("energy", "breathiness")
    models.variance(folder / "dsvariance" / "variance.onnx", heads=heads, speakers=False, sampling="speedup")
    _vocoder(folder, "e")
    (folder / "character.txt").write_bytes("name=歌う正弦波\nauthor：誰か\n".encode("shift_jis"))
    return folder


def plain(folder: Path, *, durations: bool = True) -> Path:
    """Write a bank of one voice without pitch and variance models, and perhaps without durations."""
    ids = {symbol: number for number, symbol in enumerate(SYMBOLS, start=1)}
    _stage(folder, {"acoustic": "acoustic.onnx", "mel_base": "e"}, ids, languages=False)
    models.acoustic(folder / "acoustic.onnx", inputs=("steps",), vowels=[ids[symbol] for symbol in VOWELS])
    if durations:
        _predictor(folder / "dsdur", "dur", ids)
        models.dur(folder / "dsdur" / "dur.onnx", speakers=False)
        _dictionary(folder / "dsdur" / "dsdict.yaml", SYMBOLS, {})
    _vocoder(folder, "e")
    return folder


def _texts(folder: Path) -> None:
    _dictionary(folder / "dsdur" / "dsdict-ja.yaml", SYMBOLS, {"no": ["n", "o"], "on": ["ja/o", "ja/N"]})
    for stage in ("dsdur", "dspitch", "dsvariance"):
        _dictionary(folder / stage / "dsdict.yaml", SYMBOLS, {})
    _write_yaml(folder / "character.yaml", _CHARACTER)
    (folder / "character.txt").write_text("name=Sine\n", encoding="utf-8")


def _stage(folder: Path, config: dict[str, Any], ids: dict[str, int], *, languages: bool = True) -> None:
    named = {"phonemes": "phonemes.json"} | ({"languages": "languages.json"} if languages else {})
    _write_yaml(folder / "dsconfig.yaml", MEL | named | config)
    (folder / "phonemes.json").write_text(json.dumps(ids), encoding="utf-8")
    (folder / "languages.json").write_text(json.dumps({"ja": 1}), encoding="utf-8")
    for name in config.get("speakers", ()):
        known = name.rpartition(".")[2] if name.startswith("bank.") else name
        known = "choir.v2/warm" if name.endswith("/warm") else known
        path = folder / f"{name}.emb"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(np.asarray(EMBEDDINGS[known], "<f4").tobytes())


def _predictor(
    folder: Path,
    model: str,
    ids: dict[str, int],
    *,
    speakers: Sequence[str] = (),
    words: bool = True,
    reverse: bool = False,
    config: dict[str, Any] | None = None,
) -> None:
    named: dict[str, Any] = {"linguistic": "linguistic.onnx", model: f"{model}.onnx"}
    if speakers:
        named["speakers"] = list(speakers)
    _stage(folder, named | (config or {}), ids)
    models.linguistic(folder / "linguistic.onnx", words=words, languages=True, reverse=reverse)


def _vocoder(folder: Path, base: str, *, noise: bool = False) -> None:
    _write_yaml(folder / "dsvocoder" / "vocoder.yaml", MEL | {"name": "sine", "model": "sine.onnx", "mel_base": base})
    models.vocoder(folder / "dsvocoder" / "sine.onnx", noise=noise)


def _dictionary(path: Path, symbols: Sequence[str], entries: dict[str, list[str]]) -> None:
    """Write a dsdict as people do, without quotes: `no` and `on` stay words."""
    lines = ["symbols:"]
    for symbol in symbols:
        bare = symbol.rpartition("/")[2]
        vowel = bare in ("SP", "AP", *"aiueoN")
        lines.append(f"- {{symbol: {symbol}, type: {'vowel' if vowel else 'semivowel' if bare in 'yw' else 'stop'}}}")
    lines.append("entries:")
    lines += [f"- {{grapheme: {word}, phonemes: [{', '.join(phonemes)}]}}" for word, phonemes in entries.items()]
    path.write_text("\n".join(lines) + ("\n" if entries else " []\n"), encoding="utf-8")


def _write_yaml(path: Path, document: dict[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
