"""What each net is fitted to: its batch, its loss. The loop is in :mod:`training.fit`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor, nn

from singsynth_mcp.synthesis.engines.torch.acoustic import curve_features
from training import nets
from training.batches import Batch, Phrase, choose, crop_batch, curve_batch, score_batch

if TYPE_CHECKING:
    from singsynth_mcp.synthesis.engines.torch.harmonics import HarmonicMel

NEUTRAL_STEPS = torch.tensor(1)
AUDIBLE = -9.0
"""Natural log amplitude below which an envelope's exact value hardly matters."""


class Stage(ABC):
    """One net (or pair of nets) and how it is fitted."""

    name: str
    rate = 1.5e-3
    """Peak learning rate."""

    def __init__(self) -> None:
        self.modules = nn.ModuleDict(self.build())

    @abstractmethod
    def build(self) -> dict[str, nn.Module]:
        """Return the nets by name, fresh."""

    @abstractmethod
    def losses(self, phrases: list[Phrase], rng: np.random.Generator) -> Batch:
        """Draw a batch and return its losses by name; their sum is minimised."""


def held(differences: Tensor, weight: Tensor) -> Tensor:
    """Return the mean of ``differences`` under ``weight`` (same shape, or fewer last axes)."""
    while weight.dim() < differences.dim():
        weight = weight[..., None]
    weight = weight.expand_as(differences)
    return (differences * weight).sum() / weight.sum().clamp(min=1e-6)


def singers(speakers: Tensor, length: int) -> Tensor:
    """Return speaker codes [B, length, HIDDEN]."""
    return nets.speaker_codes()[speakers][:, None].expand(-1, length, -1)


def encoded(encoder: nn.Module, score: Batch) -> tuple[Tensor, Tensor]:
    """Run a linguistic encoder on a batch."""
    out, masks = encoder(score["tokens"], score["languages"], score["word_div"], score["word_dur"])
    return out, masks


class Durations(Stage):
    """Natural lengths of the phonemes that follow the first of their word, in log frames."""

    name = "durations"
    batch = 24

    def build(self) -> dict[str, nn.Module]:
        """Return the encoder and the predictor."""
        return {"linguistic": nets.linguistic(), "durations": nets.durations()}

    def losses(self, phrases: list[Phrase], rng: np.random.Generator) -> Batch:
        """Return the L1 distance of log frames."""
        score = score_batch(choose(phrases, self.batch, rng))
        out, masks = encoded(self.modules["linguistic"], score)
        spk = singers(score["speaker"], masks.shape[1])
        natural = self.modules["durations"].natural(out, masks, score["ph_midi"], spk)
        target = torch.log(score["natural_ph_dur"].clamp(min=0.5))
        later = (out[:, :, 1] < 0.5) & ~masks
        return {"log_frames": held((natural - target).abs(), later.float())}


class Pitch(Stage):
    """The pitch rules' curve, in semitones."""

    name = "pitch"
    batch = 6

    def build(self) -> dict[str, nn.Module]:
        """Return the encoder and the predictor."""
        return {"linguistic": nets.linguistic(), "pitch": nets.pitch()}

    def predict(self, score: Batch, frames: Tensor) -> Tensor:
        """Return the predicted curve [B, T] for a batch with as many frames as ``frames``."""
        out, _ = encoded(self.modules["linguistic"], score)
        predicted: Tensor = self.modules["pitch"](
            out,
            score["ph_dur"],
            score["note_midi"],
            score["note_rest"],
            score["note_dur"],
            torch.full_like(frames, 60.0),
            torch.ones_like(frames),
            torch.ones_like(frames, dtype=torch.bool),
            singers(score["speaker"], frames.shape[1]),
            NEUTRAL_STEPS,
        )
        return predicted

    def losses(self, phrases: list[Phrase], rng: np.random.Generator) -> Batch:
        """Return the L1 distance in semitones and that of the curve's slope."""
        chosen = choose(phrases, self.batch, rng)
        curves = curve_batch(chosen, ("f0_rule",))
        gap = self.predict(score_batch(chosen), curves["f0_rule"]) - curves["f0_rule"]
        inside = curves["inside"].float()
        slope = (gap[:, 1:] - gap[:, :-1]).abs()
        return {"semitones": held(gap.abs(), inside), "slope": held(slope, inside[:, 1:])}


class Variance(Stage):
    """Breathiness and voicing, in dB."""

    name = "variance"
    batch = 6

    def build(self) -> dict[str, nn.Module]:
        """Return the encoder and the predictor."""
        return {"linguistic": nets.linguistic(), "variance": nets.variance()}

    def predict(self, score: Batch, f0: Tensor) -> tuple[Tensor, Tensor]:
        """Return predicted breathiness and voicing [B, T] at ``f0`` Hz."""
        out, _ = encoded(self.modules["linguistic"], score)
        noise, tone = self.modules["variance"](
            out,
            score["ph_dur"],
            69.0 + 12.0 * torch.log2(f0 / 440.0),
            torch.zeros_like(f0),
            torch.zeros_like(f0),
            torch.ones(*f0.shape, 2, dtype=torch.bool),
            singers(score["speaker"], f0.shape[1]),
            NEUTRAL_STEPS,
        )
        return noise, tone

    def losses(self, phrases: list[Phrase], rng: np.random.Generator) -> Batch:
        """Return L1 distances in units of 10 dB."""
        chosen = choose(phrases, self.batch, rng)
        curves = curve_batch(chosen, ("f0", "breathiness", "voicing"))
        noise, tone = self.predict(score_batch(chosen), curves["f0"])
        inside = curves["inside"].float()
        return {
            "breathiness": held((noise - curves["breathiness"]).abs() / 10.0, inside),
            "voicing": held((tone - curves["voicing"]).abs() / 10.0, inside),
        }


def recomposed(
    mel: HarmonicMel, crop: Batch, to_mel: Tensor, tone_db: Tensor, noise_db: Tensor
) -> Tensor:
    """Return the crop's mel with its tone and noise made louder by dB, [B] or [B, T] each.

    The stored mel is exact; the *change* comes from the composition formula, so that no shift
    returns the stored mel itself.
    """
    per_db = np.log(10.0) / 20.0
    tone, noise = crop["harmonic"] @ to_mel, crop["noise"] @ to_mel
    louder_tone = tone + per_db * tone_db.reshape(len(tone_db), -1, 1)
    louder_noise = noise + per_db * noise_db.reshape(len(noise_db), -1, 1)
    f0 = crop["f0"]
    return crop["mel"] + mel(louder_tone, louder_noise, f0) - mel(tone, noise, f0)


class AcousticStage(Stage):
    """The mel, with the envelopes it is made of as a second target."""

    name = "acoustic"
    batch, length = 8, 160
    curves = ("mel", "harmonic", "noise", "f0", "breathiness", "voicing", "voiced")

    def build(self) -> dict[str, nn.Module]:
        """Return the acoustic model."""
        self.to_mel = nets.bands_to_mel()
        return {"acoustic": nets.acoustic()}

    def losses(self, phrases: list[Phrase], rng: np.random.Generator) -> Batch:
        """Return weighted L1 distances of mel, its movement and the envelopes."""
        chosen = choose(phrases, self.batch, rng)
        score, crop = score_batch(chosen), crop_batch(chosen, self.curves, self.length, rng)
        tone_db = torch.from_numpy(_shifts(self.batch, rng))
        noise_db = torch.from_numpy(_shifts(self.batch, rng))
        net = self.modules["acoustic"]
        target = recomposed(net.mel, crop, self.to_mel, tone_db, noise_db)
        gender = score["gender"][:, None].expand(-1, self.length)
        wander = torch.from_numpy(rng.normal(0, 1.0, (2, self.batch, 1)).astype(np.float32))
        curves = curve_features(
            crop["breathiness"] + noise_db[:, None] + wander[0],
            crop["voicing"] + tone_db[:, None] + wander[1],
            gender,
        )
        tone, noise, residual = net.envelopes_at(
            net.encode(score["tokens"], score["languages"]),
            score["ph_dur"],
            crop["frames"],
            crop["f0"],
            curves,
            singers(score["speaker"], self.length),
        )
        mel = net.mel(tone, noise, crop["f0"]) + residual
        per_db = np.log(10.0) / 20.0
        true_tone = crop["harmonic"] @ self.to_mel + per_db * tone_db[:, None, None]
        true_noise = crop["noise"] @ self.to_mel + per_db * noise_db[:, None, None]
        weight = self.weights(score, crop)
        gap = mel - target
        return {
            "mel": held(gap.abs(), weight),
            "movement": 0.3 * held((gap[:, 1:] - gap[:, :-1]).abs(), weight[:, 1:]),
            "tone": 0.3 * held(_audible_gap(tone, true_tone), weight),
            "noise": 0.3 * held(_audible_gap(noise, true_noise), weight),
            "residual": 0.1 * held(residual.abs(), weight),
        }

    def weights(self, score: Batch, crop: Batch) -> Tensor:
        """Weigh consonants (short, and what makes words) more than vowels, silence less."""
        ends = torch.cumsum(score["ph_dur"], dim=1)
        owner = (crop["frames"][:, :, None] >= ends[:, None, :]).long().sum(dim=2)
        consonant = ~torch.gather(score["ph_vowel"], 1, owner)
        silent = torch.gather(score["tokens"], 1, owner) == nets.SILENCE_ID
        return 1.0 + 1.5 * consonant.float() - 0.6 * silent.float()


def _shifts(count: int, rng: np.random.Generator) -> np.ndarray:
    """Draw level changes in dB, half of them none."""
    return (rng.uniform(-12.0, 9.0, count) * (rng.random(count) < 0.5)).astype(np.float32)


def _audible_gap(predicted: Tensor, target: Tensor) -> Tensor:
    """Return |predicted - target| of log amplitudes, both floored where nothing is heard."""
    return (predicted.clamp(min=AUDIBLE) - target.clamp(min=AUDIBLE)).abs()


class VocoderStage(Stage):
    """The envelopes that a mel was made of."""

    name = "vocoder"
    batch, length = 16, 96
    curves = ("mel", "harmonic", "noise", "f0")

    def build(self) -> dict[str, nn.Module]:
        """Return the vocoder."""
        self.to_mel = nets.bands_to_mel()
        return {"vocoder": nets.vocoder()}

    def losses(self, phrases: list[Phrase], rng: np.random.Generator) -> Batch:
        """Return L1 distances of the envelopes, weighted by how audible each band is."""
        chosen = choose(phrases, self.batch, rng)
        crop = crop_batch(chosen, self.curves, self.length, rng)
        net = self.modules["vocoder"]
        tone_db = torch.from_numpy(_shifts(self.batch, rng))
        noise_db = torch.from_numpy(_shifts(self.batch, rng))
        mel = recomposed(net.mel, crop, self.to_mel, tone_db, noise_db)
        blur = torch.from_numpy(rng.uniform(0, 0.15, (self.batch, 1, 1)).astype(np.float32))
        grain = torch.from_numpy(rng.normal(0, 1, mel.shape).astype(np.float32))
        tone, noise = net.envelopes(mel + blur * grain, crop["f0"])
        per_db = np.log(10.0) / 20.0
        true_tone = crop["harmonic"] + per_db * tone_db[:, None, None]
        true_noise = crop["noise"] + per_db * noise_db[:, None, None]
        loudest = torch.maximum(true_tone, true_noise)
        return {
            "tone": held(_audible_gap(tone, true_tone), masking(true_tone, loudest)),
            "noise": held(_audible_gap(noise, true_noise), masking(true_noise, loudest)),
        }


def masking(level: Tensor, loudest: Tensor) -> Tensor:
    """Return how much each band of a part matters: little where the other part drowns it."""
    return torch.sigmoid((level - loudest + 2.5) * 1.5) + 0.1


STAGES: dict[str, type[Stage]] = {
    stage.name: stage for stage in (Durations, Pitch, Variance, VocoderStage, AcousticStage)
}
