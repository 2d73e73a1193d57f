"""What each control does, measured at three settings, and a mix of two singers that moves through a song."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyworld

from training.mel import log_mel
from training.report.chain import Choices, Singer
from training.report.measures import away_from_edges, levels_db, track
from training.report.registers import registers
from training.report.singing import Singing, SungPhrase
from training.report.songbook import HeldOutSong

SETTINGS: dict[str, tuple[float, float, float]] = {
    "gender": (-1.0, 0.0, 1.0),
    "velocity": (0.7, 1.0, 1.4),
    "energy": (-6.0, 0.0, 6.0),
    "breathiness": (-12.0, 0.0, 12.0),
    "voicing": (-12.0, 0.0, 6.0),
    "tension": (-5.0, 0.0, 5.0),
    "expressiveness": (0.0, 0.5, 1.0),
    "vibrato": (0.0, 0.3, 0.6),
    "tone_shift": (-3.0, 0.0, 3.0),
    "loudness": (-6.0, 0.0, 6.0),
    "dynamics": (0.0, 1.0, 2.0),
}
NEUTRAL = {"velocity": 1.0, "expressiveness": 1.0, "dynamics": 1.0}
_FORMANTS_HZ = (300.0, 5000.0)
_TILT_HZ = (200.0, 6000.0)
_CENTROID_HZ = 8000.0
_WARP_STEPS = 0.25
_MOST_SEMITONES = 6.0
_HNR_WINDOW_S = 0.060
_LONG_S, _SETTLED_S, _RELEASE_S = 0.8, 0.35, 0.1


@dataclass(frozen=True)
class Sound:
    """What is measured of the voiced frames."""

    level_db: float
    centroid_hz: float
    tilt_db_per_octave: float
    hnr_db: float
    movement_cents: float
    """Deviation of the pitch from each note's own median."""
    envelope: np.ndarray
    """float64 [bins], mean log amplitude over 0-22 050 Hz."""


def control_table(singer: Singer, speaker: str, song: HeldOutSong, claimed: tuple[int, int]) -> str:
    """Return a markdown table of every control of a voicebank at three settings."""
    line, transpose = song.line_alone(0), registers(song, claimed)[1].transpose
    neutral = measure_sound(singer.sing(line, Choices(speaker or None, transpose)))
    lines = [
        "| control | setting | level | centroid | formants | tilt | harmonics to noise | pitch movement |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for control in singer.controls:
        for setting in SETTINGS[control]:
            if setting == NEUTRAL.get(control, 0.0):
                sound = neutral
            else:
                sound = measure_sound(singer.sing(line, Choices(speaker or None, transpose, {control: setting})))
            shift = formant_shift(sound.envelope, neutral.envelope)
            lines.append(
                f"| {control} | {setting:g} | {sound.level_db:.1f} dBFS | {sound.centroid_hz:.0f} Hz "
                f"| {shift:+.2f} st | {sound.tilt_db_per_octave:.1f} dB/oct | {sound.hnr_db:.1f} dB "
                f"| {sound.movement_cents:.1f} cents |"
            )
    return "\n".join(lines)


def mix_table(singer: Singer, pair: tuple[str, str], song: HeldOutSong, claimed: tuple[int, int]) -> str:
    """Return a table of a song that begins as one singer and ends as another: where between them each third lies.

    0 is the first singer's own rendering, 1 the second's, by the distance of mel cepstra in the notes' bodies.
    """
    transpose = registers(song, claimed)[1].transpose
    quarters = float(sum(t.quarters for line in song.lines for s in line.syllables for t in s.tones))
    quarters += float(sum(line.rest for line in song.lines[:-1]))
    moving = {pair[0]: [[0.0, 1.0], [quarters, 0.0]], pair[1]: [[0.0, 0.0], [quarters, 1.0]]}
    mixed, first, second = (singer.sing(song, Choices(who, transpose)) for who in (moving, *pair))
    places = mix_places(mixed, first, second)
    thirds = [float(np.mean(part)) for part in np.array_split(places, 3)]
    sounds = [measure_sound(sung) for sung in (first, mixed, second)]
    return "\n".join(
        [
            f"| {pair[0]} → {pair[1]} | first third | second third | last third |",
            "|---|---|---|---|",
            f"| place between the two (0 … 1) | {thirds[0]:.2f} | {thirds[1]:.2f} | {thirds[2]:.2f} |",
            "",
            f"Centroid of the whole song: {pair[0]} {sounds[0].centroid_hz:.0f} Hz, "
            f"the mix {sounds[1].centroid_hz:.0f} Hz, {pair[1]} {sounds[2].centroid_hz:.0f} Hz.",
        ]
    )


def mix_places(mixed: Singing, first: Singing, second: Singing) -> np.ndarray:
    """Return, for each note, where the mix lies from the first singer (0) to the second (1)."""
    bodies = [_note_spectra(sung) for sung in (mixed, first, second)]
    away = bodies[2] - bodies[1]
    along = ((bodies[0] - bodies[1]) * away).sum(axis=1) / np.maximum((away**2).sum(axis=1), 1e-9)
    return np.asarray(along)


def _note_spectra(sung: Singing) -> np.ndarray:
    """Return the mean log mel of each note's middle half, [notes, 128]."""
    mel, frame = log_mel(sung.mix()), 512 / 44100
    rows = []
    for note in sung.notes:
        start = note.start_s + sung.lead_s + 0.25 * note.duration_s
        first = int(start / frame)
        rows.append(mel[first : first + max(1, int(0.5 * note.duration_s / frame))].mean(axis=0))
    return np.array(rows)


def measure_sound(sung: Singing) -> Sound:
    """Measure the voiced frames of a singing, three frames from any phoneme's edge."""
    pieces = [_phrase_sound(phrase) for phrase in sung.phrases]
    levels, spectra, ratios = (np.concatenate([piece[i] for piece in pieces]) for i in range(3))
    power = spectra.mean(axis=0)
    hertz = np.linspace(0.0, sung.sample_rate / 2.0, len(power))
    low = hertz <= _CENTROID_HZ
    band = (hertz >= _TILT_HZ[0]) & (hertz <= _TILT_HZ[1])
    even = np.geomspace(*_TILT_HZ, 200)
    decibels = np.interp(even, hertz[band], 10.0 * np.log10(power[band] + 1e-20))
    return Sound(
        float(10.0 * np.log10(np.mean(10.0 ** (levels / 10.0)))),
        float((hertz[low] * power[low]).sum() / power[low].sum()),
        float(np.polyfit(np.log2(even), decibels, 1)[0]),
        float(np.median(ratios)),
        pitch_movement(sung),
        np.log(spectra + 1e-20).mean(axis=0) / 2.0,
    )


def _phrase_sound(phrase: SungPhrase) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return levels, envelopes as power and harmonic-to-noise ratios of a phrase's inner voiced frames."""
    edges = [phoneme.first for phoneme in phrase.phonemes[1:]]
    inner = np.flatnonzero(phrase.voiced & phrase.frames_with("vowel") & away_from_edges(edges, len(phrase.f0)))
    seconds = (inner + 0.5) * phrase.frame_s
    wave = phrase.audio.astype(np.float64)
    envelope = pyworld.cheaptrick(wave, phrase.f0[inner].astype(np.float64), seconds, phrase.sample_rate)
    return levels_db(phrase.audio, phrase.hop)[inner], envelope, harmonics_to_noise(phrase, seconds, phrase.f0[inner])


def harmonics_to_noise(phrase: SungPhrase, seconds: np.ndarray, f0: np.ndarray) -> np.ndarray:
    """Return dB at moments: Boersma's ratio, from the autocorrelation of a Hann window divided by the window's own.

    Boersma, Accurate short-term analysis of the fundamental frequency and the harmonics-to-noise ratio of a sampled
    sound, IFA Proceedings 17 (1993).
    """
    rate = phrase.sample_rate
    size = round(_HNR_WINDOW_S * rate)
    window = np.hanning(size)
    padded = np.pad(phrase.audio.astype(np.float64), size)
    starts = np.round(seconds * rate).astype(int) - size // 2 + size
    frames = padded[starts[:, None] + np.arange(size)]
    frames = (frames - frames.mean(axis=1, keepdims=True)) * window
    transform = 1 << (2 * size - 1).bit_length()
    own = np.fft.irfft(np.abs(np.fft.rfft(frames, transform)) ** 2)[:, : size // 2]
    of_window = np.fft.irfft(np.abs(np.fft.rfft(window, transform)) ** 2)[: size // 2]
    ratio = own / np.maximum(own[:, :1], 1e-12) * of_window[0] / of_window
    found = []
    for row, hertz in zip(ratio, f0, strict=True):
        low, high = int(0.94 * rate / hertz), int(1.06 * rate / hertz) + 2
        found.append(_peak(row[low : high + 1]))
    peak = np.clip(found, 1e-4, 1.0 - 1e-5)
    return np.asarray(10.0 * np.log10(peak / (1.0 - peak)))


def _peak(values: np.ndarray) -> float:
    """Return the height of the highest point, by a parabola through it and its neighbours."""
    at = int(values.argmax())
    if at in (0, len(values) - 1):
        return float(values[at])
    left, middle, right = values[at - 1 : at + 2]
    bend = left - 2.0 * middle + right
    return float(middle - (left - right) ** 2 / (8.0 * bend)) if bend < 0 else float(middle)


def pitch_movement(sung: Singing) -> float:
    """Return cents: the standard deviation of the pitch about each long note's own median."""
    moved = []
    for phrase in sung.phrases:
        seconds, hertz = track(phrase.audio, phrase.sample_rate, phrase.f0)
        for note in sung.notes:
            start, stop = note.start_s - phrase.start_s, note.start_s + note.duration_s - phrase.start_s
            body = hertz[(seconds > start + _SETTLED_S) & (seconds < stop - _RELEASE_S)]
            body = body[body > 0]
            if note.duration_s >= _LONG_S and len(body) > 20:
                cents = 1200.0 * np.log2(body / np.median(body))
                moved.append(cents[np.abs(cents) < 200.0])
    return float(np.std(np.concatenate(moved))) if moved else 0.0


def formant_shift(envelope: np.ndarray, neutral: np.ndarray) -> float:
    """Return semitones by which an envelope's peaks lie above the neutral one's: the warp that fits best."""
    hertz = np.linspace(0.0, 22050.0, len(envelope))
    points = np.geomspace(*_FORMANTS_HZ, 240)
    wanted = np.interp(points, hertz, envelope)
    shifts = np.arange(-_MOST_SEMITONES, _MOST_SEMITONES + 1e-9, _WARP_STEPS)
    fits = [_alike(np.interp(points / 2.0 ** (shift / 12.0), hertz, neutral), wanted) for shift in shifts]
    at = int(np.argmax(fits))
    return float(shifts[at])


def _alike(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.corrcoef(first - first.mean(), second - second.mean())[0, 1])
