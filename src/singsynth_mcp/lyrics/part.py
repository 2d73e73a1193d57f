"""The words of a part as it is played: which notes carry them, and what stands in kanji read in its line."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby

from singsynth_mcp.lyrics import japanese
from singsynth_mcp.lyrics.chinese import plain_pinyin
from singsynth_mcp.lyrics.dictionary import split_hint
from singsynth_mcp.lyrics.kana import clean, is_for_open_jtalk, split_kana
from singsynth_mcp.lyrics.model import NoteKey, Word
from singsynth_mcp.lyrics.reading import Reader
from singsynth_mcp.lyrics.spelling import Reading
from singsynth_mcp.lyrics.words import WrittenWord, written_words
from singsynth_mcp.performance.phrases import is_rest
from singsynth_mcp.score.model import PlayedNote

_LINE_GAP_S = 0.25
"""Kanji are read in the context of what stands between two rests this long."""
_LINE_WORDS = 100
_LINE_ENDS = (*".,;:!?…", "")


@dataclass(frozen=True)
class _Unit:
    """What is read at once, with the reading that needs no context."""

    written: WrittenWord
    language: str
    reading: Reading | None


def read_part(notes: Sequence[PlayedNote], reader: Reader) -> list[Word]:
    """Return the words of played notes; warnings are the reader's.

    Raises InvalidLyrics when a hint names a phoneme that the voicebank lacks, or when no word at all can be read.
    """
    return _PartReader(notes, reader).words()


class _PartReader:
    def __init__(self, notes: Sequence[PlayedNote], reader: Reader) -> None:
        self._notes = notes
        self._reader = reader
        self._words: list[Word] = []

    def words(self) -> list[Word]:
        for line in self._lines():
            if any(
                unit.language == "ja" and unit.reading is None and is_for_open_jtalk(unit.written.text) for unit in line
            ):
                self._read_kanji_line(line)
            else:
                for unit in line:
                    self._add(unit)
        return self._reader.finish(self._words)

    def _units(self) -> Iterator[_Unit]:
        words = [
            (written, language)
            for word in written_words(self._notes)
            for language in [self._reader.language_of(word.text, word.language, self._notes[word.first])]
            for written in self._parted(word, language)
        ]
        said = self._said(words)
        for (word, language), in_line in zip(words, said, strict=True):
            note = self._notes[word.first]
            reading = self._reader.read(word.text, language, note, self._sung_texts(word, language), in_line)
            yield _Unit(word, language, reading)

    def _said(self, words: Sequence[tuple[WrittenWord, str]]) -> list[tuple[str, ...]]:
        """Return how each word is said among its neighbours; a line ends at a rest and at a punctuation mark."""
        said: list[tuple[str, ...]] = []
        for language, run in groupby(words, key=lambda pair: pair[1]):
            lines: list[list[str]] = []
            ended = True
            for word, _ in run:
                if ended or self._gap_before(word.first) >= _LINE_GAP_S:
                    lines.append([])
                lines[-1].append(split_hint(word.text)[0])
                ended = word.text[-1:] in _LINE_ENDS
            said += [in_line for line in self._reader.in_lines(lines, language) for in_line in line]
        return said

    def _sung_texts(self, word: WrittenWord, language: str) -> tuple[str, ...]:
        """Return the syllables that a word has to fill; a French one elided with the next word's is not its own."""
        last = word.syllables[-1]
        lyric = self._notes[last[0]].lyric
        is_elided = (
            language == "fr" and len(word.syllables) > 1 and lyric is not None and lyric.syllables[-1] != last[1]
        )
        return word.texts[:-1] if is_elided else word.texts

    def _parted(self, word: WrittenWord, language: str) -> list[WrittenWord]:
        """Part a word that is read note by note: kana are, and syllables with hints of their own."""
        if self._reader.user.find(word.text, language):
            return [word]
        texts = [text for _, text in word.syllables]
        by_note = any("[" in text for text in texts[1:])
        by_note = by_note or (language == "ja" and all(japanese.written_morae(split_hint(text)[0]) for text in texts))
        if by_note or (language == "zh" and all(map(plain_pinyin, texts))):
            return [WrittenWord([syllable], word.language) for syllable in word.syllables]
        return [word]

    def _lines(self) -> Iterator[list[_Unit]]:
        line: list[_Unit] = []
        for unit in self._units():
            is_hint = unit.reading is not None and unit.reading.source in ("hint", "user")
            breaks = line and (
                line[-1].language != unit.language
                or len(line) >= _LINE_WORDS
                or is_hint
                or self._gap_before(unit.written.first) >= _LINE_GAP_S
            )
            if breaks:
                yield line
                line = []
            line.append(unit)
        if line:
            yield line

    def _gap_before(self, index: int) -> float:
        if index == 0:
            return self._notes[0].start_s
        before = self._notes[index - 1]
        return self._notes[index].start_s - before.start_s - before.duration_s

    def _keys(self, units: Sequence[_Unit]) -> tuple[NoteKey, ...]:
        indices = dict.fromkeys(index for unit in units for index, _ in unit.written.syllables)
        return tuple((self._notes[index].note_id, self._notes[index].pass_number) for index in indices)

    def _add(self, unit: _Unit) -> None:
        text = split_hint(unit.written.text)[0]
        note = self._notes[unit.written.first]
        if unit.reading is None:
            self._words.append(self._reader.unread(text, unit.language, self._keys([unit]), note))
        elif unit.reading.symbols:
            self._sing(unit.reading.word(text, unit.language, self._keys([unit])), note)
        elif not self._words or is_rest(self._gap_before(unit.written.first)):
            self._add_long_mark(unit, text, note)

    def _add_long_mark(self, unit: _Unit, text: str, note: PlayedNote) -> None:
        """Sing the vowel again where a rest keeps the long mark from holding it."""
        sung = (symbol for word in reversed(self._words) for symbol in reversed(word.phonemes))
        vowel = next((symbol for symbol in sung if symbol.role == "vowel"), None)
        if vowel is not None:
            self._words.append(Word(text, unit.language, "rules", (vowel,), self._keys([unit])))
        else:
            self._words.append(self._reader.unread(text, unit.language, self._keys([unit]), note))

    def _read_kanji_line(self, line: list[_Unit]) -> None:
        read = japanese.read_kanji("".join(unit.written.text for unit in line))
        if any(text.respelled for text in read) and len(line) > 1:
            for unit in line:
                self._read_kanji_line([unit])
            return
        for units, texts in _stretches(line, read):
            if len(units) == len(texts) == 1 and texts[0].particle:
                self._add(_Unit(units[0].written, "ja", self._reader.read_morae(texts[0].morae, "ja")))
            else:
                self._add_stretch(units, [mora for text in texts for mora in text.morae])

    def _add_stretch(self, units: list[_Unit], morae: list[str]) -> None:
        """Add the units of whole words of Open JTalk's: kana as they are written, the rest by the morae left over."""
        first, last = 0, len(units)
        while first < last and (kana := _kana(units[first])) and morae[: len(kana)] == kana:
            del morae[: len(kana)]
            first += 1
        while first < last and (kana := _kana(units[last - 1])) and morae[-len(kana) :] == kana:
            del morae[-len(kana) :]
            last -= 1
        middle = units[first:last]
        for unit in units[:first]:
            self._add(unit)
        if all(unit.reading for unit in middle):
            for unit in middle:
                self._add(unit)
        elif middle:
            self._add_by_morae(middle, morae)
        for unit in units[last:]:
            self._add(unit)

    def _add_by_morae(self, units: list[_Unit], morae: list[str]) -> None:
        keys = self._keys(units)
        text = "".join(unit.written.text for unit in units)
        sung = japanese.long_vowels_written_out(morae) if len(keys) > 1 else tuple(morae)
        reading = self._reader.read_morae(sung, "ja")
        note = self._notes[units[0].written.first]
        if reading and reading.symbols:
            self._sing(replace(reading, source="g2p").word(text, "ja", keys), note)
        else:
            self._words.append(self._reader.unread(text, "ja", keys, note))

    def _sing(self, word: Word, note: PlayedNote) -> None:
        self._reader.foreign.note(word, note)
        self._words.append(word)


def _kana(unit: _Unit) -> list[str]:
    return list(split_kana(unit.written.text) or ())


def _stretches(
    units: Sequence[_Unit], read: Sequence[japanese.ReadText]
) -> Iterator[tuple[list[_Unit], list[japanese.ReadText]]]:
    """Cut both at the places of the text where a unit and a word of Open JTalk's end together."""
    left: list[_Unit] = []
    right: list[japanese.ReadText] = []
    words = iter(read)
    ahead = 0
    for unit in units:
        left.append(unit)
        ahead += len(clean(unit.written.text))
        while ahead > 0 and (word := next(words, None)) is not None:
            right.append(word)
            ahead -= len(word.text)
        if ahead == 0:
            yield left, right
            left, right = [], []
    if left:
        yield left, right
