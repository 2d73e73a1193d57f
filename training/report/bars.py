"""The measures of the report, how their values are pooled, and the bars they are held against."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from training.report.measures import GROSS_CENTS, fine_rms

REGISTERS = ("low", "middle", "high")
WOMEN_P808, MEN_P808 = 3.0, 3.4


def _percent(values: np.ndarray) -> float:
    return 100.0 * float(np.mean(values))


def _gross(cents: np.ndarray) -> float:
    return _percent(np.abs(cents) > GROSS_CENTS)


def _median_off(cents: np.ndarray) -> float:
    return float(np.median(np.abs(cents)))


def _late_ms(seconds: np.ndarray) -> float:
    return 1000.0 * float(np.percentile(np.abs(seconds), 95))


def _power_db(powers: np.ndarray) -> float:
    return float(10.0 * np.log10(np.mean(powers) + 1e-12))


def _share(pairs: np.ndarray) -> float:
    """Return errors divided by length, values [n, 2]."""
    return float(pairs[:, 0].sum() / max(pairs[:, 1].sum(), 1.0))


def _mean(values: np.ndarray) -> float:
    return float(np.mean(values))


@dataclass(frozen=True)
class Measure:
    """A row of the report."""

    name: str
    key: str
    """Of the values it is made from."""
    pool: Callable[[np.ndarray], float]
    """Values of all songs → one number."""
    form: str
    """How the number is printed."""
    most: float | None = None
    least: float | None = None
    over_teacher: float | None = None
    """How much worse than the teacher it may be (with ``most`` or ``least``: both must hold, see ``either``)."""
    either: bool = False
    """Whether it is enough to be within ``most`` or within the teacher's reach."""
    registers: tuple[str, ...] = REGISTERS
    """Where it is measured; empty: in no register of its own."""

    @property
    def bar(self) -> str:
        """The bar in words."""
        limits = []
        sign = "≥" if self.least is not None else "≤"
        limit = self.least if self.least is not None else self.most
        if limit is not None:
            limits.append(f"{sign} {self.form.format(limit)}")
        if self.over_teacher is not None:
            side = "−" if self.least is not None else "+"
            limits.append(f"{sign} teacher {side} {self.over_teacher:g}")
        return (" or " if self.either else " and ").join(limits)

    def met(self, value: float, teacher: float | None) -> bool | None:
        """Return whether the bar is met; None where there is none, or the teacher's figure it needs is missing."""
        checks: list[bool] = []
        if self.most is not None:
            checks.append(value <= self.most)
        if self.least is not None:
            checks.append(value >= self.least)
        if self.over_teacher is not None and teacher is not None:
            near = teacher - value if self.least is not None else value - teacher
            checks.append(near <= self.over_teacher + 1e-9)
        if np.isnan(value):
            return False if self.bar else None
        if self.either:
            return any(checks) if checks else None
        if not all(checks):
            return False
        complete = self.over_teacher is None or teacher is not None
        return True if checks and complete else None


_WIDE = ("below", *REGISTERS, "above")


def measures(*, man: bool) -> tuple[Measure, ...]:
    """Return the rows for a singer."""
    named, wide = ("A2-E4", "C2-C5") if man else ("A3-E5", "C3-C6")
    cents, share, decibels, count = "{:.1f} cents", "{:.2f} %", "{:.1f} dB", "{:.0f}"
    return (
        Measure(f"F0 against the requested curve, RMSE, {named}", "f0", fine_rms, cents, most=10),
        Measure("gross F0 errors (over 100 cents)", "f0", _gross, share, most=0.5),
        Measure(f"F0, RMSE, {wide}", "f0", fine_rms, cents, most=20, registers=_WIDE),
        Measure(f"gross F0 errors, {wide}", "f0", _gross, share, most=3, registers=_WIDE),
        Measure("note bodies off the written pitch, median, pitch model off", "notes_off", _median_off, cents, most=3),
        Measure("note bodies, median, pitch model on", "notes", _median_off, cents, most=8),
        Measure("vowel onset off the written onset, 95 %", "onsets", _late_ms, "{:.0f} ms", most=20),
        Measure("voiced/unvoiced frames wrong", "voicing", _percent, "{:.1f} %", most=2),
        Measure("clicks", "clicks", np.sum, count, most=0),
        Measure("samples clipped or not finite", "bad_samples", np.sum, count, most=0),
        Measure("level steps at phrase joins", "level_steps", np.sum, count, most=0),
        Measure("largest step in voiced frames", "step", np.max, "{:.3f}", most=0.1),
        Measure("level spread of what is sung, p10–p90", "spread", _mean, decibels, most=13),
        Measure("level in SP", "silence", _power_db, "{:.0f} dBFS", most=-55),
        Measure("vocoder from true mel: STFT distance", "vocoder_stft", _mean, "{:.2f}", most=0.75, registers=()),
        Measure("vocoder from true mel: MCD", "vocoder_mcd", _mean, "{:.2f} dB", most=4.0, registers=()),
        Measure("full chain against the teacher's rendering: MCD", "chain_mcd", _mean, "{:.2f} dB", most=5.5,
                registers=()),
        Measure("Whisper base, common words", "common", _share, "{:.2f}", most=0.15, over_teacher=0.05),
        Measure("Whisper base, made-up words", "made_up", _share, "{:.2f}", over_teacher=0.08),
        Measure("DNSMOS P808", "p808", _mean, "{:.2f}", least=MEN_P808 if man else WOMEN_P808, over_teacher=0.15,
                registers=("middle",)),
        Measure("Whisper base one octave up, common words", "octave", _share, "{:.2f}", most=0.30, over_teacher=0.05,
                either=True, registers=()),
        Measure("real-time factor of acoustic + vocoder", "rtf", _share, "{:.3f}", most=0.04, registers=()),
    )  # fmt: skip


NETS: tuple[Measure, ...] = (
    Measure("acoustic mel L1, held out", "net_mel", _mean, "{:.3f} nepers"),
    Measure("acoustic mel L1, trained on", "trained_mel", _mean, "{:.3f} nepers"),
    Measure("pitch net against the rules, RMS", "net_pitch", lambda v: float(np.sqrt(np.mean(v**2))), "{:.1f} cents"),
    Measure("consonant lengths, mean error", "net_durations", _mean, "{:.1f} ms"),
    Measure("breathiness, mean error", "net_breathiness", _mean, "{:.1f} dB"),
    Measure("voicing, mean error", "net_voicing", _mean, "{:.1f} dB"),
)
"""What the nets of this repository's own training do on corpus phrases: no bars."""
