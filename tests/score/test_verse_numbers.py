"""Numbers of verses before a syllable are not sung."""

from __future__ import annotations

import pytest

from singsynth_mcp.score.syllables import clean_text


@pytest.mark.parametrize(
    ("text", "sung"),
    [
        ("1. Ky", "Ky"),
        ("3.7.8.Ky", "Ky"),
        ("1, 3. O", "O"),
        ("1-3: O", "O"),
        ("3.7.8.", ""),
        ("99", "99"),
        ("1984", "1984"),
        ("7,8", "7,8"),
        ("2nd", "2nd"),
    ],
)
def test_numbers_before_a_syllable(text: str, sung: str) -> None:
    assert clean_text(text)[0] == sung
