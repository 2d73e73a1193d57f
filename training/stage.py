"""What a stage of fitting is, and where its weights lie."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import ClassVar, Self, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from singsynth_mcp.synthesis.engines import torch as torch_nets
from singsynth_mcp.synthesis.engines.torch.blocks import owners
from training import nets, render_corpus
from training.batches import Batch, Phrase
from training.cache import cache_directory, code_key, content_key

NEUTRAL_STEPS = torch.tensor(1)


class Stage(ABC):
    """One net (or pair of nets) and how it is fitted."""

    name: str
    rate = 1.5e-3
    """Peak learning rate."""
    relative_rates: ClassVar[dict[str, float]] = {}
    """Nets that learn faster or slower than the rest: factors of the rate, by name."""
    judge: str | None = None
    """The net, taught by the loss of its name, that judges the others. It is not exported: every fit begins it anew."""
    batch: int
    """Examples a step."""
    masked_share = 0.0
    """How many phonemes the acoustic model is not shown, and not asked for: from all its neighbours a net knows a
    phoneme's recording, and says that by heart."""

    def __init__(self) -> None:
        self.modules = nn.ModuleDict(self.build())
        self.bands = nets.bands()
        self.device = torch.device("cpu")

    def to(self, device: torch.device) -> Self:
        """Move the nets and their tables to a device; return the stage."""
        self.modules.to(device)
        self.bands, self.device = self.bands.to(device), device
        return self

    @abstractmethod
    def build(self) -> dict[str, nn.Module]:
        """Return the nets by name, fresh."""

    def prepare(self, phrases: list[Phrase], fits: Path) -> None:  # noqa: B027 - most stages need nothing
        """Compute what the batches need beyond the phrases, once before fitting; ``fits`` has the earlier stages."""

    @abstractmethod
    def draw(self, phrases: list[Phrase], rng: np.random.Generator) -> Batch:
        """Draw a batch, on the CPU: other processes may do it ahead."""

    @abstractmethod
    def losses(self, batch: Batch) -> Batch:
        """Return the losses of a batch on the stage's device by name; their sum is minimised."""


def held(differences: Tensor, weight: Tensor) -> Tensor:
    """Return the mean of ``differences`` under ``weight`` (same shape, or fewer last axes)."""
    while weight.dim() < differences.dim():
        weight = weight[..., None]
    weight = weight.expand_as(differences)
    return (differences * weight).sum() / weight.sum().clamp(min=1e-6)


def of_frames(score: Batch, name: str, frames: Tensor) -> Tensor:
    """Return what a score's phonemes have ([B, n]) at frames (numbers, [B, L]): [B, L]."""
    owner = owners(score["ph_dur"], frames).clamp(max=score["ph_dur"].shape[1] - 1)
    return torch.gather(score[name], 1, owner)


def importance(score: Batch, frames: Tensor) -> Tensor:
    """Return float32 [B, L]: what frames (numbers, [B, L]) weigh, consonants (short, and what makes words) most."""
    consonant = ~of_frames(score, "ph_vowel", frames)
    silent = of_frames(score, "tokens", frames) == nets.SILENCE_ID
    return 1.0 + 1.5 * consonant.float() - 0.6 * silent.float()


def singers(speakers: Tensor, length: int) -> Tensor:
    """Return speaker codes [B, length, HIDDEN]."""
    return nets.speaker_codes().to(speakers.device)[speakers][:, None].expand(-1, length, -1)


def encoded(encoder: nn.Module, score: Batch) -> tuple[Tensor, Tensor]:
    """Run a linguistic encoder on a batch."""
    out, masks = encoder(score["tokens"], score["languages"], score["word_div"], score["word_dur"])
    return out, masks


FittedStage = TypeVar("FittedStage", bound=Stage)


def fitted(stage: FittedStage, *fits: Path) -> FittedStage:
    """Load a stage's fitted weights from a folder of fits, or the mean of several's, ready to be used or exported."""
    found = [torch.load(folder / f"{stage.name}.pt", map_location="cpu", weights_only=True)["mean"] for folder in fits]
    mean = {name: sum(state[name] / len(found) for state in found) for name in found[0]}
    stage.modules.load_state_dict(mean)
    stage.modules.eval()
    return stage


def fit_directory(seed: int, start: str = "") -> Path:
    """Return the folder of checkpoints and loss logs of the present nets on the songs of a seed.

    ``start`` names the weights that the fit goes on from, "" for none.
    """
    here = Path(__file__).parent
    sources = [*Path(torch_nets.__file__).parent.glob("*.py")]
    sources += [here / f"{name}.py" for name in ("batches", "discriminator", "levels", "mel", "nets")]
    sources += here.glob("*stage*.py")
    key = content_key(render_corpus.corpus_folder(seed).name, code_key(sources), start)
    return cache_directory("fit", key)
