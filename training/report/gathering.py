"""Sing the held-out songs with every singer of a voicebank in each language and register, and measure them."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from training.report import hearing, naturalness
from training.report.chain import Choices, Singer
from training.report.judging import Values, judge, note_errors
from training.report.registers import Register, beyond, claimed_range, octave_up, registers
from training.report.remembering import remembered
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

    @classmethod
    def installed(cls, without: Collection[str], folder: Path) -> Ears:
        """Return the judges that are installed and not left out; Whisper is put together in ``folder``."""
        listens = "whisper" not in without and hearing.whisper_is_there()
        whisper = hearing.Whisper(folder) if listens else None
        return cls(whisper, "dnsmos" not in without and naturalness.dnsmos_is_there())

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
    sung: dict[tuple[str, str], tuple[HeldOutSong, Register]] = field(default_factory=dict)
    """(title, register) of what was judged inside the range."""

    def gather(self) -> None:
        """Sing and measure every song, and the time it takes."""
        self.judge_songs()
        self._time(load_songs(self.findings.language))

    def judge_songs(self) -> None:
        """Sing and measure every song."""
        songs = load_songs(self.findings.language)
        for number, song in enumerate(songs):
            for register in registers(song, self.claimed):
                print(f"  {song.title}, {register.name} ({register.transpose:+d})", file=sys.stderr, flush=True)
                self._judge(song, register, self._all_values)
                self.sung[song.title, register.name] = (song, register)
            if number < SONGS_BEYOND:
                for register in beyond(song, self.claimed):
                    self._judge(song, register, lambda _, sung, __: judge(sung), teach=False)
            if song.language == "ja" and not song.made_up and self.ears.whisper is not None:
                register = octave_up(song, self.claimed)
                self._judge(song, register, self._octave_values, where=ELSEWHERE)

    def sing(self, song: HeldOutSong, transpose: float, controls: Mapping[str, float] | None = None) -> Singing:
        """Sing a song with the voicebank."""
        return self.singer.sing(song, Choices(self.findings.speaker or None, transpose, controls))

    def teach(self, song: HeldOutSong, transpose: int) -> Singing | None:
        """Let the teacher sing it; None where there is none, or where it cannot."""
        from training.report.laying import DoesNotFitError

        if self.teacher is None:
            return None
        try:
            return self.teacher.sing(song, transpose)
        except DoesNotFitError as error:
            self.findings.note(f"teacher, {song.title}: {error}")
            return None

    def _judge(
        self, song: HeldOutSong, register: Register, judge_song: _Judge, *, teach: bool = True, where: str | None = None
    ) -> None:
        """Add a song's values, the voice's and the teacher's, from the cache where they were measured before."""
        where = register.name if where is None else where
        what = [song.language, repr(song), register.transpose, where, self.ears.whisper is not None, self.ears.dnsmos]

        def of_voice() -> Values:
            sung = self.sing(song, register.transpose)
            values = judge_song(song, sung, register)
            if register.inside:
                values["notes_off"] = self._notes_off(song, register)
            return values | {_WARNINGS: np.array(sung.warnings, str)}

        values = remembered([self.singer.fingerprint, self.findings.speaker, *what], of_voice)
        for warning in values.pop(_WARNINGS):
            if not str(warning).startswith(_EXPECTED):
                self.findings.note(str(warning))
        self.findings.add(where, values)
        taught = self.teach(song, register.transpose) if teach else None
        if taught is not None:
            prints = [hashlib.sha256(phrase.audio.tobytes()).hexdigest() for phrase in taught.phrases]
            of_teacher = remembered([prints, *what], lambda: judge_song(song, taught, register))
            self.findings.add(where, of_teacher, teacher=True)

    def _all_values(self, song: HeldOutSong, sung: Singing, register: Register) -> Values:
        values = judge(sung)
        if self.ears.whisper is not None:
            values["made_up" if song.made_up else "common"] = self.ears.words(song, sung)
        if self.ears.dnsmos and register.name == "middle":
            values["p808"] = self.ears.opinions(sung)
        return values

    def _octave_values(self, song: HeldOutSong, sung: Singing, _: Register) -> Values:
        return {"octave": self.ears.words(song, sung)}

    def _notes_off(self, song: HeldOutSong, register: Register) -> np.ndarray:
        """Return the notes' errors with the pitch model's expression off."""
        flat = {name: 0.0 for name in ("expressiveness", "vibrato") if name in self.singer.controls}
        return note_errors(self.sing(song, register.transpose, flat))

    def _time(self, songs: list[HeldOutSong]) -> None:
        """Measure the real-time factor of a warm voice; half a tone off, so that nothing is remembered."""
        work, cpu, length = 0.0, 0.0, 0.0
        for number, song in enumerate([songs[0], *songs]):
            sung = self.sing(song, 0.5 + 0.1 * number)
            if number:  # the first opens the models
                work, cpu = work + sung.seconds_of_work, cpu + sung.cpu_seconds
                length += sum(phrase.stop_s - phrase.start_s for phrase in sung.phrases)
        self.findings.add(ELSEWHERE, {"rtf": np.array([[work, length]])})
        self.findings.note(
            f"real-time factor: {os.cpu_count()} cores under a load of {os.getloadavg()[0]:.1f}; "
            f"processor time {cpu / length:.3f} s for a second of sound"
        )


_Judge = Callable[[HeldOutSong, Singing, Register], Values]
_WARNINGS = "warnings"
_EXPECTED = ("out_of_range", "more_warnings")
"""Warnings of singing beyond the claimed range, which is meant."""


def gatherings(
    singer: Singer, speakers: list[str], languages: list[str], ears: Ears, *, teach: bool
) -> list[Gathering]:
    """Return one gathering for each singer and language that there are songs in."""
    found = []
    for speaker in speakers:
        for language in languages:
            findings = Findings(speaker, language)
            claimed = claimed_range(singer.bank.range_of(speaker))
            teacher = _teacher(findings) if teach else None
            found.append(Gathering(singer, findings, claimed, ears, teacher))
    return found


def sung_languages(singer: Singer) -> list[str]:
    """Return the voicebank's languages that there are held-out songs in."""
    return [language for language in written_languages() if language in singer.bank.languages]


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
