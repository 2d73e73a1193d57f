"""Sing an example's score with an exported voicebank: onnxruntime alone, as a renderer would."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import onnxruntime
import torch

from training import nets
from training.inventory import PHONEME_IDS, language_id
from training.levels import tension
from training.singers import SPEAKERS

if TYPE_CHECKING:
    from pathlib import Path

    from training.examples import SungExample

Arrays = dict[str, np.ndarray]
CURVES = ("breathiness", "voicing", "tension")


@dataclass(frozen=True)
class Rendering:
    """What each stage of a voicebank made of an example's score."""

    ph_dur_pred: np.ndarray
    """float32 [n] frames."""
    pitch: np.ndarray
    """float32 [T] semitones."""
    breathiness: np.ndarray
    voicing: np.ndarray
    tension: np.ndarray
    mel: np.ndarray
    """float32 [T, 128]."""
    audio: np.ndarray
    """float32 [T * 512]."""


class Bank:
    """The sessions of a voicebank folder."""

    def __init__(self, folder: Path, threads: int = 2) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        self._sessions = {
            str(path.relative_to(folder)).removesuffix(".onnx"): onnxruntime.InferenceSession(
                str(path), options, providers=["CPUExecutionProvider"]
            )
            for path in sorted(folder.rglob("*.onnx"))
        }

    def run(self, graph: str, feed: Arrays) -> Arrays:
        """Run one graph ("dspitch/pitch") and return its outputs by name."""
        session = self._sessions[graph]
        names = [output.name for output in session.get_outputs()]
        values = session.run(names, feed)
        return dict(zip(names, values, strict=True))

    def sing(self, example: SungExample, own_pitch: bool = True) -> Rendering:
        """Sing an example's score at its own phoneme durations.

        ``own_pitch`` false takes the example's F0 instead of the pitch stage's.
        """
        notes = {"note_midi": example.note_midi, "note_rest": example.note_rest}
        frames = len(example.f0)
        everything = {"retake": np.ones((1, frames), bool), "steps": np.array(10)}
        speaker = _speaker(example, frames)
        duration = self.run(
            "dsdur/dur",
            {
                **self.run("dsdur/linguistic", _words(example)),
                "ph_midi": example.ph_midi[None],
                "spk_embed": _speaker(example, len(example.phonemes)),
            },
        )["ph_dur_pred"]
        pitch = self.run(
            "dspitch/pitch",
            {
                "encoder_out": self.run("dspitch/linguistic", _words(example))["encoder_out"],
                "ph_dur": example.ph_dur[None],
                **{name: value[None] for name, value in notes.items()},
                "note_dur": example.note_dur[None],
                "pitch": np.full((1, frames), 60.0, np.float32),
                "expr": np.ones((1, frames), np.float32),
                **everything,
                "spk_embed": speaker,
            },
        )["pitch_pred"][0]
        if not own_pitch:
            pitch = (69.0 + 12.0 * np.log2(example.f0 / 440.0)).astype(np.float32)
        f0 = (440.0 * 2.0 ** ((pitch - 69.0) / 12.0)).astype(np.float32)[None]
        variance = self.run(
            "dsvariance/variance",
            {
                "encoder_out": self.run("dsvariance/linguistic", _words(example))["encoder_out"],
                "ph_dur": example.ph_dur[None],
                "pitch": pitch[None],
                **{name: np.zeros((1, frames), np.float32) for name in CURVES},
                "retake": np.ones((1, frames, 3), bool),
                "spk_embed": speaker,
                "steps": np.array(20),
            },
        )
        curves = {name: variance[f"{name}_pred"] for name in CURVES}
        mel = self.acoustic(example, f0, curves)
        audio = self.run("dsvocoder/vocoder", {"mel": mel, "f0": f0})["waveform"][0]
        return Rendering(duration[0], pitch, *(curve[0] for curve in curves.values()), mel[0], audio)

    def acoustic(self, example: SungExample, f0: np.ndarray, curves: Arrays) -> np.ndarray:
        """Return the mel float32 [1, T, 128] at ``f0`` and variance curves [1, T]."""
        frames = f0.shape[1]
        words = _words(example)
        feed = {
            "tokens": words["tokens"],
            "languages": words["languages"],
            "durations": example.ph_dur[None],
            "f0": f0,
            **curves,
            "gender": np.full((1, frames), example.gender, np.float32),
            "velocity": np.full((1, frames), example.velocity, np.float32),
            "spk_embed": _speaker(example, frames),
            "steps": np.array(20),
        }
        return self.run("acoustic", feed)["mel"]


def true_curves(example: SungExample) -> Arrays:
    """Return an example's own variance curves as the acoustic model takes them, float32 [1, T] each."""
    harmonic, f0 = torch.from_numpy(example.harmonic)[None], torch.from_numpy(example.f0)[None]
    return {
        "breathiness": example.breathiness[None],
        "voicing": example.voicing[None],
        "tension": tension(harmonic, f0, nets.bands().hertz).numpy(),
    }


def _words(example: SungExample) -> Arrays:
    tokens = [PHONEME_IDS[symbol] for symbol in example.phonemes]
    return {
        "tokens": np.array([tokens], np.int64),
        "languages": np.array([[language_id(symbol) for symbol in example.phonemes]], np.int64),
        "word_div": example.word_div[None],
        "word_dur": example.word_dur[None],
    }


def _speaker(example: SungExample, length: int) -> np.ndarray:
    code = nets.speaker_codes()[SPEAKERS.index(example.speaker)].numpy()
    return np.broadcast_to(code, (1, length, nets.HIDDEN)).copy()
