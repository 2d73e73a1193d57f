"""The nets on phrases of the rendered corpus that training did not see: vocoder, whole chain, each net's error."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from training.examples import HOP_SIZE, SAMPLE_RATE, SungExample, load_examples
from training.inventory import SILENCE
from training.report.measures import mel_cepstral_distances, spectral_distance
from training.singers import SINGERS

if TYPE_CHECKING:
    from training.exported import Bank
    from training.report.judging import Values

PHRASES = 12
"""Of each singer in each language."""
Key = tuple[str, str]


def held_out_examples(shards: list[Path], count: int = PHRASES) -> dict[Key, list[SungExample]]:
    """Return, by (speaker, language), the first phrases that :func:`training.batches.load_corpus` keeps back."""
    return _chosen(shards, count, held_out=True)


def trained_examples(shards: list[Path], count: int = PHRASES) -> dict[Key, list[SungExample]]:
    """Return as many phrases that were trained on."""
    return _chosen(shards, count, held_out=False)


def _chosen(shards: list[Path], count: int, *, held_out: bool) -> dict[Key, list[SungExample]]:
    wanted = {(name, language) for name, singer in SINGERS.items() for language in singer.languages}
    found: dict[Key, list[SungExample]] = defaultdict(list)
    for example in _numbered(shards, held_out=held_out):
        key = (example.speaker, example.language)
        if len(found[key]) < count:
            found[key].append(example)
        if all(len(found.get(key, ())) == count for key in wanted):
            break
    return dict(found)


def _numbered(shards: list[Path], *, held_out: bool) -> Iterator[SungExample]:
    from training.batches import HELD_OUT_EVERY

    number = 0
    for shard in shards:
        for example in load_examples(shard):
            if (number % HELD_OUT_EVERY == 0) == held_out:
                yield example
            number += 1


def open_bank(folder: Path) -> Bank:
    """Open a voicebank whose phonemes and speakers are the training inventory's."""
    from training.exported import Bank

    return Bank(folder)


def judge_example(bank: Bank, example: SungExample) -> Values:
    """Return what the nets do to a phrase, given its score and its F0."""
    sung = bank.sing(example, own_pitch=False)
    sounding = ~np.repeat([symbol == SILENCE for symbol in example.phonemes], example.ph_dur)
    copied = bank.run("dsvocoder/vocoder", {"mel": example.mel[None], "f0": example.f0[None]})["waveform"][0]
    lengths = np.abs(sung.ph_dur_pred - example.natural_ph_dur)[~example.ph_vowel]
    return {
        "vocoder_stft": np.array([spectral_distance(copied, example.audio)]),
        "vocoder_mcd": mel_cepstral_distances(copied, example.audio)[sounding],
        "chain_mcd": mel_cepstral_distances(sung.audio, example.audio)[sounding],
        "net_mel": np.array([mel_gap(bank, example)]),
        "net_pitch": 100.0 * (bank.sing(example).pitch - example.f0_rule),
        "net_durations": 1000.0 * lengths * HOP_SIZE / SAMPLE_RATE,
        "net_breathiness": np.abs(sung.breathiness - example.breathiness)[sounding],
        "net_voicing": np.abs(sung.voicing - example.voicing)[sounding],
    }


def mel_gap(bank: Bank, example: SungExample) -> float:
    """Return the mean distance in nepers of the acoustic model's mel from the exact one."""
    from training.exported import true_curves

    mel = bank.acoustic(example, example.f0[None], true_curves(example))[0]
    return float(np.abs(mel - example.mel).mean())
