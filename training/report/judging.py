"""Everything that is measured of one song as it was sung, to be pooled over songs (training/report/bars.py)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from singsynth_mcp.media.clicks import clicks
from singsynth_mcp.media.measures import (
    clipped_samples,
    note_pitches,
    unfinite_samples,
    vowel_levels_db,
    vowel_onset,
)
from training.report.measures import (
    TRACK_S,
    Track,
    away_from_edges,
    f0_cents,
    largest_step,
    level_spread_db,
    level_steps,
    levels_db,
    track,
    voiced_frames,
)
from training.report.singing import Singing, SungPhrase

Values = dict[str, np.ndarray]
"""Measure → float64 [n]: as many values as there were occasions."""

SHARP_ONSETS = frozenset(["k", "ky", "s", "sh", "t", "ty", "ts", "ch", "h", "hy", "hh", "p", "py", "f", "th"])
"""Unvoiced consonants after which a vowel's beginning can be heard to the millisecond."""


def judge(sung: Singing) -> Values:
    """Return the values of every measure that needs audio and labels alone."""
    mixed, rate = sung.mix(), sung.sample_rate
    finite = np.nan_to_num(mixed)
    joins = [edge + sung.lead_s for phrase in sung.phrases for edge in (phrase.start_s, phrase.stop_s)]
    singing = [(phrase.audio, phrase.frames_with("vowel", "consonant"), phrase.hop) for phrase in sung.phrases]
    tracks = [track(phrase.audio, phrase.sample_rate, phrase.f0) for phrase in sung.phrases]
    by_phrase = [_judge_phrase(phrase, tracked) for phrase, tracked in zip(sung.phrases, tracks, strict=True)]
    values = {key: np.concatenate([found[key] for found in by_phrase]) for key in by_phrase[0]}
    return values | {
        "notes": note_errors(sung, tracks),
        "onsets": onset_errors(sung),
        "clicks": np.array([float(len(clicks(finite, rate)))]),
        "bad_samples": np.array([float(unfinite_samples(mixed) + clipped_samples(finite))]),
        "level_steps": np.array([float(level_steps(finite, rate, joins))]),
        "spread": np.array([level_spread_db(singing, rate)]),
    }


def _judge_phrase(phrase: SungPhrase, tracked: Track) -> Values:
    frames = len(phrase.f0)
    edges = [phoneme.first for phoneme in phrase.phonemes[1:]]
    inner = away_from_edges(edges, frames)
    sounding = phrase.frames_with("vowel", "consonant")
    silent = phrase.frames_with("rest") & away_from_edges(edges, frames, 6)
    judged = inner & sounding
    heard = voiced_frames(phrase.audio, phrase.sample_rate, phrase.f0, phrase.frame_s)
    levels = levels_db(phrase.audio, phrase.hop)
    return {
        "f0": f0_cents(tracked, phrase.f0, phrase.voiced & inner, phrase.frame_s),
        "voicing": (heard != phrase.voiced)[judged].astype(float),
        "step": np.array([largest_step(phrase.audio, phrase.voiced & away_from_edges(edges, frames, 1), phrase.hop)]),
        "silence": 10.0 ** (levels[silent[: len(levels)]] / 10.0),
    }


def note_errors(sung: Singing, tracks: Sequence[Track] | None = None) -> np.ndarray:
    """Return cents of each note's body off the written note; a note without pitch is 1200 off."""
    tracks = tracks or [track(phrase.audio, phrase.sample_rate, phrase.f0) for phrase in sung.phrases]
    pitches = []
    for phrase, (_, hertz) in zip(sung.phrases, tracks, strict=True):
        audio = np.nan_to_num(phrase.audio.astype(np.float64))
        levels = vowel_levels_db(audio, phrase.sample_rate, TRACK_S, len(hertz))
        inside = [note for note in sung.notes if phrase.start_s <= note.start_s < phrase.stop_s]
        placed = [replace(note, start_s=note.start_s - phrase.start_s) for note in inside]
        pitches += note_pitches(hertz, TRACK_S, placed, levels_db=levels)
    return np.array([1200.0 if pitch.cents is None else pitch.cents for pitch in pitches])


def onset_errors(sung: Singing) -> np.ndarray:
    """Return seconds of each sharp vowel onset after the written one, from the audio alone."""
    mixed, rate, lead = np.nan_to_num(sung.mix().astype(np.float64)), sung.sample_rate, sung.lead_s
    errors = [vowel_onset(mixed, rate, start + lead) - (start + lead) for start in sharp_onsets(sung)]
    return np.array(errors)


def sharp_onsets(sung: Singing) -> Sequence[float]:
    """Return the written onsets, on the song's clock, of vowels after an unvoiced consonant."""
    written = np.array([note.start_s for note in sung.notes])
    found = []
    for phrase in sung.phrases:
        for before, vowel in zip(phrase.phonemes, phrase.phonemes[1:], strict=False):
            if vowel.role == "vowel" and before.name in SHARP_ONSETS and before.role == "consonant":
                start = phrase.start_s + vowel.first * phrase.frame_s
                nearest = float(written[np.abs(written - start).argmin()])
                if abs(nearest - start) < 0.03:  # else the vowel begins inside a note
                    found.append(nearest)
    return found
