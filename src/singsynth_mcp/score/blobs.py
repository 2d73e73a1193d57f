"""Score ↔ JSON bytes for the artifact store: exact fractions as "n/d", fields with their default left out."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping
from fractions import Fraction
from functools import lru_cache
from typing import Any

from singsynth_mcp.score.model import (
    Key,
    Line,
    Loudness,
    Lyric,
    Measure,
    Note,
    Part,
    Score,
    ScoreWarning,
    Tempo,
    TempoBend,
)

FORMAT = 1


def score_to_bytes(score: Score) -> bytes:
    """Return the score as canonical JSON: equal scores are equal bytes."""
    document = {"format": FORMAT, **_plain(score)}
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def score_from_bytes(data: bytes) -> Score:
    """Read what `score_to_bytes` wrote."""
    document = json.loads(data)
    del document["format"]
    return Score(
        **document
        | {
            "parts": tuple(_part(part) for part in document["parts"]),
            "measures": tuple(_measure(measure) for measure in document["measures"]),
            "tempos": tuple(Tempo(**_exact(tempo)) for tempo in document["tempos"]),
            "keys": tuple(Key(**_exact(key)) for key in document.get("keys", ())),
            "bends": tuple(TempoBend(**_exact(bend)) for bend in document.get("bends", ())),
            "warnings": tuple(ScoreWarning(**warning) for warning in document.get("warnings", ())),
        }
    )


_DEFAULTS = {
    kind: {field.name: field.default for field in dataclasses.fields(kind)}
    for kind in (Score, Part, Line, Note, Loudness, Lyric, Measure, Tempo, TempoBend, Key, ScoreWarning)
}
"""Each record's fields with their defaults, MISSING where there is none."""
_EXACT = ("position", "duration", "beat", "end", "swing")
_fraction = lru_cache(maxsize=4096)(Fraction)


def _plain(value: Any) -> Any:
    if isinstance(value, Fraction):
        return str(value)
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if type(value) not in _DEFAULTS:
        return value
    return {
        name: _plain(content)
        for name, default in _DEFAULTS[type(value)].items()
        if (content := getattr(value, name)) is not default and (default is dataclasses.MISSING or content != default)
    }


def _measure(measure: Mapping[str, Any]) -> Measure:
    return Measure(**_exact(measure) | {"endings": tuple(measure.get("endings", ()))})


def _part(part: Mapping[str, Any]) -> Part:
    lines = tuple(Line(line["id"], tuple(_note(note) for note in line["notes"])) for line in part["lines"])
    loudness = tuple(Loudness(**_exact(point)) for point in part.get("loudness", ()))
    return Part(part["id"], part["name"], lines, part.get("percussion", False), loudness)


def _note(note: Mapping[str, Any]) -> Note:
    lyrics = tuple(Lyric(**lyric | {"syllables": tuple(lyric["syllables"])}) for lyric in note.get("lyrics", ()))
    return Note(**_exact(note) | {"lyrics": lyrics, "articulations": tuple(note.get("articulations", ()))})


def _exact(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _fraction(value) if name in _EXACT else value for name, value in fields.items()}
