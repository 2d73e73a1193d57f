"""When each phoneme starts: the duration model, fitted to the written onsets (format, section 3.3).

Vowels start on the written onsets and consonants before them. The lengths that the model gives a group are scaled to
the group's time, as in OpenUtau, up to MOST_ASKED_S: a duration model knows no long notes and gives them seconds of
"f", so that it is asked for an ordinary one and the vowel takes what is over. Consonants in a rest keep their length,
as those at the head of a phrase do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from singsynth_mcp.errors import InvalidVoicebank
from singsynth_mcp.performance.model import Phoneme, Phrase
from singsynth_mcp.synthesis.consonants import VOWEL_S, consonant_seconds
from singsynth_mcp.synthesis.engines.onnx import Array, OnnxEngine
from singsynth_mcp.synthesis.feeds import check_sum, run_model, text_inputs
from singsynth_mcp.synthesis.frames import Floats
from singsynth_mcp.synthesis.predictors import Predictor, open_predictor
from singsynth_mcp.synthesis.speakers import embedding_files, speaker_input
from singsynth_mcp.voicebanks import Stage, Voicebank
from singsynth_mcp.voicebanks.inventory import SILENCE

VERSION = 4
MOST_ASKED_S = 1.5
"""Consonant lengths are stable for words up to this long: the model is asked for no longer ones."""
_NOTHING_S = 1e-6
CONSONANT_SHARE = {"vowel": 0.55, "breath": 0.55, "rest": 1.0}
"""What all but the vowel (or breath, or silence) takes of a group's time, at most."""
ONSET_SHARE = {"vowel": 0.4, "breath": 0.55, "rest": 1.0}
"""What the consonants of the next note take of it, at most: in quick notes they are sung quickly, not the vowel."""


def predict_durations(phrase: Phrase, bank: Voicebank, engine: OnnxEngine, seed: int = 0) -> Phrase:
    """Return the phrase with `boundaries_s` set; later stages' results are dropped. seed: the phrase's own."""
    predictor = open_predictor(bank, "durations", engine)
    frame_s = bank.acoustic.config.frame_s
    lengths_s = _by_rule(phrase, bank) if predictor is None else _predict(phrase, bank, predictor, seed)
    fitted = with_pins(fit_durations(phrase, lengths_s, frame_s), phrase.boundary_pins, frame_s)
    return replace(phrase, boundaries_s=fitted, pitch=None, variance=None)


def duration_files(bank: Voicebank) -> list[Path]:
    """Return the files that the stage's result depends on beside the voicebank's text files."""
    stage = bank.stage("durations")
    if stage is None:
        return []
    return [stage.model("linguistic"), stage.model("dur"), *embedding_files(bank, stage)]


def fit_durations(phrase: Phrase, lengths_s: Floats, frame_s: float) -> Floats:
    """Fit predicted lengths to the groups' anchors.

    lengths_s: [phonemes] seconds. frame_s: no vowel becomes shorter than a frame where its group has that much.
    Returns float64 [phonemes + 1] seconds: starts, and the end of the last; never falling.
    """
    spans = group_spans(phrase)
    anchors = [*(group.start_s for group in phrase.groups[1:]), phrase.end_s]
    head = _shrunk(lengths_s[slice(*spans[0])], phrase.head_s)
    starts = [anchors[0] - np.cumsum(head[::-1])[::-1]]
    for (first, end), start_s, end_s in zip(spans[1:], anchors[:-1], anchors[1:], strict=True):
        lengths = _fit_group(phrase.phonemes[first:end], lengths_s[first:end], max(0.0, end_s - start_s), frame_s)
        starts.append(start_s + np.concatenate([[0.0], np.cumsum(lengths)[:-1]]))
    return np.maximum.accumulate(np.concatenate([*starts, [anchors[-1]]]))


def with_pins(boundaries_s: Floats, pins: Sequence[tuple[int, float]], frame_s: float) -> Floats:
    """Move boundaries to where they are pinned; what stands in their way is pushed aside, a frame a phoneme.

    pins: by rising phoneme, each with room for a frame a phoneme up to the next and to the end.
    """
    moved = boundaries_s.copy()
    for number, (phoneme, second) in enumerate(pins):
        lowest = pins[number - 1][0] if number else -1
        highest = pins[number + 1][0] if number + 1 < len(pins) else len(moved) - 1
        moved[phoneme] = second
        for place in range(phoneme - 1, lowest, -1):
            moved[place] = min(moved[place], moved[place + 1] - frame_s)
        for place in range(phoneme + 1, highest):
            moved[place] = max(moved[place], moved[place - 1] + frame_s)
    return moved


def group_spans(phrase: Phrase) -> list[tuple[int, int]]:
    """Return the first phoneme and the end of each group."""
    firsts = [group.first for group in phrase.groups]
    return list(zip(firsts, [*firsts[1:], len(phrase.phonemes)], strict=True))


def _fit_group(phonemes: Sequence[Phoneme], lengths_s: Floats, available_s: float, frame_s: float) -> Floats:
    nucleus = next((i for i, phoneme in enumerate(phonemes) if phoneme.role != "consonant"), None)
    total_s = float(lengths_s.sum())
    if total_s < _NOTHING_S:
        lengths_s, total_s = np.ones(len(phonemes)), float(len(phonemes))
    if nucleus is None:
        return lengths_s * (available_s / total_s)
    role = phonemes[nucleus].role
    most_s = total_s if role != "vowel" else MOST_ASKED_S
    lengths = lengths_s * (min(available_s, most_s) / total_s)
    others = np.arange(len(phonemes)) != nucleus
    onset = np.asarray([phoneme.note != phonemes[nucleus].note for phoneme in phonemes])
    lengths[others] = np.maximum(lengths[others], frame_s)
    lengths[onset] = _shrunk(lengths[onset], ONSET_SHARE[role] * available_s)
    # A frame's rounding may take a hair from a span of exactly one frame.
    room = max(0.0, min(CONSONANT_SHARE[role] * available_s, available_s - 1.01 * frame_s))
    lengths[others] = _shrunk(lengths[others], room)
    lengths[nucleus] = available_s - lengths[others].sum()
    return lengths


def _shrunk(lengths_s: Floats, room_s: float) -> Floats:
    """Return a copy, scaled down where it takes more than the room."""
    total = float(lengths_s.sum())
    return lengths_s * (room_s / total) if total > room_s else lengths_s.copy()


def _predict(phrase: Phrase, bank: Voicebank, predictor: Predictor, seed: int) -> Floats:
    """Ask the model, with the head group's SP put before the phonemes; returns [phonemes] seconds."""
    stage = predictor.stage
    frame_s = stage.config.frame_s
    symbols = [SILENCE, *(phoneme.symbol for phoneme in phrase.phonemes)]
    sizes = np.asarray([end - first for first, end in group_spans(phrase)])
    division = np.concatenate([[sizes[0] + 1], sizes[1:]])
    check_sum("word_div", int(division.sum()), len(symbols))
    groups = np.repeat(np.arange(len(division)), division)
    tones = np.clip(np.rint([group.midi for group in phrase.groups]), 0, 127)
    text = text_inputs(bank, stage, symbols)
    words = {"word_div": division, "word_dur": _asked_frames(phrase, frame_s)}
    encoded = run_model(predictor.encoder, text | words, "durations", seed)
    anchors = np.asarray([group.start_s for group in (phrase.groups[1], *phrase.groups[1:])])
    outputs = run_model(
        predictor.model,
        text
        | encoded
        | words
        | {
            "ph_midi": tones[groups],
            "spk_embed": speaker_input(bank, stage, phrase.speaker, anchors[groups]),
        },
        "durations",
        seed,
    )
    return _lengths(outputs, stage, len(symbols))[1:] * frame_s


def _asked_frames(phrase: Phrase, frame_s: float) -> Array:
    """Return each group's frames, the head's first; truncated as OpenUtau does, here from the head's start."""
    starts = [phrase.groups[1].start_s - phrase.head_s, *(group.start_s for group in phrase.groups[1:]), phrase.end_s]
    frames = np.floor((np.asarray(starts) - starts[0]) / frame_s).astype(np.int64)
    return np.clip(np.diff(frames), 1, max(1, int(MOST_ASKED_S / frame_s)))


def _lengths(outputs: dict[str, Array], stage: Stage, count: int) -> Floats:
    value = outputs.get("ph_dur_pred", next(iter(outputs.values())))
    if value.size != count:
        raise InvalidVoicebank(
            f"the durations model {stage.model('dur')} answered {value.size} lengths for {count} phonemes",
            path=str(stage.model("dur")),
        )
    return np.maximum(value.reshape(-1).astype(np.float64), 0.0)


def _by_rule(phrase: Phrase, bank: Voicebank) -> Floats:
    """Return plain lengths for a voicebank without a duration model: a vowel's is what its consonants leave."""
    consonants = np.asarray([phoneme.role == "consonant" for phoneme in phrase.phonemes])
    lengths = np.asarray([consonant_seconds(phoneme.symbol, bank.types) for phoneme in phrase.phonemes])
    ends = [*(group.start_s for group in phrase.groups[2:]), phrase.end_s]
    for (first, end), group, end_s in zip(group_spans(phrase)[1:], phrase.groups[1:], ends, strict=True):
        others = consonants[first:end]
        left_s = min(end_s - group.start_s, MOST_ASKED_S) - lengths[first:end][others].sum()
        lengths[first:end][~others] = max(VOWEL_S, left_s)
    return lengths
