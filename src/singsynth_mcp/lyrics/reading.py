"""How one word is read: by its hint, the voicebank's dictionary, the language's rules, or as phonemes.

What nobody can read is a warning, and only where nothing at all can be read an error: singing goes on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from singsynth_mcp.errors import InvalidLyrics
from singsynth_mcp.lyrics import japanese
from singsynth_mcp.lyrics.dictionary import Lexicon, split_hint
from singsynth_mcp.lyrics.kana import clean, is_japanese
from singsynth_mcp.lyrics.model import NoteKey, Source, Symbol, Word
from singsynth_mcp.lyrics.words import language_of_text, text_words
from singsynth_mcp.score.model import PlayedNote, ScoreWarning
from singsynth_mcp.voicebanks import Voicebank

Reading = tuple[tuple[Symbol, ...], Source]


class Reader:
    """Reads words for one voicebank; `warnings` fills as it reads.

    Args:
        bank: whose phonemes are wanted.
        language: of words whose tag and script do not say it.
        part: named in warnings and errors.
    """

    def __init__(self, bank: Voicebank, language: str, part: str | None = None) -> None:
        self.bank = bank
        self.language = language
        self.part = part
        self.warnings: list[ScoreWarning] = []
        self._lexicons: dict[str, Lexicon] = {}
        self._lacking: set[str] = set()

    def language_of(self, text: str, tagged: str = "", at: PlayedNote | None = None) -> str:
        """Return the language of a word with a language tag (or ""); warn once of each that the voicebank lacks."""
        language = language_of_text(text, tagged, self.language, self.bank.languages)
        if tagged and tagged.partition("-")[0] != language and tagged != language and tagged not in self._lacking:
            self._lacking.add(tagged)
            message = f"voicebank {self.bank.id} does not sing {tagged!r}: {text!r} and other such words are read as"
            self.warnings.append(warning("language_not_supported", f"{message} {language!r}", self.part, at))
        return language

    def read(self, text: str, language: str, note: PlayedNote | None = None) -> Reading | None:
        """Return a word's phonemes and who read it; None when only a grapheme-to-phoneme library can help, or nobody.

        A long mark by itself has no phonemes. Raises InvalidLyrics when a hint names a phoneme the voicebank lacks.
        """
        lexicon = self._lexicon(language)
        bare, hint = split_hint(text.strip())
        if hint is not None:
            return lexicon.hint(hint, word=bare, where=_where(self.part, note)), "hint"
        found = lexicon.lookup(bare) or lexicon.lookup(clean(bare))
        if found:
            return found, "dictionary"
        typed = lexicon.phonemes(bare)
        if typed and " " in bare:
            return typed, "phonemes"
        if language == "ja" and (morae := japanese.written_morae(bare)):
            return self.read_morae(morae, language)
        return (typed, "phonemes") if typed else None

    def read_morae(self, morae: Sequence[str], language: str) -> Reading | None:
        """Return the phonemes of Japanese morae; None when the voicebank has no way to sing one of them."""
        return japanese.mora_symbols(morae, self._lexicon(language))

    def read_text(self, text: str) -> list[Word]:
        """Return the words of a free text. Raises InvalidLyrics when none of them can be read."""
        words = [word for written in text_words(text) for word in self._read_free(written)]
        self.expect_phonemes(words)
        return words

    def unread(self, text: str, language: str, notes: Sequence[NoteKey] = (), at: PlayedNote | None = None) -> Word:
        """Return a word without phonemes and warn of it."""
        message = f"voicebank {self.bank.id} cannot read {text!r} as {language or 'its language'}: it stays silent"
        if not self.warnings:
            nearest = self._lexicon(language).nearest([clean(text)])[:2]
            message += f"; a hint can say its phonemes: {text}[{' '.join(nearest)}]" if nearest else ""
        self.warnings.append(warning("unread_word", message, self.part, at))
        return Word(text, language, "unread", (), tuple(notes))

    def expect_phonemes(self, words: Sequence[Word]) -> None:
        """Raise InvalidLyrics when no word has any phonemes; warn first of all when most have none."""
        unread = sum(not word.phonemes for word in words)
        if unread < len(words):
            if unread > len(words) / 2:
                message = f"{unread} of {len(words)} words cannot be read in {self.language or 'this voice'}"
                remedy = "a voicebank that sings their language may be among list_voicebanks"
                self.warnings.insert(0, warning("mostly_unread", f"{message}: {remedy}", self.part, None))
            return
        sample = " ".join(word.text for word in words[:8])
        what = f"no word of {sample!r} can be read" if words else "there is no word to read"
        raise InvalidLyrics(
            f"{what} (part {self.part})" if self.part else what,
            hint=f"Languages of voicebank {self.bank.id}: {', '.join(self.bank.languages) or 'not stated'}. Choose "
            "another (list_voicebanks), set lyrics it can sing (modify_score with set_lyrics), or write phonemes as "
            "hints: word[ph1 ph2].",
        )

    def _lexicon(self, language: str) -> Lexicon:
        return self._lexicons.setdefault(language, Lexicon(self.bank, language))

    def _read_free(self, text: str) -> Iterator[Word]:
        bare = split_hint(text)[0]
        if not clean(bare) and bare == text:
            return
        language = self.language_of(bare)
        reading = self.read(text, language)
        if reading and reading[0]:
            yield Word(bare, language, reading[1], reading[0])
        elif language == "ja" and is_japanese(bare):
            for word in japanese.read_kanji(bare):
                found = self.read_morae(word.morae, language)
                yield Word(word.text, "ja", "g2p", found[0]) if found and found[0] else self.unread(word.text, "ja")
        else:
            yield self.unread(text, language)


def warning(code: str, message: str, part: str | None, note: PlayedNote | None) -> ScoreWarning:
    """Return a warning at a played note."""
    if note is None:
        return ScoreWarning(code, message, part)
    return ScoreWarning(code, message, part, note.measure, float(note.beat))


def _where(part: str | None, note: PlayedNote | None) -> str:
    if note is None:
        return ""
    return f" (part {part}, measure {note.measure}, beat {float(note.beat):g}, note {note.note_id})"
