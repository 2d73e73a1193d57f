"""Audio of a phrase: the vocoder (format, sections 1.8, 2.6 and 3.7)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from singsynth_mcp.errors import InvalidVoicebank, SynthesisFailed
from singsynth_mcp.performance.curves import sample_curve
from singsynth_mcp.performance.model import AudioPhrase, Curve, MelPhrase
from singsynth_mcp.synthesis.engines.onnx import Array, OnnxEngine
from singsynth_mcp.synthesis.feeds import run_model
from singsynth_mcp.synthesis.frames import Floats
from singsynth_mcp.voicebanks import Voicebank
from singsynth_mcp.voicebanks.config import VocoderConfig
from singsynth_mcp.voicebanks.files import inside

VERSION = 2
FULL_DYNAMICS = 1.0
"""Of the control `dynamics` where nothing is asked for."""
FADE_FRAMES = 4
"""Of silence at each end: phrases are summed, and a step there would click."""
_EQUAL = ("sample_rate", "hop_size", "win_size", "fft_size", "num_mel_bins", "mel_fmin", "mel_fmax", "mel_scale")


@dataclass(frozen=True)
class Gain:
    """How loud a phrase is sung: what was asked for, and the score's dynamics as far as they are followed."""

    loudness_db: Curve = 0.0
    dynamics_db: Curve = 0.0
    dynamics: Curve = FULL_DYNAMICS
    """Share of `dynamics_db` that is sung."""

    @property
    def is_none(self) -> bool:
        """Whether it leaves everything as it is."""
        return self.loudness_db == 0.0 and (self.dynamics_db == 0.0 or self.dynamics == 0.0)

    def sampled(self, times_s: Floats) -> Floats:
        """Return dB at times in seconds from the phrase's origin."""
        dynamics = sample_curve(self.dynamics_db, times_s) * sample_curve(self.dynamics, times_s)
        return sample_curve(self.loudness_db, times_s) + dynamics

    def facts(self) -> tuple[Curve, ...]:
        """Return what an audio depends on; without dynamics no more than the loudness."""
        if self.dynamics_db == 0.0 or self.dynamics == 0.0:
            return (self.loudness_db,)
        return (self.loudness_db, self.dynamics_db, self.dynamics)


def vocode(mel: MelPhrase, bank: Voicebank, engine: OnnxEngine, gain: Gain | None = None, seed: int = 0) -> AudioPhrase:
    """Return the mel's audio: mono, faded at both ends, with a gain applied.

    seed: the phrase's own.
    """
    config, path = checked_vocoder(bank)
    model = engine.open(path, on_cpu=config.force_on_cpu)
    log_mel = mel.mel * np.float32(_base_factor(bank.acoustic.config.mel_base, config.mel_base))
    outputs = run_model(model, {"mel": log_mel, "f0": mel.f0_hz}, "vocoder", seed)
    audio = outputs.get("waveform", next(iter(outputs.values()))).reshape(-1).astype(np.float32)
    if len(audio) != len(mel.mel) * config.hop_size:
        raise SynthesisFailed(
            f"model {path} answered {len(audio)} samples for {len(mel.mel)} frames of {config.hop_size}"
        )
    faded = audio * _fades(len(audio), FADE_FRAMES * config.hop_size)
    return AudioPhrase(_with_gain(faded, mel.offset_s, config, gain or Gain()), config.sample_rate, mel.offset_s)


def vocoder_files(bank: Voicebank) -> list[Path]:
    """Return the files that the stage's result depends on beside the voicebank's text files."""
    folder, _ = bank.vocoder
    _, path = checked_vocoder(bank)
    if not path.is_file():
        raise InvalidVoicebank(f"{path} is missing", hint="Reinstall the vocoder", path=str(path))
    return [path, folder / "vocoder.yaml"]


def models_on_cpu(bank: Voicebank, models: list[Path]) -> list[Path]:
    """Return the vocoder where its package says that it must run on the CPU."""
    return models if bank.vocoder[1].force_on_cpu else []


def checked_vocoder(bank: Voicebank) -> tuple[VocoderConfig, Path]:
    """Return the vocoder's config and model. Raises InvalidVoicebank when it wants another mel than the bank makes."""
    folder, config = bank.vocoder
    acoustic = bank.acoustic.config
    for key in _EQUAL:
        ours, wanted = getattr(acoustic, key), getattr(config, key)
        agree = math.isclose(ours, wanted, abs_tol=1e-5) if isinstance(ours, float) else ours == wanted
        if not agree:
            raise InvalidVoicebank(
                f"the vocoder {folder} wants {key} {wanted}, the acoustic model of {bank.id} makes {ours}",
                hint="Put the vocoder that the voicebank was made for into its dsvocoder folder",
                path=str(folder / "vocoder.yaml"),
            )
    return config, inside(folder, folder, config.model)


def _base_factor(made: str, wanted: str) -> float:
    """Return what turns a logarithm of one base into the other's."""
    for base in (made, wanted):
        if base not in ("10", "e"):
            raise InvalidVoicebank(f"mel_base {base} is unknown; it is 10 or e")
    return math.log(10.0) ** ((made == "10") - (wanted == "10"))


def _fades(samples: int, fade: int) -> Array:
    """Return a raised cosine at both ends, float32 [samples]."""
    fade = min(fade, samples // 2)
    window = np.ones(samples, np.float32)
    rise = (0.5 - 0.5 * np.cos(np.pi * np.arange(fade) / fade)).astype(np.float32) if fade else window[:0]
    window[:fade] = rise
    window[samples - fade :] = rise[::-1]
    return window


def _with_gain(audio: Array, offset_s: float, config: VocoderConfig, gain: Gain) -> Array:
    if gain.is_none:
        return audio
    frames = len(audio) // config.hop_size
    times = offset_s + np.arange(frames + 1, dtype=np.float64) * np.float64(config.frame_s)
    levels_db = gain.sampled(times)
    gain_db = np.interp(np.arange(len(audio)) / config.hop_size, np.arange(frames + 1), levels_db)
    return (audio * 10.0 ** (gain_db / 20.0)).astype(np.float32)
