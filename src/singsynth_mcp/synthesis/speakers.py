"""Speaker embeddings, and blends of them (diffsinger-voicebank-format, sections 1.6 and 3.7)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from singsynth_mcp.errors import InvalidVoicebank
from singsynth_mcp.performance.curves import sample_curve
from singsynth_mcp.performance.model import Curve
from singsynth_mcp.synthesis.engines.onnx import Array, TensorSpec
from singsynth_mcp.synthesis.frames import Floats
from singsynth_mcp.voicebanks import Stage, Voicebank


def speaker_input(
    bank: Voicebank, stage: Stage, speaker: Mapping[str, Curve], times_s: Floats
) -> Callable[[TensorSpec], Array]:
    """Return what makes `spk_embed`: float32 [times, size], weights normalised at each time.

    Raises InvalidVoicebank when the stage names no speakers or an embedding has another size than the model's.
    """

    def embed(spec: TensorSpec) -> Array:
        size = spec.shape[-1]
        blend = _stage_weights(bank, stage, speaker, times_s)
        table = np.stack([_embedding(stage.embedding(name), size) for name in blend])
        weights = np.stack(list(blend.values()))
        # A blend that comes to nothing is its first speaker.
        weights[0] += weights.sum(axis=0) <= 0
        mixed = (weights / weights.sum(axis=0)).T @ table.astype(np.float64)
        result: Array = mixed.astype(np.float32)
        return result

    return embed


def embedding_files(bank: Voicebank, stage: Stage) -> list[Path]:
    """Return the embedding files of a stage that exist."""
    return [path for name in stage.config.speakers if (path := stage.embedding(name)).is_file()]


def _stage_weights(
    bank: Voicebank, stage: Stage, speaker: Mapping[str, Curve], times_s: Floats
) -> dict[str, npt.NDArray[np.float64]]:
    if not stage.config.speakers:
        raise InvalidVoicebank(
            f"the {stage.name} model wants a speaker, but {stage.folder / 'dsconfig.yaml'} names none",
            path=str(stage.folder / "dsconfig.yaml"),
        )
    blend: dict[str, npt.NDArray[np.float64]] = {}
    for name, curve in (speaker or {stage.config.speakers[0]: 1.0}).items():
        own = stage.speaker(name, bank.speakers) or stage.config.speakers[0]
        weights = np.clip(sample_curve(curve, times_s), 0.0, None)
        blend[own] = blend[own] + weights if own in blend else weights
    return blend


def _embedding(path: Path, size: int | str | None) -> npt.NDArray[np.float32]:
    try:
        stat = path.stat()
        values = _read_embedding(path, stat.st_mtime_ns)
    except OSError as error:
        raise InvalidVoicebank(
            f"the speaker embedding {path} cannot be read: {error.strerror}", path=str(path)
        ) from error
    if isinstance(size, int) and len(values) != size:
        raise InvalidVoicebank(
            f"the speaker embedding {path} holds {len(values)} numbers, the model wants {size}", path=str(path)
        )
    return values


@lru_cache(maxsize=256)
def _read_embedding(path: Path, _modified_ns: int) -> npt.NDArray[np.float32]:
    data = path.read_bytes()
    return np.frombuffer(data[: len(data) // 4 * 4], "<f4").astype(np.float32)
