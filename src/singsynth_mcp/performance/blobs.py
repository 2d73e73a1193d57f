"""Phrases as bytes: safetensors with one metadata key "json", so that equal phrases are equal bytes.

Nothing is pickled; what a blob does not hold (where the phrase lies in the song) stands in the manifest.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from singsynth_mcp.errors import ArtifactError
from singsynth_mcp.performance.model import (
    AudioPhrase,
    Curve,
    Group,
    MelPhrase,
    Nudge,
    Phoneme,
    Phrase,
    PhraseNote,
    Pin,
    Retake,
)

Arrays = dict[str, npt.NDArray[Any]]

_VARIANCE = "variance."


def phrase_to_bytes(phrase: Phrase) -> bytes:
    """Encode a phrase at any stage; equal phrases give equal bytes."""
    facts = {
        "notes": [vars(note) for note in phrase.notes],
        "phonemes": [vars(phoneme) for phoneme in phrase.phonemes],
        "groups": [vars(group) for group in phrase.groups],
        "end_s": phrase.end_s,
        "head_s": phrase.head_s,
        "speaker": _curves_to_json(phrase.speaker),
        "controls": _curves_to_json(phrase.controls),
        "has_variance": phrase.variance is not None,
        **_edits_to_json(phrase),
    }
    arrays: Arrays = {}
    if phrase.boundaries_s is not None:
        arrays["boundaries_s"] = np.asarray(phrase.boundaries_s, np.float64)
    if phrase.pitch is not None:
        arrays["pitch"] = np.asarray(phrase.pitch, np.float32)
    for name, curve in (phrase.variance or {}).items():
        arrays[_VARIANCE + name] = np.asarray(curve, np.float32)
    return _pack("phrase", facts, arrays)


def phrase_from_bytes(data: bytes) -> Phrase:
    """Decode what `phrase_to_bytes` wrote. Raises ArtifactError for other bytes."""
    facts, arrays = _unpack("phrase", data)
    variance = {name.removeprefix(_VARIANCE): arrays[name] for name in sorted(arrays) if name.startswith(_VARIANCE)}
    return Phrase(
        notes=tuple(PhraseNote(**note) for note in facts["notes"]),
        phonemes=tuple(Phoneme(**phoneme) for phoneme in facts["phonemes"]),
        groups=tuple(Group(**group) for group in facts["groups"]),
        end_s=facts["end_s"],
        head_s=facts["head_s"],
        speaker=_curves_from_json(facts["speaker"]),
        controls=_curves_from_json(facts["controls"]),
        dynamics_db=_curves_from_json({"": facts.get("dynamics_db", 0.0)})[""],
        boundary_pins=tuple((phoneme, second) for phoneme, second in facts.get("boundary_pins", ())),
        pitch_pins=_pins_from_json(facts.get("pitch_pins", ())),
        nudges=tuple(Nudge(**nudge) for nudge in facts.get("nudges", ())),
        variance_pins={name: _pins_from_json(pins) for name, pins in facts.get("variance_pins", {}).items()},
        retakes={
            stage: tuple(Retake(**retake) for retake in takes) for stage, takes in facts.get("retakes", {}).items()
        },
        boundaries_s=arrays.get("boundaries_s"),
        pitch=arrays.get("pitch"),
        variance=variance if facts["has_variance"] else None,
    )


def _edits_to_json(phrase: Phrase) -> dict[str, Any]:
    """Return what dynamics and edits left; a phrase without any has the bytes that it always had."""
    edits: dict[str, Any] = {
        "dynamics_db": 0.0 if phrase.dynamics_db == 0.0 else _curves_to_json({"": phrase.dynamics_db})[""],
        "boundary_pins": phrase.boundary_pins,
        "pitch_pins": phrase.pitch_pins,
        "nudges": [vars(nudge) for nudge in phrase.nudges],
        "variance_pins": dict(phrase.variance_pins),
        "retakes": {stage: [vars(retake) for retake in takes] for stage, takes in phrase.retakes.items()},
    }
    return {name: value for name, value in edits.items() if value}


def _pins_from_json(pins: Sequence[Sequence[Sequence[float]]]) -> tuple[Pin, ...]:
    return tuple(tuple((time, value) for time, value in pin) for pin in pins)


def mel_to_bytes(mel: MelPhrase) -> bytes:
    """Encode a phrase's mel."""
    arrays: Arrays = {"mel": np.asarray(mel.mel, np.float32), "f0_hz": np.asarray(mel.f0_hz, np.float32)}
    return _pack("mel", {"offset_s": mel.offset_s}, arrays)


def mel_from_bytes(data: bytes) -> MelPhrase:
    """Decode what `mel_to_bytes` wrote. Raises ArtifactError for other bytes."""
    facts, arrays = _unpack("mel", data)
    return MelPhrase(mel=arrays["mel"], f0_hz=arrays["f0_hz"], offset_s=facts["offset_s"])


def audio_to_bytes(audio: AudioPhrase) -> bytes:
    """Encode a phrase's audio."""
    facts = {"sample_rate": audio.sample_rate, "offset_s": audio.offset_s}
    return _pack("audio", facts, {"audio": np.asarray(audio.audio, np.float32)})


def audio_from_bytes(data: bytes) -> AudioPhrase:
    """Decode what `audio_to_bytes` wrote. Raises ArtifactError for other bytes."""
    facts, arrays = _unpack("audio", data)
    return AudioPhrase(audio=arrays["audio"], sample_rate=facts["sample_rate"], offset_s=facts["offset_s"])


def _pack(kind: str, facts: Mapping[str, Any], arrays: Arrays) -> bytes:
    from safetensors.numpy import save

    text = json.dumps(
        {"kind": kind} | dict(facts), sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    # One metadata key: safetensors writes several in the random order of a hash map.
    packed: bytes = save(contiguous, metadata={"json": text})
    return packed


def _unpack(kind: str, data: bytes) -> tuple[dict[str, Any], Arrays]:
    from safetensors import SafetensorError
    from safetensors.numpy import load

    try:
        arrays: Arrays = load(data)
        length = int.from_bytes(data[:8], "little")
        facts: dict[str, Any] = json.loads(json.loads(data[8 : 8 + length])["__metadata__"]["json"])
    except (SafetensorError, KeyError, ValueError) as error:
        raise _not_a_blob(kind) from error
    if facts.get("kind") != kind:
        raise _not_a_blob(kind)
    return facts, arrays


def _not_a_blob(kind: str) -> ArtifactError:
    return ArtifactError(
        f"A blob that should hold a {kind} of a phrase holds something else",
        hint="The artifact was damaged or made by another version: make it again.",
    )


def _curves_to_json(curves: Mapping[str, Curve]) -> dict[str, Any]:
    return {
        name: [[float(time), float(value)] for time, value in curve] if isinstance(curve, tuple) else float(curve)
        for name, curve in curves.items()
    }


def _curves_from_json(curves: Mapping[str, Any]) -> dict[str, Curve]:
    return {
        name: tuple((time, value) for time, value in curve) if isinstance(curve, list) else curve
        for name, curve in curves.items()
    }
