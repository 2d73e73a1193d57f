"""What mastering has to know of a phrase, measured once: with it a song is levelled without hearing it twice."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from singsynth_mcp.errors import ArtifactError
from singsynth_mcp.kept import Kept
from singsynth_mcp.media.loudness import response_pieces
from singsynth_mcp.media.mixing import BLOCK_SAMPLES
from singsynth_mcp.media.true_peak import TruePeakMeter, highest
from singsynth_mcp.media.weighting import PIECE, weighted_energies
from singsynth_mcp.performance.model import AudioPhrase

if TYPE_CHECKING:
    import numpy.typing as npt

LEVELS = ("levels", 1)
"""What the memo knows them by, before the audio's blob; the number grows whenever the same audio gives other levels."""


@dataclass(frozen=True)
class PhraseLevels:
    """A phrase's place and levels, as if nothing sounded beside it."""

    sample_rate: int
    offset_s: float
    """As in AudioPhrase."""
    samples: int
    peak: float
    true_peak: float
    energies: npt.NDArray[Any]
    """K-weighted, by pieces of 64 samples, float32; those in which the filters still ring follow the phrase's own."""


def measure_phrase(audio: AudioPhrase) -> PhraseLevels:
    """Measure a phrase's audio."""
    import numpy as np

    samples = audio.audio[:, np.newaxis]
    ringing = np.zeros((response_pieces(audio.sample_rate) * PIECE, 1), np.float32)
    energies = weighted_energies(np.concatenate([samples, ringing]), audio.sample_rate)
    meter = TruePeakMeter(1, math.inf)
    for first in range(0, len(samples), BLOCK_SAMPLES):
        meter.add(samples[first : first + BLOCK_SAMPLES])
    meter.add(samples[:0], last=True)
    return PhraseLevels(
        audio.sample_rate, audio.offset_s, len(samples), highest(samples), meter.highest, energies.astype(np.float32)
    )


def levels_to_bytes(levels: PhraseLevels) -> bytes:
    """Encode levels; equal levels give equal bytes."""
    import numpy as np
    from safetensors.numpy import save

    facts = [levels.sample_rate, levels.offset_s, levels.samples, levels.peak, levels.true_peak]
    packed: bytes = save({"energies": levels.energies, "facts": np.array(facts, np.float64)})
    return packed


def levels_from_bytes(data: bytes) -> PhraseLevels:
    """Decode what `levels_to_bytes` wrote. Raises ArtifactError for other bytes."""
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        arrays = load(data)
        sample_rate, offset_s, samples, peak, true_peak = arrays["facts"].tolist()
    except (SafetensorError, KeyError, ValueError) as error:
        raise ArtifactError(
            "A blob that should hold the levels of a phrase holds something else",
            hint="The store was damaged: run `singsynth-mcp artifacts prune --max-days 0`.",
        ) from error
    return PhraseLevels(int(sample_rate), offset_s, int(samples), peak, true_peak, arrays["energies"])


recent_levels: Kept[PhraseLevels] = Kept(128)
"""By the audio's blob, those of this process's last phrases: a song is levelled right after it was vocoded."""
