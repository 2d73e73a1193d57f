"""What counts as misheard: kana in Japanese, words elsewhere, letters of made-up words. No recogniser needed."""

from __future__ import annotations

import numpy as np
import pytest

from training.report.hearing import errors
from training.report.naturalness import mel_features


@pytest.mark.parametrize(
    ("language", "sung", "heard", "made_up", "expected"),
    [
        ("ja", "まるい まどに", "丸い窓に", False, (0, 6)),
        ("ja", "まるい まどに", "丸い窓で", False, (1, 6)),
        ("en", "Put the ket-tle on", "Put the kettle on.", False, (0, 4)),
        ("en", "Put the ket-tle on", "But the cattle", False, (3, 4)),
        ("en", "Bel-ka nor-ri", "Belka Nori", True, (1, 10)),
        ("es", "qué bien", "¡Qué bien!", False, (0, 2)),
        ("en", "Put it on", "", False, (3, 3)),
        ("en", "Put it on", "on and on " * 40, False, (3, 3)),
    ],
)
def test_errors(language: str, sung: str, heard: str, made_up: bool, expected: tuple[int, int]) -> None:
    assert errors(language, sung, heard, made_up=made_up) == expected


def test_what_dnsmos_hears_is_librosas_mel_spectrogram() -> None:
    """The figures are librosa 0.11's: melspectrogram(n_fft=321, hop_length=160, n_mels=120), power_to_db, scaled."""
    wave = np.random.default_rng(0).standard_normal(16000) * np.hanning(16000) * 0.1
    found = mel_features(wave)
    assert found.shape == (100, 120)
    assert found[50, [5, 12, 40, 70, 85, 110]] == pytest.approx(
        [0.704991, 0.231166, 0.678543, 0.684675, 0.713449, 0.75305], abs=1e-4
    )
