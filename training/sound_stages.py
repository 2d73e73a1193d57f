"""The stages that make the sound: acoustic model and vocoder."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from singsynth_mcp.synthesis.engines.torch.acoustic import curve_features
from training import nets
from training.batches import Batch, Phrase, choose, crop_batch, score_batch
from training.discriminator import Discriminator, contest
from training.levels import Effort, audible_gap, masking, recomposed, tension
from training.score_stages import Variance
from training.stage import NEUTRAL_STEPS, Stage, fitted, held, importance, singers

PREDICTED_SHARE = 0.6
"""How often a net is given what the net before it predicts instead of the truth."""


class AcousticStage(Stage):
    """The mel, with the envelopes it is made of as a second target, and a discriminator to deceive."""

    name = "acoustic"
    relative_rates: ClassVar = {"discriminator": 0.4}
    judge = "discriminator"
    batch, length = 8, 160
    curves = ("mel", "harmonic", "noise", "f0", "breathiness", "voicing", "voiced")

    def build(self) -> dict[str, nn.Module]:
        """Return the acoustic model."""
        self.bands = nets.bands()
        self.predicted: dict[int, Tensor] = {}
        return {"acoustic": nets.acoustic(), "discriminator": Discriminator()}

    def prepare(self, phrases: list[Phrase], fits: Path) -> None:
        """Let the fitted variance stage predict every phrase's curves: what singing will meet."""
        variance = fitted(Variance(), fits)
        self.predicted = {id(phrase): variance.curves_of(phrase) for phrase in phrases}

    def losses(self, phrases: list[Phrase], rng: np.random.Generator) -> Batch:
        """Return weighted L1 distances of mel, its movement and the envelopes."""
        chosen = choose(phrases, self.batch, rng)
        score, crop = score_batch(chosen), crop_batch(chosen, self.curves, self.length, rng)
        natural = tension(crop["harmonic"], crop["f0"], self.bands.hertz)
        tense = natural.clone()
        for row in np.flatnonzero(rng.random(self.batch) < PREDICTED_SHARE):
            if id(chosen[row]) in self.predicted:
                curves = self.predicted[id(chosen[row])][:, crop["frames"][row]]
                crop["breathiness"][row], crop["voicing"][row], tense[row] = curves
        effort = Effort.draw(self.batch, rng)
        net = self.modules["acoustic"]
        target = recomposed(net.mel, crop, self.bands, effort)
        true_tone = effort.tone(crop["harmonic"], self.bands.hertz, crop["f0"])
        tense = tense + tension(true_tone, crop["f0"], self.bands.hertz) - natural
        wander = torch.from_numpy(rng.normal(0, 1.0, (3, self.batch, 1)).astype(np.float32))
        curves = curve_features(
            crop["breathiness"] + effort.noise_db[:, None] + wander[0],
            crop["voicing"] + effort.tone_db[:, None] + wander[1],
            tense + 0.1 * wander[2],
            score["gender"][:, None].expand(-1, self.length),
            score["velocity"][:, None].expand(-1, self.length),
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
        true_tone = true_tone @ self.bands.to_mel
        true_noise = effort.noise(crop["noise"] @ self.bands.to_mel)
        weight = importance(score, crop["frames"])
        gap = mel - target
        contested = contest(self.modules["discriminator"], mel, target, net.mel.pulses(crop["f0"]))
        return {
            "mel": held(gap.abs(), weight),
            "movement": 0.3 * held((gap[:, 1:] - gap[:, :-1]).abs(), weight[:, 1:]),
            "tone": 0.3 * held(audible_gap(tone, true_tone), weight),
            "noise": 0.3 * held(audible_gap(noise, true_noise), weight),
            "residual": 0.1 * held(residual.abs(), weight),
            "discriminator": contested["discriminator"],
            "adversarial": 0.15 * contested["adversarial"],
            "features": 0.4 * contested["features"],
        }

    def mel_of(self, phrase: Phrase, breathiness: Tensor, voicing: Tensor, tense: Tensor) -> Tensor:
        """Return the mel float32 [T, M] of a phrase at its F0 under variance curves [T]."""
        score, frames = score_batch([phrase]), phrase.frames
        with torch.no_grad():
            mel: Tensor = self.modules["acoustic"](
                score["tokens"],
                score["languages"],
                score["ph_dur"],
                torch.from_numpy(phrase.example.f0)[None],
                breathiness[None],
                voicing[None],
                tense[None],
                score["gender"][:, None].expand(1, frames),
                score["velocity"][:, None].expand(1, frames),
                singers(score["speaker"], frames),
                NEUTRAL_STEPS,
            )
        return mel[0]


class VocoderStage(Stage):
    """The envelopes that a mel was made of, whether it is true or the acoustic model's."""

    name = "vocoder"
    batch, length = 16, 96
    curves = ("mel", "harmonic", "noise", "f0")

    def build(self) -> dict[str, nn.Module]:
        """Return the vocoder."""
        self.bands = nets.bands()
        self.predicted: dict[int, np.ndarray] = {}
        return {"vocoder": nets.vocoder()}

    def prepare(self, phrases: list[Phrase], fits: Path) -> None:
        """Let the fitted variance and acoustic stages predict every phrase's mel."""
        variance, acoustic = fitted(Variance(), fits), fitted(AcousticStage(), fits)
        for phrase in phrases:
            mel = acoustic.mel_of(phrase, *variance.curves_of(phrase))
            self.predicted[id(phrase)] = mel.numpy().astype(np.float16)

    def losses(self, phrases: list[Phrase], rng: np.random.Generator) -> Batch:
        """Return L1 distances of the envelopes, weighted by how audible each band is."""
        chosen = choose(phrases, self.batch, rng)
        crop = crop_batch(chosen, self.curves, self.length, rng)
        for row in np.flatnonzero(rng.random(self.batch) < PREDICTED_SHARE):
            if id(chosen[row]) in self.predicted:
                mel = self.predicted[id(chosen[row])][crop["frames"][row].numpy()]
                crop["mel"][row] = torch.from_numpy(mel.astype(np.float32))
        net = self.modules["vocoder"]
        effort = Effort.draw(self.batch, rng)
        mel = recomposed(net.mel, crop, self.bands, effort)
        blur = torch.from_numpy(rng.uniform(0, 0.15, (self.batch, 1, 1)).astype(np.float32))
        grain = torch.from_numpy(rng.normal(0, 1, mel.shape).astype(np.float32))
        tone, noise = net.envelopes(mel + blur * grain, crop["f0"])
        true_tone = effort.tone(crop["harmonic"], self.bands.hertz, crop["f0"])
        true_noise = effort.noise(crop["noise"])
        loudest = torch.maximum(true_tone, true_noise)
        return {
            "tone": held(audible_gap(tone, true_tone), masking(true_tone, loudest)),
            "noise": held(audible_gap(noise, true_noise), masking(true_noise, loudest)),
        }
