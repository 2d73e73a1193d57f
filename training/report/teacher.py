"""The teacher of a singer sings the held-out lines: it speaks them, and what it said is laid on the score's notes.

What it says and how it is sung lies in the training cache like every other step's result.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from singsynth_mcp.performance.model import PhraseNote, Role
from training.cache import cache_directory, code_key, content_key
from training.examples import HOP_SIZE, SAMPLE_RATE, SungExample, load_examples, save_examples
from training.inventory import BREATH, BY_SYMBOL, SILENCE
from training.report.laying import HEAD_SECONDS, SungSyllable, lay
from training.report.singing import Singing, SungPhrase, TimedPhoneme
from training.report.songbook import HeldOutSong, Line
from training.sing import sing
from training.singers import SINGERS
from training.songs import Note
from training.speak import speak_utterance, speech_path
from training.store import Recording, make_recording, read_recording, recording_path, write_recording
from training.voices import Voice, load_voice

if TYPE_CHECKING:
    from training.teacher.model import Teacher
    from training.teacher.utterances import Utterance


def speaks(speaker: str, language: str) -> bool:
    """Return whether a singer has a teacher that can be asked for a line of a language."""
    return speaker in SINGERS and language in SINGERS[speaker].languages and language in _SPELLED


@dataclass(frozen=True)
class SpokenLine:
    """What the teacher is asked to say for a line, and how many of its phonemes are the line's.

    What follows them is not sung: the last vowel of an utterance dies away too early to be held.
    """

    utterance: Utterance
    phonemes: int


def spoken_line(language: str, line: Line) -> SpokenLine:
    """Return a line as the teacher is asked to say it: in one breath, with a few sounds after it."""
    return _SPELLED[language](line)


def _japanese(line: Line) -> SpokenLine:
    from training.languages.japanese import group_phonemes, split_morae
    from training.teacher.utterances import utterance_of

    morae = split_morae("".join(line.text.split()))
    return SpokenLine(utterance_of("ja", ((*morae, "だ", "よ"),)), len(group_phonemes(morae)))


def _english(line: Line) -> SpokenLine:
    from training.teacher.utterances import utterance_of

    words = [_english_word(syllables) for syllables in line.words]
    return SpokenLine(utterance_of("en", ((*words, ("n", "aw1")),)), sum(map(len, words)))


def _english_word(syllables: tuple[str, ...]) -> tuple[str, ...]:
    """Return a word in ARPAbet with stress, as languages/english.py has it: listed, or said by espeak-ng."""
    from singsynth_mcp.lyrics.arpabet import arpabet_of_ipa
    from singsynth_mcp.lyrics.english import best_fitting, read_english
    from singsynth_mcp.lyrics.espeak import espeak

    text = "".join(syllables)
    reading = read_english(text, syllables)
    found = reading.pronunciations if reading else (arpabet_of_ipa(espeak().read([text], "en")[0]),)
    return tuple("ax0" if name == "AH0" else name.lower() for name in best_fitting(found, len(syllables)))


_SPELLED = {"ja": _japanese, "en": _english}
"""A language's line → what is spoken; a language comes in by a function here."""


def nuclei(language: str, syllable: str) -> int:
    """Return how many of the inventory's vowels a sung syllable holds."""
    if language == "ja":
        from training.languages.japanese import group_phonemes, split_morae

        return sum(BY_SYMBOL[f"ja/{name}"].is_vowel for name in group_phonemes(split_morae(syllable)))
    return 1


class TeacherSinger:
    """The teacher of one singer."""

    def __init__(self, speaker: str) -> None:
        """Load the singer's voice. Raises RuntimeError when the store holds nothing of the singer."""
        self.speaker = speaker
        self._voice: Voice = load_voice(speaker)

    @cached_property
    def _teacher(self) -> Teacher:
        from training.teacher.model import Teacher

        return Teacher(self.speaker)

    def sing(self, song: HeldOutSong, transpose: int) -> Singing:
        """Sing a song line by line. Raises DoesNotFitError for a line whose words were read with other vowels."""
        phrases, notes, spans = [], [], []
        start, beat = 0.0, 60.0 / song.tempo
        for number, line in enumerate(song.lines):
            syllables = _placed(song, line, transpose)
            example = self._example(song, number, transpose, syllables)
            phrases.append(_phrase(example, start - HEAD_SECONDS))
            notes += _phrase_notes(line, syllables, number, start)
            end = syllables[-1].notes[-1].end
            spans.append((start, start + end))
            start += end + float(line.rest) * beat
        return Singing(tuple(phrases), tuple(notes), tuple(spans))

    def _example(self, song: HeldOutSong, number: int, transpose: int, syllables: list[SungSyllable]) -> SungExample:
        spoken = spoken_line(song.language, song.lines[number])
        recording_file = recording_path(self.speaker, spoken.utterance)
        key = content_key(recording_file.stem, [vars(syllable) for syllable in syllables], _code())
        path = cache_directory("report", self.speaker) / f"{key}.npz"
        if not path.exists():
            recording = self._recording(spoken.utterance, recording_file)
            seed = np.random.default_rng(int(key, 16) % 2**32)
            voice = replace(self._voice, recordings={0: recording}, runs=())
            save_examples(path, [sing(lay(recording, spoken.phonemes, syllables), voice, 0.0, seed)])
        return load_examples(path)[0]

    def _recording(self, utterance: Utterance, path: Path) -> Recording:
        if not path.exists():
            if not speech_path(self.speaker, utterance).exists():
                speak_utterance(self._teacher, self.speaker, utterance)
            write_recording(path, make_recording(self.speaker, utterance))
        return read_recording(path)


def _code() -> str:
    """Return a key of the code that a line is sung by."""
    report = Path(__file__).parent
    training = report.parent
    sources = [report / "laying.py", *training.glob("rendering/*.py"), *training.glob("rules/*.py")]
    sources += [training / f"{name}.py" for name in ("score_labels", "sing", "singers", "targets", "voices")]
    return code_key(sources)


def _placed(song: HeldOutSong, line: Line, transpose: int) -> list[SungSyllable]:
    """Return a line's notes in seconds from its start."""
    beat, start = 60.0 / song.tempo, 0.0
    syllables = []
    for syllable in line.syllables:
        notes = []
        for tone in syllable.tones:
            end = start + float(tone.quarters) * beat
            notes.append(Note(start, end, float(tone.midi + transpose)))
            start = end
        syllables.append(SungSyllable(tuple(notes), nuclei(song.language, syllable.text)))
    return syllables


def _phrase_notes(line: Line, syllables: list[SungSyllable], number: int, start: float) -> list[PhraseNote]:
    return [
        PhraseNote(
            f"{number}.{i}.{k}",
            1,
            start + note.start,
            note.end - note.start,
            note.midi,
            written.text if k == 0 else "+~",
        )
        for i, (written, sung) in enumerate(zip(line.syllables, syllables, strict=True))
        for k, note in enumerate(sung.notes)
    ]


def _phrase(example: SungExample, start_s: float) -> SungPhrase:
    ends = np.cumsum(example.ph_dur)
    phonemes = tuple(
        TimedPhoneme(symbol, _role(symbol), int(end - length), int(end))
        for symbol, end, length in zip(example.phonemes, ends, example.ph_dur, strict=True)
    )
    return SungPhrase(example.audio, SAMPLE_RATE, HOP_SIZE, start_s, example.f0, phonemes, example.voiced, example.mel)


def _role(symbol: str) -> Role:
    if symbol == SILENCE:
        return "rest"
    if symbol == BREATH:
        return "breath"
    return "vowel" if BY_SYMBOL[symbol].is_vowel else "consonant"
