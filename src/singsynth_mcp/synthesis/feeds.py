"""What is fed to a model goes by the inputs its graph declares, never by its config (format, sections 2.8 and 5.4)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from singsynth_mcp.errors import InvalidVoicebank, SynthesisFailed
from singsynth_mcp.performance.model import Phrase
from singsynth_mcp.synthesis.engines.noise import SEED_INPUT
from singsynth_mcp.synthesis.engines.onnx import Array, OnnxModel, TensorSpec
from singsynth_mcp.synthesis.frames import Counts
from singsynth_mcp.synthesis.seeds import derived_seed
from singsynth_mcp.voicebanks import Stage, Voicebank
from singsynth_mcp.voicebanks.inventory import SILENCE, language_of

Supply = Mapping[str, Any | Callable[[TensorSpec], Any]]
"""Input name → its value without the batch axis, or what makes it from the declaration."""

LEGACY_STEPS = 1000
"""Diffusion steps of models exported before continuous acceleration."""


def run_model(model: OnnxModel, supply: Supply, stage: str, seed: int) -> dict[str, Array]:
    """Run a model on what its inputs ask for; its noise, if it draws any, comes of the seed and of what it makes.

    Raises InvalidVoicebank naming an input that nothing supplies, SynthesisFailed for lengths that contradict.
    """
    feeds: dict[str, Array] = {}
    supply = {**supply, SEED_INPUT: derived_seed(seed, stage, sorted(model.outputs))}
    for spec in model.inputs.values():
        if spec.name not in supply:
            raise InvalidVoicebank(
                f"the {stage} model {model.path} needs the input {spec.name}, which nothing supplies",
                hint="The voicebank is of a kind that is not known here; report the input's name",
                path=str(model.path),
                input=spec.name,
            )
        value = supply[spec.name]
        feeds[spec.name] = _fit(value(spec) if callable(value) else value, spec, model, stage)
    return model.run(feeds)


def _fit(value: Any, spec: TensorSpec, model: OnnxModel, stage: str) -> Array:
    """Give a value the declared dtype and rank: a batch axis for sequences, [] or [1] for scalars."""
    array = np.asarray(value).astype(spec.dtype)
    rank = len(spec.shape)
    while array.ndim < rank:
        array = array[np.newaxis]
    fits = array.ndim == rank and all(
        not isinstance(declared, int) or declared == actual
        for declared, actual in zip(spec.shape, array.shape, strict=True)
    )
    if not fits:
        raise InvalidVoicebank(
            f"the {stage} model {model.path} declares input {spec.name} as {list(spec.shape)}, "
            f"which {list(array.shape)} does not fit",
            path=str(model.path),
            input=spec.name,
        )
    return array


def padded_symbols(phrase: Phrase) -> list[str]:
    """Return the phrase's symbols between two SP."""
    return [SILENCE, *(phoneme.symbol for phoneme in phrase.phonemes), SILENCE]


def text_inputs(bank: Voicebank, stage: Stage, symbols: Sequence[str]) -> dict[str, Any]:
    """Return `tokens` and `languages` in the stage's own ids, and the mask of padding that some encoders leave out."""
    tokens = np.asarray(stage.tokens(symbols), np.int64)
    return {
        "tokens": tokens,
        "languages": lambda spec: np.asarray(language_ids(bank, stage, symbols), np.int64),
        "x_masks": tokens == 0,
    }


def language_ids(bank: Voicebank, stage: Stage, symbols: Sequence[str]) -> list[int]:
    """Return the language id of each symbol by its prefix, 0 for bare ones; a stage without a table borrows one."""
    table = language_table(bank, stage)
    return [table.get(language_of(symbol), 0) for symbol in symbols]


def language_table(bank: Voicebank, stage: Stage) -> dict[str, int]:
    """Return the stage's languages, else the first of the other stages' that there are (section 2.8)."""
    stages = (stage, *(bank.stage(name) for name in ("durations", "pitch", "variance", "acoustic")))
    return next((other.languages for other in stages if other is not None and other.languages), {})


def word_inputs(phrase: Phrase, frames: Counts) -> dict[str, Any]:
    """Return word_div, word_dur and ph_dur of final phonemes: a word from each vowel to the next (section 3.4).

    `frames` are those of SP, the phonemes, SP. Rests and breaths count as vowels.
    """
    count = len(phrase.phonemes)
    vowels = [i for i, phoneme in enumerate(phrase.phonemes) if phoneme.role != "consonant"] or [count - 1]
    starts = np.asarray([0, *(vowel + 1 for vowel in vowels)])
    division = np.diff(starts, append=count + 2)
    check_sum("word_div", int(division.sum()), len(frames))
    return {"word_div": division, "word_dur": np.add.reduceat(frames, starts), "ph_dur": frames}


def check_sum(name: str, total: int, expected: int) -> None:
    """Raise SynthesisFailed when lengths that must agree do not: a graph would fail with an unreadable message."""
    if total != expected:
        raise SynthesisFailed(f"{name} adds up to {total}, not {expected}")


def sampler_inputs(model: OnnxModel, steps: int, max_depth: float = 1.0) -> dict[str, Any]:
    """Return `steps`, `speedup` and `depth` as the model's generation wants them (sections 3.7 and 5.4).

    A depth declared as a float is a fraction of the whole, as an integer a number of diffusion steps out of 1000.
    """
    # Where the config says no limit the graph has its own, and clamps.
    fraction = min(1.0, max_depth / LEGACY_STEPS if max_depth > 1 else max_depth) or 1.0
    depth = model.inputs.get("depth")
    if depth is not None and np.issubdtype(depth.dtype, np.integer):
        whole = round(fraction * LEGACY_STEPS)
        speedup = max(1, whole // steps)
        return {"steps": steps, "speedup": speedup, "depth": whole // speedup * speedup}
    slowest = LEGACY_STEPS // steps
    speedup = max(divisor for divisor in range(1, slowest + 1) if LEGACY_STEPS % divisor == 0)
    return {"steps": steps, "speedup": speedup, "depth": fraction}
