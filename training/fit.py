"""The training loop: one for every stage, timed, seeded, resumable, on CPU cores or a GPU.

A stage runs for a share of the budget's minutes. Every batch is drawn from a generator seeded by
(seed, stage, step), so that a run that was interrupted goes on with the batches it would have had.
What is exported is a running mean of the weights; of a fit that goes on, what lies between that and what it began
with: that is as good on what is learned and better on what is not (Wortsman et al., Robust fine-tuning of zero-shot
models, 2022).
"""

from __future__ import annotations

import math
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.optim import swa_utils
from torch.utils.data import DataLoader, Dataset

from training.batches import Batch, Phrase, placed
from training.shipped import shipped, shipped_digest
from training.stage import Stage, fit_directory
from training.stages import STAGES

SHARES = {"durations": 0.05, "pitch": 0.12, "variance": 0.10, "acoustic": 0.56, "vocoder": 0.17}
"""How the minutes of fitting are divided; each net learns from what those before it predict."""
CHECKPOINT_SECONDS = 120.0
LOG_EVERY = 50
WARM_UP = 100
ALONE_STEPS = 600
"""How long a stage's judge, which is not exported and begins anew, learns alone before the rest goes on."""


@dataclass(frozen=True)
class Pace:
    """What a fit makes of the minutes that it has on a device."""

    batches: int
    """How many of a stage's batches are learned from in one step."""
    onward_rate: float
    """Of a stage's own rate, where a fit goes on: a short one must not lose what a long one had found."""
    onward_way: float
    """What share of its way from the weights it began with a fit that goes on keeps."""
    mean_decay: float
    """Of the running mean of the weights, each step."""
    masked_share: float
    """See :attr:`training.stage.Stage.masked_share`; what is short has not learned much by heart."""
    drawing_processes: int
    """How many draw batches ahead; 0: each is drawn when it is needed."""


ON_CPU = Pace(batches=1, onward_rate=0.3, onward_way=0.25, mean_decay=0.998, masked_share=0.0, drawing_processes=0)
ON_GPU = Pace(batches=8, onward_rate=1.0, onward_way=0.5, mean_decay=0.9995, masked_share=0.15, drawing_processes=8)
"""Such small nets cost a GPU the same time with one batch a step or eight: minutes there are hours on two cores."""


class Draws(Dataset[Batch]):
    """The batches of a stage by step, each drawn from a generator seeded by (seed, stage, step)."""

    def __init__(self, stage: Stage, phrases: list[Phrase], seed: int) -> None:
        self.stage, self.phrases, self.seed = stage, phrases, seed

    def __getitem__(self, step: int) -> Batch:
        """Return the batch of a step, on the CPU."""
        return self.stage.draw(
            self.phrases, np.random.default_rng((self.seed, zlib.crc32(self.stage.name.encode()), step))
        )

    def ahead(self, step: int, processes: int) -> Iterator[Batch]:
        """Yield the batches from ``step`` on, drawn by so many processes."""
        pinned = torch.cuda.is_available()
        forked = {"multiprocessing_context": "fork", "prefetch_factor": 4, "pin_memory": pinned} if processes else {}
        return iter(DataLoader(self, batch_size=None, sampler=range(step, 2**31), num_workers=processes, **forked))


@dataclass
class Progress:
    """How far the fitting of one stage has come."""

    step: int = 0
    seconds: float = 0.0


class Fitting:
    """One stage being fitted: nets, optimiser, mean of the weights, checkpoint and log."""

    def __init__(self, stage: Stage, seconds: float, seed: int, folder: Path, *, onward: bool = False) -> None:
        self.stage, self.seconds, self.seed = stage, seconds, seed
        self.pace = ON_CPU if stage.device.type == "cpu" else ON_GPU
        stage.batch *= self.pace.batches
        stage.masked_share = self.pace.masked_share
        self.alone = ALONE_STEPS if onward and stage.judge else 0
        self.folder, self.checkpoint = folder, folder / f"{stage.name}.pt"
        self.log = folder / f"{stage.name}.tsv"
        self.progress = Progress()
        groups = [
            {
                "params": [p for p in net.parameters() if p.requires_grad],
                "rate": self._peak(name, onward),
                "begins": 0 if name == stage.judge else self.alone,
            }
            for name, net in stage.modules.items()
        ]
        self.optimiser = torch.optim.AdamW(groups, lr=stage.rate, weight_decay=0.01, fused=stage.device.type != "cpu")
        self.weights = stage.modules.state_dict()
        self.mean = {k: v.clone() for k, v in self.weights.items()}
        self.begun_with = {k: v.clone() for k, v in self.weights.items()} if onward else {}
        self.recent: Batch = {}
        if self.checkpoint.exists():
            self._resume()

    def _peak(self, name: str, onward: bool) -> float:
        """Return a net's highest rate."""
        rate = self.stage.rate * self.stage.relative_rates.get(name, 1.0)
        return rate * self.pace.onward_rate if onward and name != self.stage.judge else rate

    def run(self, phrases: list[Phrase]) -> dict[str, float]:
        """Fit until the time is up; return the smoothed losses at the end."""
        if self.progress.seconds >= self.seconds:
            return self._losses()
        self.stage.prepare(phrases, self.folder)
        began, saved = time.monotonic() - self.progress.seconds, time.monotonic()
        self.stage.modules.train()
        batches = Draws(self.stage, phrases, self.seed).ahead(self.progress.step, self.pace.drawing_processes)
        while self.progress.seconds < self.seconds:
            self.step(next(batches))
            self.progress.seconds = time.monotonic() - began
            if self.progress.step % LOG_EVERY == 0:
                self._write_log()
            if time.monotonic() - saved > CHECKPOINT_SECONDS:
                self._save()
                saved = time.monotonic()
        for name, begun in self.begun_with.items():
            self.mean[name] = torch.lerp(begun, self.mean[name], self.pace.onward_way)
        self._save()
        return self._losses()

    def _losses(self) -> dict[str, float]:
        return {name: float(loss) for name, loss in self.recent.items()}

    def step(self, batch: Batch) -> None:
        """Learn from a batch."""
        with self.stage.device:
            self._learn(self.stage.losses(placed(batch, self.stage.device)))
        self.progress.step += 1

    def _learn(self, losses: Batch) -> None:
        step = self.progress.step
        for group in self.optimiser.param_groups:
            group["lr"] = group["rate"] * self._course(step - group["begins"])
        learning = losses if step >= self.alone else {str(self.stage.judge): losses[str(self.stage.judge)]}
        total = torch.stack(list(learning.values())).sum()
        self.optimiser.zero_grad(set_to_none=True)
        total.backward()
        nn.utils.clip_grad_norm_(self.stage.modules.parameters(), 1.0)
        self.optimiser.step()
        decay = min(self.pace.mean_decay, (step + 1) / (step + 10))
        swa_utils.get_ema_multi_avg_fn(decay)(list(self.mean.values()), list(self.weights.values()), step)
        for name, loss in losses.items():
            before = self.recent.get(name, loss.detach())
            self.recent[name] = before + 0.02 * (loss.detach() - before)

    def _course(self, step: int) -> float:
        """Return the share of its highest rate that a net has: it warms up, then falls along a cosine to a fiftieth."""
        done = min(1.0, self.progress.seconds / self.seconds)
        fall = 0.02 + 0.98 * 0.5 * (1.0 + math.cos(math.pi * done))
        return fall * min(1.0, max(0, step + 1) / WARM_UP)

    def _write_log(self) -> None:
        fresh = not self.log.exists()
        with self.log.open("a", encoding="utf-8") as file:
            if fresh:
                file.write("\t".join(["step", "seconds", "rate", *self.recent]) + "\n")
            values = [f"{value:.4f}" for value in self.recent.values()]
            rate = self.optimiser.param_groups[0]["lr"]
            row = [str(self.progress.step), f"{self.progress.seconds:.0f}", f"{rate:.2e}"]
            file.write("\t".join([*row, *values]) + "\n")

    def _save(self) -> None:
        temporary = self.checkpoint.with_suffix(".tmp")
        state = {
            "weights": self.weights,
            "mean": self.mean,
            "optimiser": self.optimiser.state_dict(),
            "step": self.progress.step,
            "seconds": self.progress.seconds,
            "recent": self.recent,
        }
        torch.save(state, temporary)
        temporary.replace(self.checkpoint)

    def _resume(self) -> None:
        state = torch.load(self.checkpoint, map_location=self.stage.device, weights_only=True)
        self.stage.modules.load_state_dict(state["weights"])
        self.mean = state["mean"]
        self.optimiser.load_state_dict(state["optimiser"])
        self.progress = Progress(state["step"], state["seconds"])
        self.recent = state["recent"]


def fit_stage(
    name: str, phrases: list[Phrase], minutes: float, seed: int, device: torch.device, *, onward: bool = False
) -> dict[str, float]:
    """Fit one stage on a device for ``minutes`` (those of an interrupted run count), from its checkpoint.

    ``onward`` starts from the committed voicebank's weights instead of fresh ones, more gently.
    """
    torch.manual_seed(seed)
    stage = STAGES[name]()
    if onward:
        stage = shipped(stage)
    return Fitting(stage.to(device), minutes * 60.0, seed, fits_folder(seed, onward=onward), onward=onward).run(phrases)


def fits_folder(seed: int, *, onward: bool) -> Path:
    """Return the folder of the present fit: a fresh one, or one that goes on from the committed voicebank."""
    return fit_directory(seed, shipped_digest() if onward else "")
