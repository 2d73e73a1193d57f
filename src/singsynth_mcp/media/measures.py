"""Numbers from audio alone: what a listener would object to, and where a voice really sings its notes.

Audio is float [samples], mono; times are seconds from its first sample.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from singsynth_mcp.performance.model import PhraseNote

if TYPE_CHECKING:
    import numpy.typing as npt

ONSET_REACH_S = 0.08
_ONSET_BAND_HZ = (300.0, 1500.0)
"""The first formants: a burst and its aspiration lie above, and rise up to 60 ms before the vowel."""
_ONSET_WINDOW_S = 0.01
_ONSET_HOP_S = 0.001
_ONSET_SLOPE_HOPS = 5
_ONSET_FLOOR_DB = -30.0
"""Below the loudest moment of the stretch: how far under a vowel the rise counts."""

BODY_HEAD_S, BODY_TAIL_S, BODY_EDGE_SHARE = 0.12, 0.06, 0.15
BODY_DEPTH_DB = 15.0
"""How far under the loudest frame of a body its vowel may lie; what is softer is the next syllable's consonant."""
_BODY_FRAMES = 3
_VOWEL_BAND_HZ = (80.0, 1500.0)
_VOWEL_WINDOW_S = 0.02
_FRAMES_AT_ONCE = 4096


@dataclass(frozen=True)
class NotePitch:
    """What was sung of one note."""

    note: PhraseNote
    cents: float | None
    """Median over the body of sung minus written; None where hardly a frame is voiced."""


def clipped_samples(audio: npt.NDArray[Any]) -> int:
    """Count the samples at or beyond full scale (of 16 bits)."""
    import numpy as np

    return int(np.count_nonzero(np.abs(audio) >= 1 - 2**-15))


def unfinite_samples(audio: npt.NDArray[Any]) -> int:
    """Count NaN and infinite samples."""
    import numpy as np

    return int(np.count_nonzero(~np.isfinite(audio)))


def vowel_onset(audio: npt.NDArray[Any], sample_rate: int, expected_s: float) -> float:
    """Return where the energy between 300 and 1500 Hz, in dB, rises most steeply within 80 ms of `expected_s`.

    Energy in Hann windows of 10 ms every 1 ms, not under 30 dB below the loudest; the rise is taken over 10 ms.
    """
    import numpy as np

    window = round(_ONSET_WINDOW_S * sample_rate)
    hops = round(2 * ONSET_REACH_S / _ONSET_HOP_S) + 1 + 2 * _ONSET_SLOPE_HOPS
    offsets = (np.arange(hops) - hops // 2) * _ONSET_HOP_S + expected_s
    centres = np.round(offsets * sample_rate).astype(int)
    padded = np.pad(audio, (2 * sample_rate, 2 * sample_rate))
    frames = padded[centres[:, np.newaxis] + np.arange(window) - window // 2 + 2 * sample_rate]
    size = 1 << (window - 1).bit_length()
    spectrum = np.square(np.abs(np.fft.rfft(frames * np.hanning(window), 2 * size)))
    hertz = np.fft.rfftfreq(2 * size, 1 / sample_rate)
    band = (hertz >= _ONSET_BAND_HZ[0]) & (hertz <= _ONSET_BAND_HZ[1])
    energy = spectrum[:, band].sum(axis=1)
    floor = max(energy.max() * 10 ** (_ONSET_FLOOR_DB / 10), 1e-12)
    level = 10 * np.log10(np.maximum(energy, floor))
    rise = level[2 * _ONSET_SLOPE_HOPS :] - level[: -2 * _ONSET_SLOPE_HOPS]
    steepest = np.flatnonzero(rise >= rise.max() - 1e-9)
    return float(offsets[_ONSET_SLOPE_HOPS + int(steepest.mean())])


def body(note: PhraseNote) -> tuple[float, float]:
    """Return the stretch of a note in which its pitch should stand: start and end in seconds.

    The note without its first 120 ms and its last 60 ms, of a short note without 15 % at either end: the glide into it
    and the end of it are not its pitch.
    """
    head = min(BODY_HEAD_S, BODY_EDGE_SHARE * note.duration_s)
    tail = min(BODY_TAIL_S, BODY_EDGE_SHARE * note.duration_s)
    return note.start_s + head, note.start_s + note.duration_s - tail


def note_pitches(
    f0_hz: npt.NDArray[Any],
    frame_s: float,
    notes: Sequence[PhraseNote],
    *,
    first_frame_s: float = 0.0,
    levels_db: npt.NDArray[Any] | None = None,
) -> list[NotePitch]:
    """Compare a pitch track with the written notes: per note, the median over its body of the voiced frames.

    `f0_hz` is [frames], 0 where unvoiced, one frame every `frame_s` seconds from `first_frame_s`. With `levels_db`
    (`vowel_levels_db`, [frames]) frames 15 dB under the loudest of the body are left out.
    """
    import numpy as np

    found = []
    for note in notes:
        start, stop = ((edge - first_frame_s) / frame_s for edge in body(note))
        chosen = slice(max(0, int(np.ceil(start))), max(0, int(np.floor(stop)) + 1))
        frames = f0_hz[chosen]
        sounding = frames > 0
        if levels_db is not None:
            sounding &= levels_db[chosen] >= levels_db[chosen].max(initial=-np.inf) - BODY_DEPTH_DB
        voiced = frames[sounding]
        enough = len(voiced) >= max(_BODY_FRAMES, len(frames) // 4)
        cents = float(np.median(1200 * np.log2(voiced / 440) - 100 * (note.midi - 69))) if enough else None
        found.append(NotePitch(note, cents))
    return found


def vowel_levels_db(audio: npt.NDArray[Any], sample_rate: int, frame_s: float, frames: int) -> npt.NDArray[Any]:
    """Return the level between 80 and 1500 Hz around each frame, [frames], in dB of an arbitrary unit."""
    import numpy as np

    window = round(_VOWEL_WINDOW_S * sample_rate)
    centres = np.round(np.arange(frames) * frame_s * sample_rate).astype(int)
    padded = np.pad(audio, (window, max(window, int(centres[-1]) + 2 * window - len(audio)) if frames else window))
    hertz = np.fft.rfftfreq(window, 1 / sample_rate)
    band = (hertz >= _VOWEL_BAND_HZ[0]) & (hertz <= _VOWEL_BAND_HZ[1])
    levels = np.empty(frames)
    for start in range(0, frames, _FRAMES_AT_ONCE):  # bounded memory, however long the song
        places = centres[start : start + _FRAMES_AT_ONCE, np.newaxis] + np.arange(window) - window // 2 + window
        power = np.square(np.abs(np.fft.rfft(padded[places] * np.hanning(window))))[:, band].sum(axis=1)
        levels[start : start + _FRAMES_AT_ONCE] = 10 * np.log10(np.maximum(power, 1e-12))
    return levels


def note_levels_db(audio: npt.NDArray[Any], sample_rate: int, notes: Sequence[PhraseNote]) -> list[float]:
    """Return the RMS level of each note's body in dB of full scale, -120 for silence."""
    return [_rms_db(_stretch(audio, sample_rate, *body(note))) for note in notes]


def rest_level_db(audio: npt.NDArray[Any], sample_rate: int, notes: Sequence[PhraseNote]) -> float | None:
    """Return the RMS level of the middle halves of rests over 0.5 s, in dB of full scale; None without such a rest."""
    import numpy as np

    quiet = []
    for before, after in pairwise(notes):
        end = before.start_s + before.duration_s
        gap = after.start_s - end
        if gap > 0.5:
            quiet.append(_stretch(audio, sample_rate, end + gap / 4, after.start_s - gap / 4))
    return _rms_db(np.concatenate(quiet)) if quiet else None


def _stretch(audio: npt.NDArray[Any], sample_rate: int, start_s: float, stop_s: float) -> npt.NDArray[Any]:
    return audio[max(0, round(start_s * sample_rate)) : max(0, round(stop_s * sample_rate))]


def _rms_db(audio: npt.NDArray[Any]) -> float:
    import numpy as np

    power = float(np.square(audio, dtype=np.float64).mean()) if len(audio) else 0.0
    return float(10 * np.log10(max(power, 1e-12)))
