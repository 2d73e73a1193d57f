"""The renderer on made-up recordings: what is sung is what was asked for, to the cent."""

import dataclasses
import warnings

import numpy as np
import pytest

from training.examples import FRAME_SECONDS, HOP_SIZE, SAMPLE_RATE, STEP_BANDS

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # pyworld asks for pkg_resources, which warns
    from training.render_corpus import content_seed, corpus_folder, sung_examples
    from training.sing import sing
    from training.songs import Note, Run, Song, SungPhoneme, compose
    from training.store import Recording
    from training.voices import Voice, loudness_db, sung_loudness_db

from singsynth_mcp.media.clicks import clicks
from training.mel import log_mel
from training.rendering.synthesis import pulse_phase, pulse_train, shape
from training.targets import analytic_mel, band_centres, interpolation, warped_centres

PHONEMES = ("SP", "ja/s", "ja/a", "ja/t", "ja/o", "SP")
STARTS = np.array([0.0, 0.2, 0.3, 0.5, 0.6, 0.8, 1.0])


def _recording() -> Recording:
    frames = int(STARTS[-1] / 0.005)
    envelope = np.full((3, frames, 256), -6.0, np.float16)
    voiced = np.zeros(frames, bool)
    aperiodicity = np.ones((frames, 64), np.float16)
    for symbol, start, end in zip(PHONEMES, STARTS[:-1], STARTS[1:], strict=True):
        part = slice(round(start / 0.005), round(end / 0.005))
        if symbol in {"ja/a", "ja/o"}:
            envelope[:, part] = np.linspace(-1.0, -5.0, 256, dtype=np.float16)
            voiced[part] = True
            aperiodicity[part] = 0.02
        elif symbol == "SP" or symbol == "ja/t":
            envelope[:, part] = -12.0
    return Recording(
        PHONEMES,
        STARTS,
        STARTS[1:].copy(),
        ("",) * len(PHONEMES),
        np.zeros(len(PHONEMES), np.float32),
        (200.0, 262.0, 340.0),
        envelope,
        aperiodicity,
        voiced,
    )


VOICE = Voice("linnet", {0: _recording()}, (), -5.0, -5.0, np.full(256, -6.0, np.float32))


def _song(midi: float, shutting: str = "ja/t") -> Song:
    """Return sa and o, both held; what shuts the a is read from the recording's t."""
    parts = [("SP", 0.2, None), ("ja/s", 0.1, 1), ("ja/a", 1.0, 2), (shutting, 0.1, 3)]
    parts += [("ja/o", 1.5, 4), ("SP", 0.3, None)]
    start, phonemes = 0.0, []
    for symbol, length, source in parts:
        place = None if source is None else (0, source)
        phonemes.append(SungPhoneme(symbol, start, start + length, length, midi, place))
        start += length
    return Song(tuple(phonemes), (Note(0.3, 1.4, midi), Note(1.4, 2.9, midi)))


def test_pitch_is_exact_everywhere():
    import pyworld

    for midi in (55.0, 69.0, 81.0):
        example = sing(_song(midi), VOICE, 0.0, np.random.default_rng(1))
        audio = example.audio.astype(np.float64)
        rough, times = pyworld.dio(audio, SAMPLE_RATE, f0_floor=100.0, f0_ceil=1300.0)
        found = pyworld.stonemask(audio, rough, times, SAMPLE_RATE)
        centres = (np.arange(example.frames) + 0.5) * FRAME_SECONDS
        heard = np.interp(centres, times, found)
        inside = (centres > 1.8) & (centres < 2.8)
        assert (heard[inside] > 0).mean() > 0.95
        inside &= heard > 0
        cents = 1200.0 * np.log2(heard[inside] / example.f0[inside])
        assert np.abs(np.median(cents)) < 2.0
        assert np.percentile(np.abs(cents), 75) < 10.0


def test_vowels_start_on_their_labels_and_silence_is_silent():
    example = sing(_song(64.0), VOICE, 0.0, np.random.default_rng(1))
    starts = np.concatenate([[0], np.cumsum(example.ph_dur)]) * FRAME_SECONDS
    assert len(example.audio) == example.frames * HOP_SIZE
    power = np.sqrt(np.convolve(example.audio**2, np.ones(441) / 441, mode="same"))
    half = 0.5 * power[int(1.6 * SAMPLE_RATE) : int(2.6 * SAMPLE_RATE)].mean()
    onset = np.argmax(power[int(1.2 * SAMPLE_RATE) :] > half) / SAMPLE_RATE + 1.2
    silence = int(example.phonemes.index("ja/t")) + 1
    late = np.argmax(power[int(1.35 * SAMPLE_RATE) :] > half) / SAMPLE_RATE + 1.35
    assert onset < late + 0.2
    assert abs(late - starts[silence]) < 0.02
    assert np.abs(example.audio[: int(0.17 * SAMPLE_RATE)]).max() < 1e-4
    assert np.abs(example.audio[-int(0.2 * SAMPLE_RATE) :]).max() < 1e-4


def test_nothing_clicks():
    example = sing(_song(60.0), VOICE, 0.0, np.random.default_rng(2))
    assert np.isfinite(example.audio).all()
    assert clicks(example.audio.astype(np.float64), SAMPLE_RATE) == []
    assert np.abs(example.audio).max() < 1.0


def test_equal_seeds_sing_equal_samples():
    once, again = (sing(_song(62.0), VOICE, 0.3, np.random.default_rng(7)) for _ in range(2))
    np.testing.assert_array_equal(once.audio, again.audio)
    np.testing.assert_array_equal(once.mel, again.mel)


@pytest.mark.parametrize(
    ("symbol", "raised_db"),
    [("en/v", 8.0), ("en/th", 8.0), ("ja/g", 2.0), ("en/s", 0.0), ("ja/t", -1.0), ("en/hh", -2.0), ("ja/p", -6.0)],
)
def test_consonants_are_brought_within_limits_to_where_singing_has_them(symbol, raised_db):
    # v and th are raised by 10 dB, g by 4, at most; what has no level of its own follows its vowel, here by 2 dB.
    low = band_centres() < 2000.0
    levels = [_noise_of(sung)[low].mean() for sung in (symbol, "ja/ts")]
    assert levels[0] - levels[1] == pytest.approx(raised_db, abs=0.6)


@pytest.mark.parametrize(
    ("symbol", "brighter_db"),
    [("ja/t", 6.0), ("en/th", 6.0), ("en/hh", 6.0), ("en/s", 2.0), ("en/d", 0.0), ("ja/cl", 0.0)],
)
def test_unvoiced_consonants_are_sung_brighter_than_they_are_read(symbol, brighter_db):
    noise, hertz = _noise_of(symbol), band_centres()
    assert noise[hertz > 4000.0].mean() - noise[hertz < 2000.0].mean() == pytest.approx(brighter_db, abs=0.2)


def _noise_of(symbol: str) -> np.ndarray:
    """Return dB [128]: the noise of a phoneme, read with a flat envelope 26 dB under the vowels and more."""
    recording = _recording()
    recording.envelope[:, 100:120] = -8.0
    voice = dataclasses.replace(VOICE, recordings={0: recording})
    example = sing(_song(64.0, symbol), voice, 0.0, np.random.default_rng(1))
    return example.noise[round(1.35 / FRAME_SECONDS)].astype(np.float64) * 20.0 / np.log(10.0)


@pytest.mark.parametrize(("symbol", "has_voice"), [("en/z", True), ("en/d", True), ("en/s", False), ("ja/t", False)])
def test_voiced_obstruents_said_without_a_voice_are_sung_with_one(symbol, has_voice):
    example = sing(_song(64.0, symbol), VOICE, 0.0, np.random.default_rng(1))
    middle = round(1.35 / FRAME_SECONDS)
    assert example.voiced[middle] == has_voice
    under_vowel = example.voicing[middle] - example.voicing[round(0.8 / FRAME_SECONDS)]
    assert (-32.0 < under_vowel < -18.0) if has_voice else under_vowel < -60.0


def _close_and_open() -> Voice:
    """Return a voice whose a has its first formant at 850 Hz and whose o, here an i, at 300."""
    recording = _recording()
    centres = np.maximum(warped_centres(256), 20.0)
    for start, formants in ((0.3, (850.0, 1300.0)), (0.6, (300.0, 2500.0))):
        first, second = (np.exp(-0.5 * (np.log2(centres / formant) / 0.3) ** 2) for formant in formants)
        part = slice(round(start / 0.005), round((start + 0.2) / 0.005))
        recording.envelope[:, part] = (-5.5 + np.maximum(4.0 * first, 1.5 * second)).astype(np.float16)
    vowels = np.concatenate([recording.envelope[1, 65:95], recording.envelope[1, 125:155]]).astype(np.float32)
    spoken = float(np.median(sung_loudness_db(vowels, np.full(len(vowels), 262.0))))
    return dataclasses.replace(VOICE, recordings={0: recording}, vowel_db=spoken, sung_vowel_db=spoken)


@pytest.mark.parametrize("midi", [57.0, 69.0, 79.0])
def test_close_vowels_are_as_loud_as_open_ones_however_high_they_are_sung(midi):
    example = sing(_song(midi), _close_and_open(), 0.0, np.random.default_rng(1))
    levels = [
        np.sqrt(np.mean(example.audio[int(start * SAMPLE_RATE) : int((start + 0.6) * SAMPLE_RATE)] ** 2))
        for start in (0.5, 1.8)
    ]
    assert abs(20.0 * np.log10(levels[0] / levels[1])) < 3.0


def test_a_first_formant_under_the_pitch_comes_up_to_it_and_any_other_stays():
    centres = band_centres()

    def first_formant(midi: float, seconds: float) -> float:
        envelope = sing(_song(midi), _close_and_open(), 0.0, np.random.default_rng(1)).harmonic
        around = (centres > 150.0) & (centres < 1100.0)
        frame = envelope[round(seconds / FRAME_SECONDS)]
        return float(centres[around][frame[around] >= frame[around].max() - 0.2].max())

    assert first_formant(55.0, 2.2) == pytest.approx(300.0, abs=70.0)
    assert first_formant(79.0, 2.2) == pytest.approx(784.0, abs=90.0)
    assert first_formant(55.0, 0.9) == first_formant(67.0, 0.9)


def test_a_flat_envelope_is_as_loud_sung_as_it_is_read():
    envelope = np.full((3, 256), -2.0, np.float32)
    sung = sung_loudness_db(envelope, np.array([110.0, 330.0, 900.0]))
    np.testing.assert_allclose(sung, loudness_db(envelope), atol=1.0)


def _level_db(audio: np.ndarray, start: float, end: float) -> float:
    part = audio[round(start * SAMPLE_RATE) : round(end * SAMPLE_RATE)].astype(np.float64)
    return float(10.0 * np.log10(np.mean(part**2)))


def test_the_last_note_before_a_pause_is_left_softly_and_no_other():
    # An a from 0.3 to 1.3 s, shut by t; an o from 1.4 to 2.9, then a pause.
    audio = sing(_song(64.0), VOICE, 0.0, np.random.default_rng(1)).audio
    held, soft = _level_db(audio, 2.3, 2.6), [_level_db(audio, end - 0.02, end) for end in (2.72, 2.82, 2.89)]
    assert soft[0] == pytest.approx(held, abs=1.5)
    assert soft[1] == pytest.approx(held - 6.5, abs=1.5)
    assert soft[2] == pytest.approx(held - 17.0, abs=3.0)
    assert _level_db(audio, 1.26, 1.28) == pytest.approx(_level_db(audio, 0.7, 1.1), abs=1.5)


def test_a_last_note_that_a_consonant_shuts_is_not_left_softly():
    song = _song(64.0)
    shut = dataclasses.replace(song, phonemes=(*song.phonemes[:4], song.phonemes[-1]))
    audio = sing(shut, VOICE, 0.0, np.random.default_rng(1)).audio
    assert _level_db(audio, 1.26, 1.28) == pytest.approx(_level_db(audio, 0.7, 1.1), abs=1.5)


def test_a_last_note_without_a_vowel_is_left_within_its_own_length():
    song = _song(64.0)
    hum = dataclasses.replace(song.phonemes[4], symbol="ja/m", start=2.7, natural=0.2)
    rest = dataclasses.replace(song.phonemes[0], end=2.7, natural=2.7)
    short = dataclasses.replace(song, phonemes=(rest, hum, song.phonemes[5]))
    audio = sing(short, VOICE, 0.0, np.random.default_rng(1)).audio
    assert _level_db(audio, 2.80, 2.82) == pytest.approx(_level_db(audio, 2.75, 2.78), abs=1.0)
    assert _level_db(audio, 2.87, 2.88) < _level_db(audio, 2.75, 2.78) - 6.0


@pytest.mark.parametrize(("symbol", "least_db", "most_db"), [("en/v", -40.0, -34.0), ("en/s", -20.0, 0.0)])
def test_a_v_does_not_hiss_however_loud_it_was_spoken(symbol, least_db, most_db):
    recording = _recording()
    recording.envelope[:, 100:120] = np.where(warped_centres(256) > 3000.0, -1.0, -9.0).astype(np.float16)
    voice = dataclasses.replace(VOICE, recordings={0: recording})
    audio = sing(_song(64.0, symbol), voice, 0.0, np.random.default_rng(1)).audio
    assert least_db < _level_db(audio, 1.33, 1.37) < most_db


def test_gender_moves_the_formants():
    recording = _recording()
    hertz = np.arange(256)
    recording.envelope[:] = (-3.0 - np.abs(hertz - 100) / 30.0).astype(np.float16)
    voice = dataclasses.replace(VOICE, recordings={0: recording})
    peaks = [
        sing(_song(60.0), voice, gender, np.random.default_rng(1)).harmonic[150].argmax() for gender in (-1.0, 0.0, 1.0)
    ]
    assert peaks[0] < peaks[1] < peaks[2]


def test_targets_agree_with_the_rendered_samples():
    f0 = np.full(400, 300.0)
    level = np.tile(np.linspace(-3.0, -8.0, 1025, dtype=np.float32), (400, 1))
    cycles, hertz = pulse_phase(f0)
    heard = log_mel(shape(pulse_train(cycles, hertz), level))[20:180].mean(axis=0)
    expected = analytic_mel(level[:200], level[:200] - 8.0, np.full(200, 300.0))[100]
    loud = expected > expected.max() - 3.0
    assert loud.sum() > 10
    assert np.abs(heard[loud] - expected[loud]).mean() < 0.05
    assert np.abs(heard[loud] - expected[loud]).max() < 0.25


def test_every_seed_has_songs_and_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setenv("SINGSYNTH_TRAINING_CACHE", str(tmp_path))
    assert corpus_folder(1) == corpus_folder(1) != corpus_folder(2)
    voice = dataclasses.replace(VOICE, runs=(Run(0, 1, PHONEMES[1:5], tuple(np.diff(STARTS)[1:5])),))
    songs = [next(sung_examples(voice, content_seed(seed, "linnet", 0), 1)) for seed in (1, 1, 2)]
    np.testing.assert_array_equal(songs[0].audio, songs[1].audio)
    assert songs[0].audio.shape != songs[2].audio.shape


def test_random_songs_keep_every_field_in_step():
    run = Run(0, 1, PHONEMES[1:5], tuple(np.diff(STARTS)[1:5]))
    for seed in range(3):
        generator = np.random.default_rng(seed)
        example = sing(compose([run, run], VOICE.comfortable, generator), VOICE, 0.0, generator)
        frames = example.frames
        for name in ("f0", "f0_rule", "mel", "harmonic", "noise", "harmonic_steps", "noise_steps", "voiced"):
            assert len(getattr(example, name)) == frames, name
        for frame, steps in ((example.harmonic, example.harmonic_steps), (example.noise, example.noise_steps)):
            at_bands = interpolation(tuple(warped_centres(STEP_BANDS)), tuple(band_centres()))
            np.testing.assert_allclose(steps.mean(axis=1) @ at_bands, frame, atol=1e-4)
        for name in ("breathiness", "voicing"):
            curve = getattr(example, name)
            assert len(curve) == frames
            assert curve.min() >= -96.0
            assert curve.max() <= 0.0
        assert np.isfinite(example.mel).all()
        vowels = [s in {"ja/a", "ja/o"} for s in example.phonemes]
        owner = np.repeat(np.arange(len(vowels)), example.ph_dur)
        assert example.voiced[np.array(vowels)[owner]].mean() > 0.9
