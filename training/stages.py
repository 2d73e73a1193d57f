"""What each net is fitted to: its batch, its loss. The loop is in :mod:`training.fit`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from singsynth_mcp.synthesis.engines import torch as torch_nets
from singsynth_mcp.synthesis.engines.torch.acoustic import curve_features
from training import nets, render_corpus
from training.batches import Batch, Phrase, choose, crop_batch, curve_batch, score_batch
from training.cache import cache_directory, code_key, content_key
from training.levels import PER_DB, audible_gap, level_shifts, masking, recomposed

NEUTRAL_STEPS = torch.tensor(1)
PREDICTED_SHARE = 0.6
"""How often a net is given what the net before it predicts instead of the truth."""


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

    def prepare(self, phrases: list[Phrase]) -> None:  # noqa: B027 - most stages need nothing
        """Compute what the batches need beyond the phrases, once before fitting."""

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
    batch = 4

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

    def curves_of(self, phrase: Phrase) -> Tensor:
        """Return predicted breathiness and voicing of a phrase, float32 [2, T] dB."""
        f0 = torch.from_numpy(phrase.example.f0)[None]
        with torch.no_grad():
            return torch.cat(self.predict(score_batch([phrase]), f0))

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


class AcousticStage(Stage):
    """The mel, with the envelopes it is made of as a second target."""

    name = "acoustic"
    batch, length = 8, 160
    curves = ("mel", "harmonic", "noise", "f0", "breathiness", "voicing", "voiced")

    def build(self) -> dict[str, nn.Module]:
        """Return the acoustic model."""
        self.to_mel = nets.bands_to_mel()
        self.predicted: dict[int, Tensor] = {}
        return {"acoustic": nets.acoustic()}

    def prepare(self, phrases: list[Phrase]) -> None:
        """Let the fitted variance stage predict every phrase's curves: what singing will meet."""
        variance = fitted(Variance())
        self.predicted = {id(phrase): variance.curves_of(phrase) for phrase in phrases}

    def losses(self, phrases: list[Phrase], rng: np.random.Generator) -> Batch:
        """Return weighted L1 distances of mel, its movement and the envelopes."""
        chosen = choose(phrases, self.batch, rng)
        score, crop = score_batch(chosen), crop_batch(chosen, self.curves, self.length, rng)
        for row in np.flatnonzero(rng.random(self.batch) < PREDICTED_SHARE):
            if id(chosen[row]) in self.predicted:
                curves = self.predicted[id(chosen[row])][:, crop["frames"][row]]
                crop["breathiness"][row], crop["voicing"][row] = curves
        tone_db = level_shifts(self.batch, rng)
        noise_db = level_shifts(self.batch, rng)
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
        true_tone = crop["harmonic"] @ self.to_mel + PER_DB * tone_db[:, None, None]
        true_noise = crop["noise"] @ self.to_mel + PER_DB * noise_db[:, None, None]
        weight = self.weights(score, crop)
        gap = mel - target
        return {
            "mel": held(gap.abs(), weight),
            "movement": 0.3 * held((gap[:, 1:] - gap[:, :-1]).abs(), weight[:, 1:]),
            "tone": 0.3 * held(audible_gap(tone, true_tone), weight),
            "noise": 0.3 * held(audible_gap(noise, true_noise), weight),
            "residual": 0.1 * held(residual.abs(), weight),
        }

    def mel_of(self, phrase: Phrase, breathiness: Tensor, voicing: Tensor) -> Tensor:
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
                score["gender"][:, None].expand(1, frames),
                singers(score["speaker"], frames),
                NEUTRAL_STEPS,
            )
        return mel[0]

    def weights(self, score: Batch, crop: Batch) -> Tensor:
        """Weigh consonants (short, and what makes words) more than vowels, silence less."""
        ends = torch.cumsum(score["ph_dur"], dim=1)
        owner = (crop["frames"][:, :, None] >= ends[:, None, :]).long().sum(dim=2)
        consonant = ~torch.gather(score["ph_vowel"], 1, owner)
        silent = torch.gather(score["tokens"], 1, owner) == nets.SILENCE_ID
        return 1.0 + 1.5 * consonant.float() - 0.6 * silent.float()


class VocoderStage(Stage):
    """The envelopes that a mel was made of, whether it is true or the acoustic model's."""

    name = "vocoder"
    batch, length = 16, 96
    curves = ("mel", "harmonic", "noise", "f0")

    def build(self) -> dict[str, nn.Module]:
        """Return the vocoder."""
        self.to_mel = nets.bands_to_mel()
        self.predicted: dict[int, np.ndarray] = {}
        return {"vocoder": nets.vocoder()}

    def prepare(self, phrases: list[Phrase]) -> None:
        """Let the fitted variance and acoustic stages predict every phrase's mel."""
        variance, acoustic = fitted(Variance()), fitted(AcousticStage())
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
        tone_db = level_shifts(self.batch, rng)
        noise_db = level_shifts(self.batch, rng)
        mel = recomposed(net.mel, crop, self.to_mel, tone_db, noise_db)
        blur = torch.from_numpy(rng.uniform(0, 0.15, (self.batch, 1, 1)).astype(np.float32))
        grain = torch.from_numpy(rng.normal(0, 1, mel.shape).astype(np.float32))
        tone, noise = net.envelopes(mel + blur * grain, crop["f0"])
        true_tone = crop["harmonic"] + PER_DB * tone_db[:, None, None]
        true_noise = crop["noise"] + PER_DB * noise_db[:, None, None]
        loudest = torch.maximum(true_tone, true_noise)
        return {
            "tone": held(audible_gap(tone, true_tone), masking(true_tone, loudest)),
            "noise": held(audible_gap(noise, true_noise), masking(true_noise, loudest)),
        }


FittedStage = TypeVar("FittedStage", bound=Stage)


def fitted(stage: FittedStage) -> FittedStage:
    """Load the mean of a stage's fitted weights into it, ready to be used or exported."""
    state = torch.load(fit_directory() / f"{stage.name}.pt", weights_only=True)
    stage.modules.load_state_dict(state["mean"])
    stage.modules.eval()
    return stage


def fit_directory() -> Path:
    """Return the folder of checkpoints and loss logs of the present corpus and nets."""
    here = Path(__file__).parent
    sources = [*Path(torch_nets.__file__).parent.glob("*.py")]
    sources += [here / f"{name}.py" for name in ("batches", "levels", "mel", "nets", "stages")]
    key = content_key(render_corpus.corpus_folder().name, code_key(sources))
    return cache_directory("fit", key)


STAGES: dict[str, type[Stage]] = {
    stage.name: stage for stage in (Durations, Pitch, Variance, AcousticStage, VocoderStage)
}
