"""Phrases put together into what a picture shows: the first seconds of those asked for."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from singsynth_mcp.media.findings import PADDING_FRAMES
from singsynth_mcp.media.pictures import DrawnPhoneme, Scene, plain_symbol
from singsynth_mcp.performance.model import AudioPhrase, MelPhrase, Phrase, PhraseNote

if TYPE_CHECKING:
    import numpy.typing as npt

LONGEST_S = 16.0
"""Longer pictures are no longer read: ask for other phrases."""
_MARGIN_S = 0.15


class SceneBuilder:
    """Collects phrases in order, keeping no more than the picture shows."""

    def __init__(self, title: str, frame_s: float) -> None:
        self._title = title
        self._frame_s = frame_s
        self._notes: list[PhraseNote] = []
        self._spoken: list[str] = []
        self._phonemes: list[DrawnPhoneme] = []
        self._pitch: list[tuple[npt.NDArray[Any], npt.NDArray[Any]]] = []
        self._audio: list[tuple[float, AudioPhrase]] = []
        self._mel: list[tuple[float, MelPhrase]] = []
        self._start_s: float | None = None
        self._full = False
        self.end_s = 0.0
        """Where the last phrase ends, drawn or not."""
        self.stop_s = 0.0
        """Where the picture stops: with a whole phrase, if it is not the first."""

    @property
    def start_s(self) -> float:
        """Where the picture starts."""
        return self._start_s or 0.0

    def add(self, origin_s: float, phrase: Phrase | None, mel: MelPhrase | None, audio: AudioPhrase | None) -> None:
        """Take what there is of the next phrase, whose origin lies at `origin_s` in the song."""
        begin, end = self._extent(phrase, mel, audio)
        self.end_s = max(self.end_s, origin_s + end)
        if self._start_s is None:
            self._start_s = origin_s + begin
        elif self._full or self.end_s > self._start_s + LONGEST_S:
            self._full = True
            return
        self.stop_s = min(self.end_s, self._start_s + LONGEST_S)
        if phrase is not None:
            self._add_phrase(origin_s, phrase)
        if audio is not None:
            self._audio.append((origin_s + audio.offset_s, audio))
        if mel is not None:
            self._mel.append((origin_s + mel.offset_s, mel))

    def scene(self) -> Scene:
        """Return what is to be drawn."""
        rate = self._audio[0][1].sample_rate if self._audio else 44_100
        audio = [(start, phrase.audio) for start, phrase in self._audio]
        mel = [(start, phrase.mel) for start, phrase in self._mel]
        return Scene(
            title=self._title,
            start_s=self.start_s,
            stop_s=max(self.stop_s, self.start_s + 0.1),
            notes=self._notes,
            spoken=self._spoken,
            phonemes=self._phonemes,
            pitch=self._pitch,
            audio=self._joined(audio, 1 / rate, 0.0) if audio else None,
            sample_rate=rate,
            mel=self._joined(mel, self._frame_s, min(float(part.min()) for _, part in mel)) if mel else None,
        )

    def _extent(self, phrase: Phrase | None, mel: MelPhrase | None, audio: AudioPhrase | None) -> tuple[float, float]:
        """Return where the phrase's contents begin and end, relative to its origin."""
        if audio is not None:
            return audio.offset_s, audio.offset_s + len(audio.audio) / audio.sample_rate
        if mel is not None:
            return mel.offset_s, mel.offset_s + len(mel.mel) * self._frame_s
        assert phrase is not None
        begin = 0.0 if phrase.boundaries_s is None else float(phrase.boundaries_s[0])
        return begin - _MARGIN_S, phrase.end_s + _MARGIN_S

    def _add_phrase(self, origin_s: float, phrase: Phrase) -> None:
        import numpy as np

        for number in range(len(phrase.notes)):
            own = (item for item in phrase.phonemes if item.note == number and item.role in ("vowel", "consonant"))
            self._spoken.append("".join(plain_symbol(item.symbol) for item in own))
        self._notes += [replace(note, start_s=origin_s + note.start_s) for note in phrase.notes]
        bounds = phrase.boundaries_s
        if bounds is None:
            return
        for index, item in enumerate(phrase.phonemes):
            start, stop = origin_s + float(bounds[index]), origin_s + float(bounds[index + 1])
            self._phonemes.append(DrawnPhoneme(plain_symbol(item.symbol), item.role, start, stop))
        if phrase.pitch is not None:
            frames = np.arange(PADDING_FRAMES, max(PADDING_FRAMES, len(phrase.pitch) - PADDING_FRAMES))
            times = origin_s + float(bounds[0]) + (frames - PADDING_FRAMES) * self._frame_s
            curve = phrase.pitch[frames].astype(np.float64)
            sounding = np.searchsorted(bounds, times - origin_s, side="right") - 1
            silent = np.array([item.role == "rest" for item in phrase.phonemes])
            curve[silent[np.clip(sounding, 0, len(silent) - 1)]] = np.nan
            self._pitch.append((times, curve))

    def _joined(self, parts: list[tuple[float, npt.NDArray[Any]]], step_s: float, empty: float) -> npt.NDArray[Any]:
        """Return the picture's stretch of time with each part laid at its start, `empty` between."""
        import numpy as np

        length = round((self.stop_s - self.start_s) / step_s)
        joined = np.full((length, *parts[0][1].shape[1:]), empty, np.float32)
        for start_s, part in parts:
            first = round((start_s - self.start_s) / step_s)
            low, high = max(first, 0), min(first + len(part), length)
            if low < high:
                joined[low:high] += part[low - first : high - first] - empty
        return joined
