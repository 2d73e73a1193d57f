"""The training loop: one for every stage, timed, seeded, resumable.

A stage runs for a share of the budget's minutes. Every batch is drawn from a generator seeded by
(seed, stage, step), so that a run that was interrupted goes on with the batches it would have had.
What is exported is a running mean of the weights.
"""

from __future__ import annotations

import math
import time
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from training.batches import Phrase
from training.shipped import shipped, shipped_digest
from training.stage import Stage, fit_directory
from training.stages import STAGES

SHARES = {"durations": 0.05, "pitch": 0.12, "variance": 0.10, "acoustic": 0.56, "vocoder": 0.17}
"""How the minutes of fitting are divided; each net learns from what those before it predict."""
CHECKPOINT_SECONDS = 120.0
LOG_EVERY = 50
WARM_UP = 100
MEAN_DECAY = 0.998
ONWARD_RATE = 0.3
"""Of a stage's own rate: a short fit from a fitted voice must not lose what a long one had found."""


@dataclass
class Progress:
    """How far the fitting of one stage has come."""

    step: int = 0
    seconds: float = 0.0


class Fitting:
    """One stage being fitted: nets, optimiser, mean of the weights, checkpoint and log."""

    def __init__(self, stage: Stage, rate: float, seconds: float, seed: int, folder: Path) -> None:
        self.stage, self.rate, self.seconds, self.seed = stage, rate, seconds, seed
        self.folder, self.checkpoint = folder, folder / f"{stage.name}.pt"
        self.log = folder / f"{stage.name}.tsv"
        self.progress = Progress()
        groups = [
            {
                "params": [p for p in net.parameters() if p.requires_grad],
                "relative": stage.relative_rates.get(name, 1.0),
            }
            for name, net in stage.modules.items()
        ]
        self.optimiser = torch.optim.AdamW(groups, lr=rate, weight_decay=0.01)
        self.mean = {k: v.clone() for k, v in stage.modules.state_dict().items()}
        self.recent: dict[str, float] = {}
        if self.checkpoint.exists():
            self._resume()

    def run(self, phrases: list[Phrase]) -> dict[str, float]:
        """Fit until the time is up; return the smoothed losses at the end."""
        self.stage.prepare(phrases, self.folder)
        began, saved = time.monotonic() - self.progress.seconds, time.monotonic()
        self.stage.modules.train()
        while self.progress.seconds < self.seconds:
            self._step(phrases)
            self.progress.seconds = time.monotonic() - began
            if self.progress.step % LOG_EVERY == 0:
                self._write_log()
            if time.monotonic() - saved > CHECKPOINT_SECONDS:
                self._save()
                saved = time.monotonic()
        self._save()
        return self.recent

    def _step(self, phrases: list[Phrase]) -> None:
        step = self.progress.step
        for group in self.optimiser.param_groups:
            group["lr"] = group["relative"] * self._rate()
        rng = np.random.default_rng((self.seed, zlib.crc32(self.stage.name.encode()), step))
        losses = self.stage.losses(phrases, rng)
        total = torch.stack(list(losses.values())).sum()
        self.optimiser.zero_grad(set_to_none=True)
        total.backward()
        nn.utils.clip_grad_norm_(self.stage.modules.parameters(), 1.0)
        self.optimiser.step()
        decay = min(MEAN_DECAY, (step + 1) / (step + 10))
        with torch.no_grad():
            for name, value in self.stage.modules.state_dict().items():
                self.mean[name].lerp_(value, 1.0 - decay)
        for name, loss in losses.items():
            before = self.recent.get(name, float(loss.detach()))
            self.recent[name] = before + 0.02 * (float(loss.detach()) - before)
        self.progress.step += 1

    def _rate(self) -> float:
        """Warm up, then fall along a cosine to a fiftieth as the time runs out."""
        done = min(1.0, self.progress.seconds / self.seconds)
        fall = 0.02 + 0.98 * 0.5 * (1.0 + math.cos(math.pi * done))
        return self.rate * fall * min(1.0, (self.progress.step + 1) / WARM_UP)

    def _write_log(self) -> None:
        fresh = not self.log.exists()
        with self.log.open("a", encoding="utf-8") as file:
            if fresh:
                file.write("\t".join(["step", "seconds", "rate", *self.recent]) + "\n")
            values = [f"{value:.4f}" for value in self.recent.values()]
            row = [str(self.progress.step), f"{self.progress.seconds:.0f}", f"{self._rate():.2e}"]
            file.write("\t".join([*row, *values]) + "\n")

    def _save(self) -> None:
        temporary = self.checkpoint.with_suffix(".tmp")
        state = {
            "weights": self.stage.modules.state_dict(),
            "mean": self.mean,
            "optimiser": self.optimiser.state_dict(),
            "step": self.progress.step,
            "seconds": self.progress.seconds,
            "recent": self.recent,
        }
        torch.save(state, temporary)
        temporary.replace(self.checkpoint)

    def _resume(self) -> None:
        state = torch.load(self.checkpoint, weights_only=True)
        self.stage.modules.load_state_dict(state["weights"])
        self.mean = state["mean"]
        self.optimiser.load_state_dict(state["optimiser"])
        self.progress = Progress(state["step"], state["seconds"])
        self.recent = state["recent"]


def fit_stage(name: str, phrases: list[Phrase], minutes: float, seed: int, *, onward: bool = False) -> dict[str, float]:
    """Fit one stage for ``minutes`` (those of an interrupted run count), from its checkpoint.

    ``onward`` starts from the committed voicebank's weights instead of fresh ones, more gently.
    """
    torch.manual_seed(seed)
    stage = STAGES[name]()
    if onward:
        stage = shipped(stage)
    rate = stage.rate * (ONWARD_RATE if onward else 1.0)
    return Fitting(stage, rate, minutes * 60.0, seed, fits_folder(onward=onward)).run(phrases)


def fits_folder(*, onward: bool) -> Path:
    """Return the folder of the present fit: a fresh one, or one that goes on from the committed voicebank."""
    return fit_directory(shipped_digest() if onward else "")
