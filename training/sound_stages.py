"""The stages that make the sound: acoustic model and vocoder."""

from __future__ import annotations

from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from singsynth_mcp.synthesis.engines.torch.acoustic import curve_features
from singsynth_mcp.synthesis.engines.torch.vocoder import at_steps
from training import nets
from training.batches import Batch, Phrase, choose, crop_batch, curve_batch, placed, score_batch
from training.discriminator import Discriminator, contest
from training.levels import Effort, audible_gap, effort_batch, masking, recomposed, tension
from training.score_stages import Variance
from training.stage import NEUTRAL_STEPS, Stage, fitted, held, importance, of_frames, singers

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
        self.predicted: dict[int, Tensor] = {}
        return {"acoustic": nets.acoustic(), "discriminator": Discriminator()}

    def prepare(self, phrases: list[Phrase], fits: Path) -> None:
        """Let the fitted variance stage predict every phrase's curves: what singing will meet."""
        variance = fitted(Variance(), fits).to(self.device)
        self.predicted = {id(phrase): variance.curves_of(phrase) for phrase in phrases}

    def draw(self, phrases: list[Phrase], rng: np.random.Generator) -> Batch:
        """Draw crops; "tension" is NaN where it is the crop's own."""
        chosen = choose(phrases, self.batch, rng)
        batch = score_batch(chosen) | crop_batch(chosen, self.curves, self.length, rng)
        batch["tension"] = torch.full_like(batch["f0"], torch.nan)
        for row in np.flatnonzero(rng.random(self.batch) < PREDICTED_SHARE):
            if id(chosen[row]) in self.predicted:
                curves = self.predicted[id(chosen[row])][:, batch["frames"][row]]
                batch["breathiness"][row], batch["voicing"][row], batch["tension"][row] = curves
        batch |= effort_batch(self.batch, rng)
        batch["wander"] = torch.from_numpy(rng.normal(0, 1.0, (3, self.batch, 1)).astype(np.float32))
        batch["masked"] = torch.from_numpy(rng.random(batch["tokens"].shape) < self.masked_share)
        return batch

    def losses(self, batch: Batch) -> Batch:
        """Return weighted L1 distances of mel, its movement and the envelopes."""
        f0, hertz, effort, wander = batch["f0"], self.bands.hertz, Effort.of(batch), batch["wander"]
        net = self.modules["acoustic"]
        target = recomposed(net.mel, batch, self.bands, effort)
        true_tone = effort.tone(batch["harmonic"], hertz, f0)
        natural = tension(batch["harmonic"], f0, hertz)
        tense = torch.where(batch["tension"].isnan(), natural, batch["tension"])
        tense = tense + tension(true_tone, f0, hertz) - natural
        curves = curve_features(
            batch["breathiness"] + effort.noise_db[:, None] + wander[0],
            batch["voicing"] + effort.tone_db[:, None] + wander[1],
            tense + 0.1 * wander[2],
            batch["gender"][:, None].expand(-1, self.length),
            batch["velocity"][:, None].expand(-1, self.length),
        )
        tone, noise, residual = net.envelopes_at(
            net.encode(batch["tokens"] * ~batch["masked"], batch["languages"]),
            batch["ph_dur"],
            batch["frames"],
            f0,
            curves,
            singers(batch["speaker"], self.length),
        )
        mel = net.mel(tone, noise, f0) + residual
        true_tone = true_tone @ self.bands.to_mel
        true_noise = effort.noise(batch["noise"] @ self.bands.to_mel)
        masked = of_frames(batch, "masked", batch["frames"])
        weight = importance(batch, batch["frames"]) * ~masked
        mel = torch.where(masked[:, :, None], target, mel)
        gap = mel - target
        contested = contest(self.modules["discriminator"], mel, target, net.mel.pulses(f0))
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
        curves = {"breathiness": breathiness[None], "voicing": voicing[None], "tension": tense[None]}
        batch = placed(score_batch([phrase]) | curve_batch([phrase], ("f0",)) | curves, self.device)
        frames = phrase.frames
        with torch.no_grad(), self.device:
            mel: Tensor = self.modules["acoustic"](
                batch["tokens"],
                batch["languages"],
                batch["ph_dur"],
                batch["f0"],
                batch["breathiness"],
                batch["voicing"],
                batch["tension"],
                batch["gender"][:, None].expand(1, frames),
                batch["velocity"][:, None].expand(1, frames),
                singers(batch["speaker"], frames),
                NEUTRAL_STEPS,
            )
        return mel[0].cpu()


class VocoderStage(Stage):
    """The envelopes that a mel was made of, whether it is true or the acoustic model's."""

    name = "vocoder"
    batch, length = 16, 96
    curves = ("mel", "harmonic", "noise", "harmonic_steps", "noise_steps", "f0")

    def build(self) -> dict[str, nn.Module]:
        """Return the vocoder."""
        self.predicted: dict[int, np.ndarray] = {}
        return {"vocoder": nets.vocoder()}

    def prepare(self, phrases: list[Phrase], fits: Path) -> None:
        """Let the fitted variance and acoustic stages predict every phrase's mel."""
        variance, acoustic = fitted(Variance(), fits).to(self.device), fitted(AcousticStage(), fits).to(self.device)
        for phrase in phrases:
            mel = acoustic.mel_of(phrase, *variance.curves_of(phrase))
            self.predicted[id(phrase)] = mel.numpy().astype(np.float16)

    def draw(self, phrases: list[Phrase], rng: np.random.Generator) -> Batch:
        """Draw crops, and what blurs their mels."""
        chosen = choose(phrases, self.batch, rng)
        crop = crop_batch(chosen, self.curves, self.length, rng)
        for row in np.flatnonzero(rng.random(self.batch) < PREDICTED_SHARE):
            if id(chosen[row]) in self.predicted:
                mel = self.predicted[id(chosen[row])][crop["frames"][row].numpy()]
                crop["mel"][row] = torch.from_numpy(mel.astype(np.float32))
        crop |= effort_batch(self.batch, rng)
        blur = rng.uniform(0, 0.15, (self.batch, 1, 1))
        crop["grain"] = torch.from_numpy((blur * rng.normal(0, 1, crop["mel"].shape)).astype(np.float32))
        return crop

    def losses(self, batch: Batch) -> Batch:
        """Return L1 distances of the envelopes, weighted by how audible each band is."""
        net, effort, f0 = self.modules["vocoder"], Effort.of(batch), batch["f0"]
        mel = recomposed(net.mel, batch, self.bands, effort)
        tone, noise = net.envelopes(mel + batch["grain"], f0)
        f0_steps = at_steps(f0[:, :, None])[:, :, 0]
        true_tone = effort.tone(batch["harmonic_steps"].flatten(1, 2), self.bands.step_hertz, f0_steps)
        true_noise = effort.noise(batch["noise_steps"].flatten(1, 2))
        loudest = torch.maximum(true_tone, true_noise)
        return {
            "tone": held(audible_gap(tone, true_tone), masking(true_tone, loudest)),
            "noise": held(audible_gap(noise, true_noise), masking(true_noise, loudest)),
        }
