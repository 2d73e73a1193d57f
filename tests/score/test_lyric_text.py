from __future__ import annotations

import pytest

from singsynth_mcp.score.lyric_text import typed_syllables


def typed(text: str) -> list[str]:
    """Each syllable with a hyphen where its word goes on; "_" for a held note."""
    return [
        (one.text + "-" * (one.syllabic in ("begin", "middle"))) if one.text else "_" for one in typed_syllables(text)
    ]


@pytest.mark.parametrize(
    ("text", "syllables"),
    [
        ("Twin-kle twin-kle lit-tle star", ["Twin-", "kle", "twin-", "kle", "lit-", "tle", "star"]),
        ("Twin- kle", ["Twin-", "kle"]),
        ("Ah _ _ men", ["Ah", "_", "_", "men"]),
        ("Ah__ glo-_-ri-a", ["Ah", "_", "_", "glo-", "_", "ri-", "a"]),
        ("うさぎ みって", ["う-", "さ-", "ぎ", "みっ-", "て"]),
        ("さくら きょう らーめん", ["さ-", "く-", "ら", "きょ-", "う", "ら-", "ー-", "め-", "ん"]),
        ("シャツ", ["シャ-", "ツ"]),
        ("两只老虎", ["两-", "只-", "老-", "虎"]),
        ("春の 海", ["春の", "海"]),
        ("read[r eh d] it", ["read[r eh d]", "it"]),
        ("Rä-t[t ɛː t]sel", ["Rä-", "t[t ɛː t]", "sel"]),
        ("  ", []),
        ("- -", []),
    ],
)
def test_typed_lyrics(text: str, syllables: list[str]) -> None:
    assert typed(text) == syllables
