"""Sing the held-out songs with every singer of a voicebank in each language and register, and measure them."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from training.report import hearing, naturalness
from training.report.chain import Choices, Singer
from training.report.judging import judge, note_errors
from training.report.registers import Register, beyond, claimed_range, octave_up, registers
from training.report.singing import Singing
from training.report.songbook import HeldOutSong, load_songs
from training.report.songbook import languages as written_languages
from training.report.table import ELSEWHERE, Findings

if TYPE_CHECKING:
    from training.report.teacher import TeacherSinger

SONGS_BEYOND = 1
"""Songs that are sung outside the claimed range besides."""


@dataclass
class Ears:
    """The judges that are installed."""

    whisper: hearing.Whisper | None
    dnsmos: bool

    def words(self, song: HeldOutSong, sung: Singing) -> np.ndarray:
        """Return (errors, length) of each line, [lines, 2]."""
        assert self.whisper is not None
        found = [
            hearing.errors(
                song.language,
                line.text,
                self.whisper.hear(audio, sung.sample_rate, song.language),
                made_up=song.made_up,
            )
            for line, audio in zip(song.lines, sung.line_audio(), strict=True)
        ]
        return np.array(found, np.float64)

    def opinions(self, sung: Singing) -> np.ndarray:
        """Return DNSMOS P808 of each line."""
        return np.array([naturalness.p808(audio, sung.sample_rate) for audio in sung.line_audio()])


@dataclass
class Gathering:
    """One singer in one language on the way to a table."""

    singer: Singer
    findings: Findings
    claimed: tuple[int, int]
    ears: Ears
    teacher: TeacherSinger | None
    kept: dict[tuple[str, str], tuple[HeldOutSong, Singing, Singing | None]] = field(default_factory=dict)
    """(song, register) → what was sung by the voice and by the teacher, for the pictures."""

    def gather(self) -> None:
        """Sing and measure every song."""
        songs = load_songs(self.findings.language)
        self._sing(songs[0], 0.5)  # opens the models: the real-time factor is that of a warm voice
        for number, song in enumerate(songs):
            for register in registers(song, self.claimed):
                self._inside(song, register)
            if number < SONGS_BEYOND:
                for register in beyond(song, self.claimed):
                    self.findings.add(register.name, judge(self._sing(song, register.transpose)))
            if song.language == "ja" and not song.made_up:
                self._octave_up(song)
        self.findings.note(f"real-time factor: load of the machine {os.getloadavg()[0]:.1f} at the end, {_cores()}")

    def _inside(self, song: HeldOutSong, register: Register) -> None:
        print(f"  {song.title}, {register.name} ({register.transpose:+d})", file=sys.stderr, flush=True)
        sung = self._sing(song, register.transpose)
        values = judge(sung) | self._ears(song, sung, register)
        seconds = sum(phrase.stop_s - phrase.start_s for phrase in sung.phrases)
        values["rtf"] = np.array([[sung.seconds_of_work, seconds]])
        values["cpu"] = np.array([[sung.cpu_seconds, seconds]])
        flat = {name: 0.0 for name in ("expressiveness", "vibrato") if name in self.singer.controls}
        values["notes_off"] = note_errors(self._sing(song, register.transpose, flat))
        self.findings.add(register.name, values)
        taught = self._teach(song, register.transpose)
        if taught is not None:
            self.findings.add(register.name, judge(taught) | self._ears(song, taught, register), teacher=True)
        self.kept[song.title, register.name] = (song, sung, taught)

    def _octave_up(self, song: HeldOutSong) -> None:
        register = octave_up(song, self.claimed)
        if self.ears.whisper is None:
            return
        self.findings.add(ELSEWHERE, {"octave": self.ears.words(song, self._sing(song, register.transpose))})
        taught = self._teach(song, register.transpose)
        if taught is not None:
            self.findings.add(ELSEWHERE, {"octave": self.ears.words(song, taught)}, teacher=True)

    def _ears(self, song: HeldOutSong, sung: Singing, register: Register) -> dict[str, np.ndarray]:
        values = {}
        if self.ears.whisper is not None:
            values["made_up" if song.made_up else "common"] = self.ears.words(song, sung)
        if self.ears.dnsmos and register.name == "middle":
            values["p808"] = self.ears.opinions(sung)
        return values

    def _sing(self, song: HeldOutSong, transpose: float, controls: dict[str, float] | None = None) -> Singing:
        sung = self.singer.sing(song, Choices(self.findings.speaker or None, transpose, controls))
        for warning in sung.warnings:
            self.findings.note(warning)
        return sung

    def _teach(self, song: HeldOutSong, transpose: int) -> Singing | None:
        from training.report.laying import DoesNotFitError

        if self.teacher is None:
            return None
        try:
            return self.teacher.sing(song, transpose)
        except DoesNotFitError as error:
            self.findings.note(f"teacher, {song.title}: {error}")
            return None


def _cores() -> str:
    return f"{os.cpu_count()} cores"


def gatherings(
    singer: Singer, speakers: list[str], languages: list[str], ears: Ears, *, teach: bool
) -> list[Gathering]:
    """Return one gathering for each singer and language that there are songs in."""
    found = []
    for speaker in speakers:
        for language in languages:
            findings = Findings(speaker, language)
            claimed = claimed_range(speaker, singer.bank.range, native_hz(speaker))
            teacher = _teacher(findings) if teach else None
            found.append(Gathering(singer, findings, claimed, ears, teacher))
    return found


def sung_languages(singer: Singer) -> list[str]:
    """Return the voicebank's languages that there are held-out songs in."""
    return [language for language in written_languages() if language in singer.bank.languages]


def native_hz(speaker: str) -> float | None:
    """Return the lowest pitch at which a singer of this repository's training was spoken for."""
    try:
        from training.teacher.model import LEVELS_HZ
    except ImportError:  # the teacher's packages are not installed
        return None
    return min(LEVELS_HZ[speaker]) if speaker in LEVELS_HZ else None


def _teacher(findings: Findings) -> TeacherSinger | None:
    """Return the singer's teacher, or note why there is none."""
    from training.report import teacher

    if not teacher.speaks(findings.speaker, findings.language):
        findings.note(f"no teacher of {findings.speaker or 'this singer'} speaks {findings.language}")
        return None
    try:
        return teacher.TeacherSinger(findings.speaker)
    except RuntimeError as error:
        findings.note(f"teacher: {error}")
        return None
