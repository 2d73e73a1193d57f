"""Every tensor that reaches a model, frame by frame, against a reading of the format that shares no code with ours.

The reading below is written from the format's text (sections 3.3 to 3.7) in plain loops. Where it says "ours", the
documented departures of docs/voicebanks.md hold.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from singsynth_mcp.performance.model import Phrase
from tests import voicebank_factory as factory
from tests.matrix_banks import Song, build, sing
from tests.singing import Sung, phrase_of
from tests.voicebanks.test_aviary import FOLDER

SUNG: list[Sung] = [
    (-0.3, 0.3, 64.0, "AP"),
    (0.0, 0.4, 64.0, "k a"),
    (0.4, 0.35, 67.0, "s a"),
    (0.75, 0.5, 69.0, "+~"),
    (1.25, 0.3, 69.0, "SP"),
    (1.55, 2.2, 62.0, "s a"),
    (3.75, 0.25, 60.5, "k a"),
]
needs_voice = pytest.mark.skipif(not FOLDER.is_dir(), reason="the voice has not been made yet: make voice")


def _matrix(folder: Path) -> Path:
    return build(folder)


def _multi(folder: Path) -> Path:
    return factory.multi(folder)


def _legacy(folder: Path) -> Path:
    return factory.legacy(folder)


def _shipped(folder: Path) -> Path:
    return FOLDER


BANKS = [_matrix, _multi, _legacy, pytest.param(_shipped, marks=needs_voice)]


def _to_frames(lengths_ms: list[float], frame_ms: float) -> list[int]:
    """The one rounding rule of section 3.4."""
    passed = previous = 0.0
    frames = []
    for length in lengths_ms:
        passed += length
        # Sums of floats that mean a whole number of frames lie a hair beside it.
        end = round(round(passed / frame_ms, 6) + 0.5)
        frames.append(int(end - previous))
        previous = end
    return frames


class Reading:
    """What the models of a bank are to be fed for a phrase whose phonemes have their times."""

    def __init__(self, folder: Path, song: Song) -> None:
        self.folder = folder
        self.phrase: Phrase = song.phrase
        config = self._config("")
        self.frame_ms = 1000 * config.get("hop_size", 512) / config.get("sample_rate", 44100)
        self.starts = [1000 * float(start) for start in song.phrase.boundaries_s]  # type: ignore[union-attr]
        lengths = [after - before for before, after in pairwise(self.starts)]
        self.ph_dur = _to_frames([8 * self.frame_ms, *lengths, 8 * self.frame_ms], self.frame_ms)
        self.frames = sum(self.ph_dur)
        self.symbols = ["SP", *(phoneme.symbol for phoneme in song.phrase.phonemes), "SP"]

    def _config(self, stage: str) -> dict[str, Any]:
        loaded: dict[str, Any] = yaml.safe_load((self.folder / stage / "dsconfig.yaml").read_text(encoding="utf-8"))
        return loaded

    def tokens(self, stage: str, symbols: list[str]) -> list[int]:
        path = self.folder / stage / self._config(stage).get("phonemes", "phonemes.txt")
        if path.suffix == ".json":
            table = json.loads(path.read_text(encoding="utf-8"))
        else:
            table = {line: number for number, line in enumerate(path.read_text(encoding="utf-8").split("\n"))}
        return [table[symbol] for symbol in symbols]

    def languages(self, stage: str, symbols: list[str]) -> list[int]:
        path = self.folder / stage / "languages.json"
        table = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        return [table.get(symbol.split("/")[0], 0) if "/" in symbol else 0 for symbol in symbols]

    def text(self, stage: str) -> dict[str, list[int]]:
        vowels = [i for i, phoneme in enumerate(self.phrase.phonemes) if phoneme.role != "consonant"]
        division = [vowels[0] + 1]
        for i in range(1, len(vowels)):
            division.append(vowels[i] - vowels[i - 1])
        division.append(len(self.phrase.phonemes) - vowels[-1] + 1)
        durations, at = [], 0
        for count in division:
            durations.append(sum(self.ph_dur[at : at + count]))
            at += count
        return {
            "tokens": self.tokens(stage, self.symbols),
            "languages": self.languages(stage, self.symbols),
            "word_div": division,
            "word_dur": durations,
            "ph_dur": self.ph_dur,
        }

    def durations(self) -> dict[str, list[int]]:
        """Section 3.3: a group from each onset to the next, the first from half a second before the first onset."""
        groups = list(self.phrase.groups)
        onsets = [group.start_s * 1000 for group in groups[1:]] + [self.phrase.end_s * 1000]
        edges = [onsets[0] - 500, *onsets]
        cut = [int((edge - edges[0]) / self.frame_ms + 1e-9) for edge in edges]
        word_dur = [after - before for before, after in pairwise(cut)]
        firsts = [group.first for group in groups] + [len(self.phrase.phonemes)]
        division = [after - before for before, after in pairwise(firsts)]
        division[0] += 1
        tones = []
        for group, count in zip(groups, division, strict=True):
            tones += [round(group.midi)] * count
        symbols = self.symbols[:-1]
        return {
            "tokens": self.tokens("dsdur", symbols),
            "languages": self.languages("dsdur", symbols),
            "word_div": division,
            # Ours: asked for no more than a second and a half, and for no empty word.
            "word_dur": [max(1, min(frames, int(1500 / self.frame_ms))) for frames in word_dur],
            "ph_midi": tones,
        }

    def pitch(self) -> dict[str, list[Any]]:
        """Section 3.5: the notes between two pads, gaps between them as rests, rests in their neighbours' tones."""
        notes = self.phrase.notes
        first = notes[0].start_s * 1000
        items = [(max(0.0, first - (self.starts[0] - 8 * self.frame_ms)), notes[0].midi, True)]
        end = first
        for note in notes:
            start, length = note.start_s * 1000, note.duration_s * 1000
            if start - end > 1:
                items.append((start - end, note.midi, True))
            sung = False
            for phoneme, begins, ends in zip(self.phrase.phonemes, self.starts[:-1], self.starts[1:], strict=True):
                sung = sung or (phoneme.role == "vowel" and begins < start + length - 1 and ends > start + 1)
            items.append((length, note.midi, items[-1][2] if note.lyric.startswith("+") else not sung))
            end = start + length
        items.append((8 * self.frame_ms, notes[-1].midi, True))
        tones, rests = [tone for _, tone, _ in items], [rest for _, _, rest in items]
        frames = _to_frames([length for length, _, _ in items], self.frame_ms)
        frames[-1] += self.frames - sum(frames)
        i = 0
        while i < len(items):
            j = i
            while j < len(items) and rests[j]:
                j += 1
            for k in range(i, j):
                before, after = (tones[i - 1] if i else None), (tones[j] if j < len(items) else None)
                takes_before = after is None or (before is not None and k - i < (j - i + 1) // 2)
                tones[k] = before if takes_before else after  # type: ignore[assignment]
            i = j + 1
        return {
            "ph_dur": self.ph_dur,
            "note_midi": tones,
            "note_rest": rests,
            "note_dur": frames,
            "pitch": [60.0] * self.frames,
            "expr": [1.0] * self.frames,
            "retake": [True] * self.frames,
            "steps": [10],
            "speedup": [100],
        }

    def variance(self, heads: int) -> dict[str, Any]:
        zeros = [0.0] * self.frames
        return {
            "ph_dur": self.ph_dur,
            "pitch": self.phrase.pitch,
            "retake": [[True] * heads] * self.frames,
            **dict.fromkeys(("energy", "breathiness", "voicing", "tension"), zeros),
            "steps": [20],
            "speedup": [50],
        }

    def acoustic(self) -> dict[str, Any]:
        assert self.phrase.pitch is not None
        f0 = [440 * 2 ** ((float(midi) - 69) / 12) for midi in self.phrase.pitch]
        return {
            "tokens": self.tokens("", self.symbols),
            "languages": self.languages("", self.symbols),
            "durations": self.ph_dur,
            "f0": f0,
            "gender": [0.0] * self.frames,
            "velocity": [1.0] * self.frames,
            **(self.phrase.variance or {}),
        }


def _check(fed: Any, expected: dict[str, Any], model: str, unread: frozenset[str] = frozenset()) -> None:
    assert set(fed) <= set(expected) | unread, model
    for name in set(fed) - unread:
        expectation = np.asarray(expected[name])
        assert np.shape(fed[name]) in (expectation.shape, ()), f"{model} {name}"
        np.testing.assert_allclose(fed[name], expectation, rtol=2e-6, err_msg=f"{model} {name}")


@pytest.mark.parametrize("make", BANKS)
def test_every_tensor_is_what_the_format_says(make: Callable[[Path], Path], tmp_path: Path) -> None:
    folder = make(tmp_path / "bank")
    song = sing(folder, phrase_of(SUNG, prefix="" if make is _legacy else "ja/"))
    reading, fed = Reading(folder, song), {_short(name): feeds for name, feeds in song.fed.items()}
    _check(fed["dsdur/linguistic"], reading.durations(), "dsdur/linguistic")
    encoded = frozenset({"encoder_out", "x_masks", "spk_embed"})
    _check(fed["dsdur/predictor"], reading.durations(), "dsdur", encoded)
    for stage in ("dspitch", "dsvariance"):
        _check(fed[f"{stage}/linguistic"], reading.text(stage), f"{stage}/linguistic")
    _check(fed["dspitch/predictor"], reading.pitch(), "dspitch", encoded)
    heads = fed["dsvariance/predictor"]["retake"].shape[-1]
    _check(fed["dsvariance/predictor"], reading.variance(heads), "dsvariance", encoded)
    _check(fed["acoustic"], reading.acoustic(), "acoustic", frozenset({"spk_embed", "depth", "steps", "speedup"}))
    np.testing.assert_array_equal(fed["dsvocoder"]["f0"], fed["acoustic"]["f0"])


def _short(name: str) -> str:
    folder, _, model = name.rpartition("/")
    if folder in ("", "dsvocoder"):
        return folder or "acoustic"
    return f"{folder}/{'linguistic' if 'linguistic' in model or 'encoder' in model else 'predictor'}"


def _plain(folder: Path) -> Path:
    return factory.plain(folder)


def _without_expr(folder: Path) -> Path:
    return build(folder, pitch={"expr": False})


@pytest.mark.parametrize("make", [_plain, _legacy, _without_expr, pytest.param(_shipped, marks=needs_voice)])
def test_note_bodies_are_in_tune_with_expression_off(make: Callable[[Path], Path], tmp_path: Path) -> None:
    phrase = phrase_of(SUNG, prefix="" if make is _legacy else "ja/", controls={"expressiveness": 0.0})
    song = sing(make(tmp_path / "bank"), phrase)
    frame_s = 512 / 44100
    assert song.phrase.pitch is not None
    times = song.mel.offset_s + (np.arange(len(song.phrase.pitch)) + 0.5) * frame_s
    for note in phrase.notes:
        if note.lyric == "AP":
            continue
        start, end = note.start_s + 0.1, note.start_s + note.duration_s - 0.1
        body = song.phrase.pitch[(times > start) & (times < end)]
        assert abs(np.median(body) - note.midi) < 0.05, note
