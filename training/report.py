"""What the voicebank does on phrases it was not trained on: ``python -m training report``."""

from __future__ import annotations

import time
from collections import defaultdict
from typing import TYPE_CHECKING

import numpy as np

from training.batches import HELD_OUT_EVERY
from training.examples import HOP_SIZE, SAMPLE_RATE, SungExample, load_examples
from training.exported import Bank, true_curves
from training.inventory import SILENCE
from training.measuring import (
    f0_errors,
    frame_levels_db,
    largest_step,
    level_spread_db,
    mel_cepstral_distance,
    note_body_cents,
    spectral_distance,
    track,
    voicing_errors,
)

if TYPE_CHECKING:
    from pathlib import Path

PHRASES = 24
Row = tuple[str, str, str]


def held_out_examples(shards: list[Path], count: int = PHRASES) -> list[SungExample]:
    """Return the first phrases that :func:`training.batches.load_corpus` keeps from training."""
    found: list[SungExample] = []
    number = 0
    for shard in shards:
        for example in load_examples(shard):
            if number % HELD_OUT_EVERY == 0:
                found.append(example)
            number += 1
        if len(found) >= count:
            break
    return found[:count]


def training_examples(shards: list[Path], count: int = PHRASES) -> list[SungExample]:
    """Return as many phrases that were trained on."""
    examples = load_examples(shards[0])
    return [example for i, example in enumerate(examples) if i % HELD_OUT_EVERY][:count]


def measure(folder: Path, shards: list[Path]) -> list[Row]:
    """Return (measure, value, bar) rows for a voicebank folder."""
    bank = Bank(folder)
    values: dict[str, list[float]] = defaultdict(list)
    held_out = held_out_examples(shards)
    for example in held_out:
        for name, value in _phrase(bank, example).items():
            values[name].append(value)
    bodies = np.concatenate([_bodies(bank, example) for example in held_out])
    trained = [_mel_gap(bank, example) for example in training_examples(shards)]
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    mean = {name: float(np.mean(numbers)) for name, numbers in values.items()}
    worst = {name: float(np.max(numbers)) for name, numbers in values.items()}
    return [
        ("F0 against the request, RMSE without gross errors", f"{mean['f0']:.1f} cents", "<= 10"),
        ("gross F0 errors (> 100 cents)", f"{100 * mean['gross']:.2f} %", "<= 0.5 %"),
        ("note bodies within 20 cents of the score", f"{_within(bodies):.1f} %", ">= 90 %"),
        ("note bodies, median distance", f"{np.median(np.abs(bodies)):.1f} cents", "<= 8"),
        ("pitch net against the rules", f"{mean['rule']:.1f} cents", "<= 12"),
        ("voiced/unvoiced frames wrong (teacher)",
         f"{100 * mean['voicing']:.1f} % ({100 * mean['teacher_voicing']:.1f} %)", "<= 2 %"),
        ("largest step in voiced frames", f"{worst['step']:.3f}", "<= 0.1"),
        ("highest peak", f"{worst['peak']:.2f}", "< 1"),
        ("level spread of active frames (teacher)",
         f"{mean['spread']:.1f} dB ({mean['teacher_spread']:.1f})", "<= 13 dB"),
        ("level in SP", f"{mean['silence']:.0f} dBFS", "<= -55"),
        ("vocoder from true mel: STFT distance", f"{mean['stft']:.2f}", "<= 0.80"),
        ("vocoder from true mel: MCD", f"{mean['vocoder_mcd']:.2f} dB", "<= 4.0 dB"),
        ("full chain against the teacher: MCD", f"{mean['mcd']:.2f} dB", "<= 5.5 dB"),
        ("acoustic mel L1, held out / trained on",
         f"{mean['mel']:.3f} / {np.mean(trained):.3f}", "ratio <= 1.15"),
        ("consonant lengths, mean error", f"{mean['durations']:.1f} ms", ""),
        ("breathiness / voicing, mean error",
         f"{mean['breathiness']:.1f} / {mean['tone']:.1f} dB", ""),
        ("real-time factor of acoustic + vocoder", f"{_speed(bank, held_out):.3f}", "<= 0.05"),
        ("size", f"{size / 1e6:.1f} MB", "<= 20 MB"),
    ]  # fmt: skip


def _phrase(bank: Bank, example: SungExample) -> dict[str, float]:
    sung = bank.sing(example, own_pitch=False)
    own = bank.sing(example).pitch
    sounding = ~np.repeat([symbol == SILENCE for symbol in example.phonemes], example.ph_dur)
    copy = bank.run("dsvocoder/vocoder", {"mel": example.mel[None], "f0": example.f0[None]})
    copied = copy["waveform"][0]
    tracked = track(sung.audio)
    cents = f0_errors(tracked, example.f0, example.voiced)
    fine = cents[np.abs(cents) <= 100.0]
    later = ~example.ph_vowel
    lengths = np.abs(sung.ph_dur_pred - example.natural_ph_dur)[later]
    quiet = _deep_silence(example)
    return {
        "f0": float(np.sqrt(np.mean(fine**2))),
        "gross": float(np.mean(np.abs(cents) > 100.0)),
        "rule": 100.0 * float(np.sqrt(np.mean((own - example.f0_rule) ** 2))),
        "voicing": voicing_errors(tracked, example.voiced, sounding),
        "teacher_voicing": voicing_errors(track(example.audio), example.voiced, sounding),
        "step": largest_step(sung.audio, example.voiced),
        "peak": float(np.abs(sung.audio).max()),
        "spread": level_spread_db(sung.audio, sounding),
        "teacher_spread": level_spread_db(example.audio, sounding),
        "silence": float(np.median(frame_levels_db(sung.audio)[quiet])),
        "stft": spectral_distance(copied, example.audio),
        "vocoder_mcd": mel_cepstral_distance(copied, example.audio, sounding),
        "mcd": mel_cepstral_distance(sung.audio, example.audio, sounding),
        "mel": _mel_gap(bank, example),
        "durations": 1000.0 * float(lengths.mean()) * HOP_SIZE / SAMPLE_RATE,
        "breathiness": float(np.abs(sung.breathiness - example.breathiness)[sounding].mean()),
        "tone": float(np.abs(sung.voicing - example.voicing)[sounding].mean()),
    }


def _deep_silence(example: SungExample) -> np.ndarray:
    """Return the frames of the first and last SP, without the three next to a sound."""
    quiet = np.zeros(len(example.f0), bool)
    quiet[: max(1, int(example.ph_dur[0]) - 3)] = True
    return quiet


def _bodies(bank: Bank, example: SungExample) -> np.ndarray:
    audio = bank.sing(example).audio
    return note_body_cents(audio, example.note_midi, example.note_rest, example.note_dur)


def _within(cents: np.ndarray) -> float:
    return 100.0 * float(np.mean(np.abs(cents) <= 20.0))


def _mel_gap(bank: Bank, example: SungExample) -> float:
    mel = bank.acoustic(example, example.f0[None], true_curves(example))[0]
    return float(np.abs(mel - example.mel).mean())


def _speed(bank: Bank, examples: list[SungExample]) -> float:
    """Return seconds of work per second of audio, the better of two rounds."""
    rounds = []
    for _ in range(2):
        spent = 0.0
        for example in examples[:8]:
            f0 = example.f0[None]
            curves = true_curves(example)
            began = time.perf_counter()
            mel = bank.acoustic(example, f0, curves)
            bank.run("dsvocoder/vocoder", {"mel": mel, "f0": f0})
            spent += time.perf_counter() - began
        rounds.append(spent / sum(len(e.f0) * HOP_SIZE / SAMPLE_RATE for e in examples[:8]))
    return min(rounds)


def as_table(rows: list[Row]) -> str:
    """Return the rows as a markdown table."""
    lines = ["| measure | value | bar |", "|---|---|---|"]
    lines += [f"| {measure} | {value} | {bar} |" for measure, value, bar in rows]
    return "\n".join(lines)
