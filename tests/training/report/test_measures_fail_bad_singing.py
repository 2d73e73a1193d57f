"""The report's measures pass good singing and fail what is late, out of tune, broken, hoarse or uneven."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from tests.listening.singer import RATE
from tests.training.report.made_singing import HOP, made_singing, spoilt
from training.report.bars import Measure, measures
from training.report.judging import Values, judge
from training.report.singing import Singing, SungPhrase

_BY_KEY: dict[str, Measure] = {measure.key: measure for measure in reversed(measures(man=False))}


def met(values: Values, key: str) -> bool | None:
    measure = _BY_KEY[key]
    return measure.met(float(measure.pool(values[key])), None)


@pytest.fixture(scope="module")
def sung() -> Singing:
    return made_singing()


@pytest.fixture(scope="module")
def phrase(sung: Singing) -> Singing:
    """One phrase: what is spoilt is spoilt in it."""
    return replace(sung, phrases=sung.phrases[:1], notes=sung.notes[:8], lines=sung.lines[:1])


def test_good_singing_meets_every_bar(sung: Singing) -> None:
    heard = judge(sung)
    judged = {key: met(heard, key) for key in heard}
    assert judged == dict.fromkeys(heard, True), {
        key: float(_BY_KEY[key].pool(heard[key])) for key in heard if not judged[key]
    }
    assert len(heard["notes"]) == 16
    assert len(heard["onsets"]) == 13


@pytest.mark.parametrize("late_s", [0.05, -0.05])
def test_50_ms_off_the_beat_fail(late_s: float) -> None:
    heard = judge(made_singing(8, late_s=late_s))
    assert not met(heard, "onsets")
    assert np.median(heard["onsets"]) == pytest.approx(late_s, abs=0.012)


@pytest.mark.parametrize("cents", [40.0, -40.0])
def test_40_cents_off_fail(cents: float) -> None:
    heard = judge(made_singing(8, cents=cents))
    assert not met(heard, "f0")
    assert not met(heard, "notes")
    assert np.median(heard["notes"]) == pytest.approx(cents, abs=5)
    assert met(heard, "onsets")


def _middle(phrase: SungPhrase) -> slice:
    """Return the samples of the middle of the phrase's longest vowel."""
    longest = max((p for p in phrase.phonemes if p.role == "vowel"), key=lambda p: p.stop - p.first)
    quarter = (longest.stop - longest.first) * HOP // 4
    return slice(longest.first * HOP + quarter, longest.stop * HOP - quarter)


def _click(audio: np.ndarray, phrase: SungPhrase) -> np.ndarray:
    audio[_middle(phrase).start] += 0.3
    return audio


def _nan(audio: np.ndarray, phrase: SungPhrase) -> np.ndarray:
    audio[_middle(phrase).start] = np.nan
    return audio


def _clipped(audio: np.ndarray, phrase: SungPhrase) -> np.ndarray:
    return np.clip(audio * 1.5 / np.abs(audio).max(), -1.0, 1.0)


def _devoiced(audio: np.ndarray, phrase: SungPhrase) -> np.ndarray:
    """Whisper the longest vowel at its own level."""
    part = _middle(phrase)
    noise = np.random.default_rng(0).standard_normal(part.stop - part.start)
    audio[part] = noise * audio[part].std()
    return audio


def _cut_off(audio: np.ndarray, phrase: SungPhrase) -> np.ndarray:
    """Let the phrase end in the middle of a sound."""
    audio[-4000:] = 0.2 * np.sin(2 * np.pi * 330 * np.arange(4000) / RATE)
    return audio


def _hiss(audio: np.ndarray, phrase: SungPhrase) -> np.ndarray:
    return audio + (0.01 * np.random.default_rng(0).standard_normal(len(audio))).astype(np.float32)


def _uneven(audio: np.ndarray, phrase: SungPhrase) -> np.ndarray:
    return audio * np.where(np.arange(len(audio)) % 30000 < 15000, 1.0, 0.1).astype(np.float32)


@pytest.mark.parametrize(
    ("spoil", "key"),
    [
        (_click, "clicks"),
        (_click, "step"),
        (_nan, "bad_samples"),
        (_clipped, "bad_samples"),
        (_devoiced, "voicing"),
        (_cut_off, "level_steps"),
        (_hiss, "silence"),
        (_uneven, "spread"),
    ],
)
def test_what_is_spoilt_fails(phrase: Singing, spoil, key: str) -> None:
    assert met(judge(spoilt(phrase, spoil)), key) is False


def test_an_octave_off_is_gross() -> None:
    heard = judge(made_singing(8, cents=-1200.0))
    assert not met(heard, "notes")
    gross = next(m for m in measures(man=False) if m.name.startswith("gross"))
    found = float(gross.pool(heard["f0"])) if len(heard["f0"]) else 100.0
    assert gross.met(found, None) is False


def test_silence_is_no_singing(phrase: Singing) -> None:
    heard = judge(spoilt(phrase, lambda audio, _: np.zeros_like(audio)))
    assert met(heard, "voicing") is False
    assert np.count_nonzero(np.abs(heard["notes"]) >= 1200) >= 8
