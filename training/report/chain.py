"""Sing a held-out song with any voicebank through the package's own tools, step by step, in this process."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import anyio

import singsynth_mcp
from singsynth_mcp.artifacts.folder import FolderStore
from singsynth_mcp.performance.blobs import audio_from_bytes, mel_from_bytes, phrase_from_bytes
from singsynth_mcp.performance.model import Phrase, PhraseNote
from singsynth_mcp.recipes.local import LocalCaller
from singsynth_mcp.settings import Settings
from singsynth_mcp.synthesis.frames import phoneme_frames
from singsynth_mcp.voicebanks import Voicebank, get_voicebank
from training.cache import code_key, content_key, file_sha256
from training.report.singing import Singing, SungPhrase, TimedPhoneme, label_voicing
from training.report.songbook import HeldOutSong, to_musicxml

_ROOMS = ("score", "lyrics", "performance", "voicebanks", "synthesis")
_PREDICTORS = ("predict_durations", "predict_pitch", "predict_variance")


@dataclass(frozen=True)
class Choices:
    """How a song is to be sung."""

    speaker: Any
    transpose: float = 0.0
    controls: Mapping[str, Any] | None = None


class Singer:
    """A voicebank behind the package's tools."""

    def __init__(self, voicebank: str, store: Path, threads: int = 0) -> None:
        """``voicebank`` is an id or a folder; artifacts go to ``store``. Raises UnknownVoicebank, InvalidVoicebank."""
        settings = Settings(artifacts=store, output=store, threads=threads)
        if Path(voicebank).is_dir():
            folder = _under_its_own_name(Path(voicebank), store)
            settings = settings.model_copy(update={"voicebanks": (folder, *settings.voicebanks)})
            voicebank = folder.name
        self._caller = LocalCaller(settings)
        self._store = FolderStore.from_settings(settings)
        self.bank: Voicebank = get_voicebank(voicebank, settings.voicebanks)

    @cached_property
    def fingerprint(self) -> str:
        """Name what this voicebank sings with: its files and the code between score and sound."""
        files = [file_sha256(path) for path in sorted(self.bank.root.rglob("*")) if path.is_file()]
        rooms = Path(singsynth_mcp.__file__).parent
        code = [path for room in _ROOMS for path in (rooms / room).rglob("*.py")]
        return content_key(files, code_key(code), list(self.controls))

    @cached_property
    def controls(self) -> tuple[str, ...]:
        """The controls that the voicebank follows."""
        info = anyio.run(self._caller.call, "get_voicebank_info", {"voicebank": self.bank.id})
        return tuple(info["controls"])

    def sing(self, song: HeldOutSong, choices: Choices) -> Singing:
        """Sing a song. Raises SingSynthError: what a tool answered."""
        return anyio.run(self._sing, song, choices)

    async def _sing(self, song: HeldOutSong, choices: Choices) -> Singing:
        warnings: list[str] = []

        async def call(name: str, **arguments: Any) -> dict[str, Any]:
            result = await self._caller.call(name, arguments)
            warnings.extend(f"{warning['code']}: {warning['message']}" for warning in result.get("warnings") or ())
            return result

        score = await call("parse_score", text=to_musicxml(song))
        phonemes = await call("phonemize", score=score["id"], voicebank=self.bank.id, language=song.language)
        performance = await call(
            "align_phonemes_to_notes",
            score=score["id"],
            phonemes=phonemes["id"],
            speaker=choices.speaker,
            transpose=choices.transpose,
            controls=dict(choices.controls or {}),
        )
        for predictor in _PREDICTORS:
            performance = await call(predictor, performance=performance["id"])
        began, began_cpu = time.perf_counter(), time.process_time()
        mel = await call("synthesize_audio", performance=performance["id"])
        audio = await call("vocode", mel=mel["id"])
        spent = time.perf_counter() - began, time.process_time() - began_cpu
        phrases, notes = await self._phrases(performance["id"], mel["id"], audio["id"])
        return Singing(phrases, notes, line_spans(song, notes), *spent, tuple(dict.fromkeys(warnings)))

    async def _phrases(
        self, performance_id: str, mel_id: str, audio_id: str
    ) -> tuple[tuple[SungPhrase, ...], tuple[PhraseNote, ...]]:
        performance, mel, audio = [await self._store.get(name) for name in (performance_id, mel_id, audio_id)]
        phrases, notes = [], []
        for ours, mels, sound in zip(performance.entries, mel.entries, audio.entries, strict=True):
            phrase = phrase_from_bytes(await self._store.get_blob(ours.blob))
            spectrum = mel_from_bytes(await self._store.get_blob(mels.blob))
            samples = audio_from_bytes(await self._store.get_blob(sound.blob))
            hop = len(samples.audio) // len(spectrum.f0_hz)
            timed = _timed(phrase, hop / samples.sample_rate)
            phrases.append(
                SungPhrase(
                    samples.audio,
                    samples.sample_rate,
                    hop,
                    sound.start_seconds + samples.offset_s,
                    spectrum.f0_hz,
                    timed,
                    label_voicing(timed, len(spectrum.f0_hz)),
                    spectrum.mel,
                )
            )
            notes += [replace(note, start_s=note.start_s + ours.start_seconds) for note in phrase.notes]
        return tuple(phrases), tuple(notes)


def _under_its_own_name(folder: Path, store: Path) -> Path:
    """Return a link to a voicebank's folder under an id that no voicebank that ships has: of equal ids those win."""
    link = store / "measured" / f"measured-{folder.resolve().name}"
    link.parent.mkdir(parents=True, exist_ok=True)
    link.unlink(missing_ok=True)
    link.symlink_to(folder.resolve(), target_is_directory=True)
    return link


def _timed(phrase: Phrase, frame_s: float) -> tuple[TimedPhoneme, ...]:
    """Return the phonemes in frames, with the SP that synthesis puts at both ends."""
    counts = phoneme_frames(phrase, frame_s)
    named = [("SP", "rest"), *((phoneme.symbol, phoneme.role) for phoneme in phrase.phonemes), ("SP", "rest")]
    timed, first = [], 0
    for (symbol, role), count in zip(named, counts, strict=True):
        timed.append(TimedPhoneme(symbol, role, first, first + int(count)))  # type: ignore[arg-type]
        first += int(count)
    return tuple(timed)


def line_spans(song: HeldOutSong, notes: tuple[PhraseNote, ...]) -> tuple[tuple[float, float], ...]:
    """Return where each line of a song starts and ends, by its notes in order."""
    spans, first = [], 0
    for line in song.lines:
        count = sum(len(syllable.tones) for syllable in line.syllables)
        last = notes[first + count - 1]
        spans.append((notes[first].start_s, last.start_s + last.duration_s))
        first += count
    return tuple(spans)
