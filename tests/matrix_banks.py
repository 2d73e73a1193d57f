"""Voicebanks of a few kB for every row of the format's compatibility matrix, and what their models were fed.

`build` makes a bank of the newest generation; each argument changes one thing. `Singer` sings a phrase with it and
keeps every tensor that reached a model.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from singsynth_mcp.performance.model import AudioPhrase, MelPhrase, Phrase
from singsynth_mcp.synthesis.acoustic import synthesize
from singsynth_mcp.synthesis.durations import predict_durations
from singsynth_mcp.synthesis.engines.onnx import OnnxEngine, OnnxModel
from singsynth_mcp.synthesis.pitch import predict_pitch
from singsynth_mcp.synthesis.variance import predict_variance
from singsynth_mcp.synthesis.vocoder import vocode
from singsynth_mcp.voicebanks import Voicebank, read_voicebank
from tests import probe_models as models
from tests.singing import Sung, phrase_of

IDS = {"SP": 3, "AP": 4, "ja/a": 5, "ja/k": 6, "ja/s": 7}
LENGTHS = {"SP": 10.0, "AP": 10.0, "a": 20.0, "k": 5.0, "s": 6.0}
"""Frames that the duration model answers."""
ALL_INPUTS = ("languages", "gender", "velocity", *models.HEADS, "spk_embed", "depth", "steps")
SPEAKERS = ("solo", "choir.v2/warm")
MEL = {"sample_rate": 44100, "hop_size": 512, "num_mel_bins": models.BINS, "mel_base": "e"}
_NAMES = {"durations": "dsdur", "pitch": "dspitch", "variance": "dsvariance", "acoustic": "."}
_MODELS = {"durations": "dur", "pitch": "pitch", "variance": "variance", "acoustic": "acoustic"}
KA_SA: list[Sung] = [(0.0, 0.5, 60.0, "k a"), (0.5, 0.5, 62.0, "s a")]
FRAME_S = 512 / 44100
SOUNDED = ("SP", "ja/k", "ja/a", "ja/s", "ja/a", "SP")
DURATIONS = [8, 6, 33, 10, 43, 8]
"""Frames of SP k a s a SP: the format's worked example (section 3.8)."""
FRAMES = sum(DURATIONS)
TIMES = -5 * FRAME_S - 8 * FRAME_S + (np.arange(FRAMES) + 0.5) * FRAME_S
"""Of the frames' middles: k is five frames long and ends at 0."""
Table = Mapping[str, int] | bytes
"""A phonemes.json, or the bytes of a phonemes.txt."""


def ka_sa(**choices: Any) -> Phrase:
    """The phrase of the worked example."""
    return phrase_of(KA_SA, **choices)


def inputs_without(*names: str) -> tuple[str, ...]:
    """The acoustic model's inputs without some."""
    return tuple(name for name in ALL_INPUTS if name not in names)


def edit_yaml(path: Path, **keys: Any) -> None:
    """Put keys into a YAML file."""
    path.write_text(yaml.safe_dump(yaml.safe_load(path.read_text(encoding="utf-8")) | keys), encoding="utf-8")


def embedding(speaker: str, size: int) -> np.ndarray:
    """A speaker's embedding in these banks: float32 [size]."""
    return (np.arange(size) + (1.0 if "solo" in speaker else -7.5)).astype(np.float32)


def build(
    folder: Path,
    *,
    tables: Mapping[str, Table] | None = None,
    ids: Mapping[str, int] = IDS,
    config: Mapping[str, Mapping[str, Any]] | None = None,
    languages: Sequence[str] = ("durations", "pitch", "variance", "acoustic"),
    speakers: Mapping[str, Sequence[str]] | None = None,
    acoustic: Mapping[str, Any] | None = None,
    durations: Mapping[str, Any] | None = None,
    pitch: Mapping[str, Any] | None = None,
    variance: Mapping[str, Any] | None = None,
    vocoder: Mapping[str, Any] | None = None,
    without: Sequence[str] = (),
    vocoder_folder: str = "dsvocoder",
) -> Path:
    """Write a bank.

    Args:
        tables: stage → phoneme table, where it is not `ids`.
        ids: what the tables of all stages hold; vowels are the symbols that end in a.
        config: stage (or "vocoder") → keys put into its config.
        languages: stages with a languages.json.
        speakers: stage → names; the others have SPEAKERS.
        acoustic, durations, pitch, variance, vocoder: arguments of the probes; "encoder" those of the stage's encoder.
        without: predictors to leave out.
    """
    options = {"durations": durations, "pitch": pitch, "variance": variance, "acoustic": acoustic}
    for stage, chosen in options.items():
        if stage in without:
            continue
        named: dict[str, Any] = {_MODELS[stage]: "model.onnx"}
        if stage in languages:
            named |= {"languages": "languages.json", "use_lang_id": True}
        names = (speakers or {}).get(stage, SPEAKERS)
        if names:
            named["speakers"] = list(names)
        if stage == "acoustic":
            named["vocoder"] = "sine"
        else:
            named["linguistic"] = "encoder.onnx"
        made = MEL | named | dict((config or {}).get(stage, {}))
        where = folder / _NAMES[stage]
        _write_stage(where, made, (tables or {}).get(stage, ids), (chosen or {}).get("speaker_size", 4))
        _write_models(where, stage, dict(chosen or {}), ids, bool(names))
    where = folder / vocoder_folder
    described = MEL | {"name": "sine", "model": "sine.onnx"} | dict((config or {}).get("vocoder", {}))
    _write_yaml(where / "vocoder.yaml", described)
    models.vocoder(where / "sine.onnx", **(vocoder or {}))
    return folder


def _write_stage(folder: Path, config: dict[str, Any], table: Table, size: int) -> None:
    named = "phonemes.txt" if isinstance(table, bytes) else "phonemes.json"
    _write_yaml(folder / "dsconfig.yaml", {"phonemes": named} | config)
    (folder / named).write_bytes(table if isinstance(table, bytes) else json.dumps(table).encode())
    if "languages" in config:
        (folder / "languages.json").write_text(json.dumps({"en": 1, "ja": 2}), encoding="utf-8")
    for name in config.get("speakers", ()):
        path = folder / f"{name}.emb"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(embedding(name, size).tobytes())


def _write_models(folder: Path, stage: str, options: dict[str, Any], ids: Mapping[str, int], speakers: bool) -> None:
    encoder = options.pop("encoder", {})
    hidden = {"hidden": encoder["hidden"]} if "hidden" in encoder else {}
    if stage == "acoustic":
        vowels = [number for symbol, number in ids.items() if symbol.endswith("a")]
        models.acoustic(folder / "model.onnx", **({"inputs": ALL_INPUTS, "vowels": vowels} | options))
        return
    models.linguistic(folder / "encoder.onnx", **({"words": True, "languages": True} | encoder))
    if stage == "durations":
        lengths = {number: LENGTHS[symbol.rpartition("/")[2]] for symbol, number in ids.items()}
        models.dur(folder / "model.onnx", **({"speakers": False, "lengths": lengths} | hidden | options))
    elif stage == "pitch":
        usual = {"speakers": speakers, "sampling": "steps", "rests": True, "expr": True}
        models.pitch(folder / "model.onnx", **(usual | hidden | options))
    else:
        usual = {"speakers": speakers, "sampling": "steps", "heads": models.HEADS}
        models.variance(folder / "model.onnx", **(usual | hidden | options))


def _write_yaml(path: Path, document: Mapping[str, Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(dict(document), allow_unicode=True), encoding="utf-8")


@dataclass(frozen=True)
class Song:
    """What a phrase became, and what each model was fed: `fed["dspitch/model"]["expr"]`, without the batch axis."""

    bank: Voicebank
    phrase: Phrase
    mel: MelPhrase
    audio: AudioPhrase
    fed: Mapping[str, Mapping[str, np.ndarray]]

    def channel(self, name: str) -> np.ndarray:
        """A channel of the probe's mel."""
        channel: np.ndarray = self.mel.mel[:, models.CHANNELS.index(name)]
        return channel


class RecordingEngine(OnnxEngine):
    """An engine whose models keep what they were last fed."""

    def __init__(self, root: Path) -> None:
        super().__init__(threads=1)
        self.root = root
        self.fed: dict[str, dict[str, np.ndarray]] = {}

    def open(self, path: Path, **choices: Any) -> OnnxModel:
        model = super().open(path, **choices)
        run, name = type(model).run, path.relative_to(self.root).with_suffix("").as_posix()

        def recorded(feeds: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
            self.fed[name] = {key: value[0] if value.ndim > 1 else value for key, value in feeds.items()}
            return run(model, feeds)

        model.run = recorded  # type: ignore[method-assign]
        return model


def sing(folder: Path, phrase: Phrase, *, seed: int = 0, root: Path | None = None) -> Song:
    """Send a phrase through all stages of the bank in a folder."""
    bank, engine = read_voicebank(folder), RecordingEngine(root or folder)
    for predict in (predict_durations, predict_pitch, predict_variance):
        phrase = predict(phrase, bank, engine, seed)
    mel = synthesize(phrase, bank, engine, seed)
    return Song(bank, phrase, mel, vocode(mel, bank, engine, seed=seed), engine.fed)
