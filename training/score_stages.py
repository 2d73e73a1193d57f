"""The stages that read the score: durations, pitch, variance."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from singsynth_mcp.synthesis.engines.torch.pitch import flutter
from training import nets
from training.batches import Batch, Phrase, choose, curve_batch, placed, score_batch
from training.levels import tension
from training.stage import NEUTRAL_STEPS, Stage, encoded, held, importance, singers


class Durations(Stage):
    """Natural lengths of the phonemes that follow the first of their word, in log frames."""

    name = "durations"
    batch = 24

    def build(self) -> dict[str, nn.Module]:
        """Return the encoder and the predictor."""
        return {"linguistic": nets.linguistic(), "durations": nets.durations()}

    def draw(self, phrases: list[Phrase], rng: np.random.Generator) -> Batch:
        """Draw scores."""
        return score_batch(choose(phrases, self.batch, rng))

    def losses(self, score: Batch) -> Batch:
        """Return the L1 distance of log frames."""
        out, masks = encoded(self.modules["linguistic"], score)
        spk = singers(score["speaker"], masks.shape[1])
        natural = self.modules["durations"].natural(out, masks, score["ph_midi"], spk)
        target = torch.log(score["natural_ph_dur"].clamp(min=0.5))
        later = (out[:, :, 1] < 0.5) & ~masks
        return {"log_frames": held((natural - target).abs(), later.float())}


class Pitch(Stage):
    """The pitch rules' curve, in semitones."""

    name = "pitch"
    batch = 4

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

    def draw(self, phrases: list[Phrase], rng: np.random.Generator) -> Batch:
        """Draw scores and their curves."""
        chosen = choose(phrases, self.batch, rng)
        return score_batch(chosen) | curve_batch(chosen, ("f0_rule",))

    def losses(self, batch: Batch) -> Batch:
        """Return the L1 distance in semitones and that of the curve's slope."""
        wanted = batch["f0_rule"] + flutter(torch.arange(batch["f0_rule"].shape[1]))
        gap = self.predict(batch, wanted) - wanted
        inside = batch["inside"].float()
        slope = (gap[:, 1:] - gap[:, :-1]).abs()
        return {"semitones": held(gap.abs(), inside), "slope": held(slope, inside[:, 1:])}


class Variance(Stage):
    """Breathiness and voicing in dB, tension."""

    name = "variance"
    batch = 4

    def build(self) -> dict[str, nn.Module]:
        """Return the encoder and the predictor."""
        return {"linguistic": nets.linguistic(), "variance": nets.variance()}

    def predict(self, score: Batch, f0: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return predicted breathiness, voicing and tension [B, T] at ``f0`` Hz."""
        out, _ = encoded(self.modules["linguistic"], score)
        curves: tuple[Tensor, Tensor, Tensor] = self.modules["variance"](
            out,
            score["ph_dur"],
            69.0 + 12.0 * torch.log2(f0 / 440.0),
            *(torch.zeros_like(f0) for _ in range(3)),
            torch.ones(*f0.shape, 3, dtype=torch.bool),
            singers(score["speaker"], f0.shape[1]),
            NEUTRAL_STEPS,
        )
        return curves

    def curves_of(self, phrase: Phrase) -> Tensor:
        """Return predicted breathiness, voicing and tension of a phrase, float32 [3, T]."""
        batch = placed(score_batch([phrase]) | curve_batch([phrase], ("f0",)), self.device)
        with torch.no_grad(), self.device:
            return torch.cat(self.predict(batch, batch["f0"])).cpu()

    def draw(self, phrases: list[Phrase], rng: np.random.Generator) -> Batch:
        """Draw scores and their curves."""
        chosen = choose(phrases, self.batch, rng)
        return score_batch(chosen) | curve_batch(chosen, ("f0", "breathiness", "voicing", "harmonic"))

    def losses(self, batch: Batch) -> Batch:
        """Return weighted L1 distances in units of 10 dB, of tension in units of 2."""
        noise, tone, tense = self.predict(batch, batch["f0"])
        frames = torch.arange(batch["f0"].shape[1]).expand_as(batch["f0"])
        weight = importance(batch, frames) * batch["inside"]
        true_tension = tension(batch["harmonic"].float(), batch["f0"], self.bands.hertz)
        return {
            "breathiness": held((noise - batch["breathiness"]).abs() / 10.0, weight),
            "voicing": held((tone - batch["voicing"]).abs() / 10.0, weight),
            "tension": held((tense - true_tension).abs() / 2.0, weight),
        }
