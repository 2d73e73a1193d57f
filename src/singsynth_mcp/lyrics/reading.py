"""How one word is read: by its hint, the voicebank's dictionary, other dictionaries and rules, or as phonemes.

A sound that the voicebank lacks is sung with the one that comes nearest, and the result says so. What nobody can read
is a warning, and only where nothing at all can be read an error: singing goes on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

from singsynth_mcp.errors import InvalidLyrics
from singsynth_mcp.lyrics import japanese
from singsynth_mcp.lyrics.agreement import LEAST_AGREEMENT
from singsynth_mcp.lyrics.chinese import plain_pinyin
from singsynth_mcp.lyrics.dictionary import Lexicon, split_hint
from singsynth_mcp.lyrics.espeak import EspeakMissing
from singsynth_mcp.lyrics.foreign import ForeignWords, warning
from singsynth_mcp.lyrics.g2p import Spoken, can_speak, morae_in_syllables, read_ahead, said_in_lines, speak
from singsynth_mcp.lyrics.kana import clean, is_for_open_jtalk
from singsynth_mcp.lyrics.model import NoteKey, Symbol, Word
from singsynth_mcp.lyrics.pronunciations import Pronunciations
from singsynth_mcp.lyrics.recognise import NOT_LATIN, is_latin
from singsynth_mcp.lyrics.spelling import Reading, cut, spelled
from singsynth_mcp.lyrics.words import language_of_text, text_words
from singsynth_mcp.score.model import PlayedNote, ScoreWarning
from singsynth_mcp.voicebanks import Voicebank

_NO_WORDS = ("SP", "AP")


class Reader:
    """Reads words for one voicebank; `warnings` fills as it reads.

    Args:
        bank: whose phonemes are wanted.
        language: of words whose tag and script do not say it.
        part: named in warnings and errors.
        user: pronunciations that count more than any dictionary.
    """

    def __init__(
        self, bank: Voicebank, language: str, part: str | None = None, user: Pronunciations | None = None
    ) -> None:
        self.bank = bank
        self.language = language
        self.part = part
        self.user = user or Pronunciations()
        self.warnings: list[ScoreWarning] = []
        self._lexicons: dict[str, Lexicon] = {}
        self._lacking: set[str] = set()
        self.foreign = ForeignWords(bank)
        self._has_espeak = True

    def language_of(self, text: str, tagged: str = "", at: PlayedNote | None = None) -> str:
        """Return the language of a word with a language tag (or ""); warn once of each that nobody can read."""
        language = language_of_text(text, tagged, self.language, self.bank.languages)
        if not tagged and language in NOT_LATIN and is_latin(text) and self._is_foreign(text, language):
            return "en"
        if language != self.language and not self._can_read(language):
            if language not in self._lacking:
                self._lacking.add(language)
                message = f"nothing here reads {language!r}: {text!r} and other such words are read as"
                self.warnings.append(warning("language_not_supported", f"{message} {self.language!r}", self.part, at))
            return self.language
        return language

    def read(
        self,
        text: str,
        language: str,
        note: PlayedNote | None = None,
        written: Sequence[str] = (),
        in_line: Sequence[str] = (),
    ) -> Reading | None:
        """Return a word's phonemes and who read it; None where only Open JTalk can help, or nobody.

        A long mark by itself has no phonemes. written: the word's syllables as the score parts it. in_line: how it is
        said among its neighbours (`in_lines`).

        Raises InvalidLyrics when a hint, or the user's own pronunciation, names a phoneme the voicebank lacks.
        """
        lexicon = self._lexicon(language)
        bare, hint = split_hint(text.strip())
        if hint is not None:
            symbols = lexicon.hint(hint, word=bare, where=_where(self.part, note))
            return self._cut(Reading(symbols, "hint"), language)
        own = self.user.find(bare, language)
        if own is not None:
            symbols = lexicon.hint(own[0], word=bare, where=f" (from {own[1]})")
            return self._cut(Reading(symbols, "user"), language)
        found = lexicon.lookup_word(bare) or self._pinyin_symbols(bare, language, in_line)
        if found:
            return self._cut(Reading(found, "dictionary"), language)
        typed = lexicon.phonemes(bare)
        if typed and (" " in bare or "/" in bare or bare in _NO_WORDS):
            return self._cut(Reading(typed, "phonemes"), language)
        if language == "ja" and (morae := japanese.written_morae(bare)):
            return self.read_morae(morae, language)
        spoken = None if language == "ja" else self._speak(bare, language, written, in_line)
        if typed and (spoken is None or (language == "en" and spoken.source == "g2p")):
            return self._cut(Reading(typed, "phonemes"), language)
        return self._spelled(spoken, language) if spoken else None

    def in_lines(self, lines: Sequence[Sequence[str]], language: str) -> list[list[tuple[str, ...]]]:
        """Return how each word of lines is said among its neighbours, for `read`."""
        lexicon = self._lexicon(language)
        try:
            read_ahead([word for line in lines for word in line if word and not lexicon.lookup_word(word)], language)
            return said_in_lines(lines, language)
        except EspeakMissing as missing:
            self._without_espeak(missing)
            return [[()] * len(line) for line in lines]

    def read_morae(self, morae: Sequence[str], language: str) -> Reading | None:
        """Return the phonemes of Japanese morae; None when the voicebank has no way to sing one of them."""
        lexicon = self._lexicon(language)
        found = japanese.mora_symbols(morae, lexicon) if self.bank.sings(language) else None
        if found is not None:
            return Reading(*found)
        return self._spelled(Spoken(morae_in_syllables(morae), "rules"), language)

    def read_text(self, text: str) -> list[Word]:
        """Return the words of a free text. Raises InvalidLyrics when none of them can be read."""
        words = [word for written in text_words(text) for word in self._read_free(written)]
        return self.finish(words)

    def unread(self, text: str, language: str, notes: Sequence[NoteKey] = (), at: PlayedNote | None = None) -> Word:
        """Return a word without phonemes and warn of it."""
        message = f"voicebank {self.bank.id} cannot read {text!r} as {language or 'its language'}: it stays silent"
        if not self.warnings:
            nearest = self._lexicon(language).nearest([clean(text)])[:2]
            message += f"; a hint can say its phonemes: {text}[{' '.join(nearest)}]" if nearest else ""
        self.warnings.append(warning("unread_word", message, self.part, at))
        return Word(text, language, "unread", (), tuple(notes))

    def finish(self, words: Sequence[Word]) -> list[Word]:
        """Return the words as they follow each other; sum up in the warnings what is sung with other phonemes.

        Raises InvalidLyrics when no word has any phonemes; warns first of all when most have none.
        """
        self.warnings += self.foreign.warnings(self.part)
        self._compare_with_dictionaries(words)
        unread = sum(not word.phonemes for word in words)
        if unread < len(words):
            if unread > len(words) / 2:
                message = f"{unread} of {len(words)} words cannot be read in {self.language or 'this voice'}"
                remedy = "a voicebank that sings their language may be among list_voicebanks"
                self.warnings.insert(0, warning("mostly_unread", f"{message}: {remedy}", self.part, None))
            return [self._before(word, following) for word, following in zip(words, [*words[1:], None], strict=True)]
        sample = " ".join(word.text for word in words[:8])
        what = f"no word of {sample!r} can be read" if words else "there is no word to read"
        raise InvalidLyrics(
            f"{what} (part {self.part})" if self.part else what,
            hint=f"Languages of voicebank {self.bank.id}: {', '.join(self.bank.languages) or 'not stated'}. Choose "
            "another (list_voicebanks), set lyrics it can sing (modify_score with set_lyrics), or write phonemes as "
            "hints: word[ph1 ph2].",
        )

    def _compare_with_dictionaries(self, words: Sequence[Word]) -> None:
        """Warn of each language whose words the dictionary and what reads the others say differently."""
        read = {word.language for word in words if word.source in ("cmudict", "rules", "g2p")} - {"ja", "zh"}
        for language in sorted(filter(self.bank.sings, read)):
            share = self._lexicon(language).agreement(partial(self._symbols_of, language=language))
            if share is not None and share < LEAST_AGREEMENT:
                message = (
                    f"what reads the words that voicebank {self.bank.id}'s {language!r} dictionary lacks reads only"
                )
                message += f" {share:.0%} of those it has alike: they may come out in another accent"
                self.warnings.append(warning("g2p_disagrees", message, self.part, None))

    def _symbols_of(self, word: str, language: str) -> list[str] | None:
        spoken = self._speak(word, language, (), ())
        reading = self._spelled(spoken, language) if spoken else None
        return [symbol.symbol for symbol in reading.symbols] if reading else None

    def _before(self, word: Word, following: Word | None) -> Word:
        """Return a word as it is sung before another one: the evening is `dh iy`."""
        is_article = word.language == "en" and word.source == "cmudict" and clean(word.text).lower() == "the"
        opens = following is not None and following.phonemes and following.phonemes[0].role == "vowel"
        strong = self.read("thee", "en") if is_article and opens else None
        return replace(word, phonemes=strong.symbols, syllables=strong.syllables, others=()) if strong else word

    def _lexicon(self, language: str) -> Lexicon:
        return self._lexicons.setdefault(language, Lexicon(self.bank, language))

    def _is_foreign(self, text: str, language: str) -> bool:
        """Tell whether a word in Latin letters is none of a language written in others: no romaji."""
        lexicon = self._lexicon(language)
        bare, hint = split_hint(text.strip())
        known = self.user.find(bare, language) or lexicon.lookup_word(bare) or lexicon.phonemes(bare)
        if hint is not None or known:
            return False
        if language == "ja":
            return japanese.written_morae(bare) is None
        return language != "zh" or plain_pinyin(bare) is None

    def _can_read(self, language: str) -> bool:
        if self.bank.sings(language):
            return True
        try:
            return can_speak(language)
        except EspeakMissing as missing:
            return self._without_espeak(missing)

    def _speak(self, text: str, language: str, written: Sequence[str], in_line: Sequence[str]) -> Spoken | None:
        try:
            return speak(text, language, written, in_line) if any(map(str.isalnum, text)) else None
        except EspeakMissing as missing:
            self._without_espeak(missing)
            return None

    def _without_espeak(self, missing: EspeakMissing) -> bool:
        if self._has_espeak:
            self._has_espeak = False
            message = f"{missing.message}: words that no dictionary has cannot be read. {missing.hint}"
            self.warnings.append(warning("g2p_missing", message, None, None))
        return False

    def _pinyin_symbols(self, text: str, language: str, in_line: Sequence[str]) -> tuple[Symbol, ...] | None:
        """Return the reading of Chinese that the voicebank's dictionary has under its pinyin."""
        plain = plain_pinyin(text) if language == "zh" else None
        pinyin = in_line if language == "zh" and in_line else (plain,) if plain else ()
        found = [self._lexicon(language).lookup(syllable) or () for syllable in pinyin]
        return tuple(symbol for symbols in found for symbol in symbols) if all(found) else None

    def _spelled(self, spoken: Spoken, language: str) -> Reading | None:
        return spelled(spoken, language, self._lexicon(language).inventory)

    def _cut(self, reading: Reading, language: str) -> Reading:
        return cut(reading, language, self._lexicon(language).inventory)

    def _read_free(self, text: str) -> Iterator[Word]:
        bare = split_hint(text)[0]
        if not clean(bare) and bare == text:
            return
        language = self.language_of(bare if bare == text else text)
        for word in self._read_free_word(text, bare, language):
            self.foreign.note(word)
            yield word

    def _read_free_word(self, text: str, bare: str, language: str) -> Iterator[Word]:
        reading = self.read(text, language)
        if reading and reading.symbols:
            yield reading.word(bare, language)
        elif language == "ja" and is_for_open_jtalk(bare):
            for read in japanese.read_kanji(bare):
                found = self.read_morae(read.morae, language)
                sung = found is not None and found.symbols
                yield (
                    replace(found, source="g2p").word(read.text, "ja")
                    if found and sung
                    else self.unread(read.text, "ja")
                )
        else:
            yield self.unread(text, language)


def _where(part: str | None, note: PlayedNote | None) -> str:
    if note is None:
        return ""
    return f" (part {part}, measure {note.measure}, beat {float(note.beat):g}, note {note.note_id})"
