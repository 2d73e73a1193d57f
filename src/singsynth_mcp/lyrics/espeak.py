"""espeak-ng through phonemizer, in one long-lived child process (espeak_process.py): words → IPA.

espeak-ng is GPL-3.0, not thread-safe, and can crash on odd text: a process of its own keeps all three away from us. A
child that dies or hangs is started again once for the same words; words that kill it twice stay unread.
"""

from __future__ import annotations

import atexit
import json
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from queue import Empty, Queue
from threading import Lock, Thread
from typing import Any

from singsynth_mcp.errors import SynthesisFailed

_ANSWER_S = 30.0
_WORDS_AT_ONCE = 200
_LONGEST_WORD = 200
_LONGEST_LINE = 1000
_VOICES = {
    "en": "en-us",
    "fr": "fr-fr",
    "zh": "cmn",
    "zh-yue": "yue",
    "no": "nb",
    "nn": "nb",
    "pt": "pt-br",
    "iw": "he",
    "in": "id",
}
"""Language as scores and voicebanks tag it → espeak-ng's name, where it is another."""


class EspeakMissing(SynthesisFailed):
    """phonemizer or espeak-ng cannot be used; the message says why."""

    usual_hint = "Install both anew: pip install --force-reinstall phonemizer espeakng-loader"


class Espeak:
    """The child process, started at the first word. Safe to call from several threads.

    Args:
        command: the program to start; another one in tests.
        answer_s: a child that needs longer for an answer is taken for dead.
    """

    def __init__(self, command: Sequence[str] = (), answer_s: float = _ANSWER_S) -> None:
        self._command = tuple(command) or (sys.executable, "-m", "singsynth_mcp.lyrics.espeak_process")
        self._answer_s = answer_s
        self._lock = Lock()
        self._child: _Child | None = None
        self._read: dict[tuple[str, str], tuple[str, ...]] = {}
        self._lines: dict[tuple[str, str], list[tuple[str, ...]]] = {}
        self._languages: frozenset[str] | None = None

    def knows(self, language: str) -> bool:
        """Tell whether espeak-ng reads a language. Raises EspeakMissing."""
        if self._languages is None:
            answer = self._ask({"languages": True})
            self._languages = frozenset(answer["languages"]) if answer else frozenset()
        return _voice(language) in self._languages

    def read(self, words: Sequence[str], language: str) -> list[tuple[str, ...]]:
        """Return the IPA of each word, one token a sound; empty for a word it cannot read or a language it lacks.

        Raises EspeakMissing.
        """
        new = [word for word in dict.fromkeys(words) if (language, word) not in self._read]
        for start in range(0, len(new), _WORDS_AT_ONCE):
            some = new[start : start + _WORDS_AT_ONCE]
            for word, tokens in zip(some, self._read_some(some, language), strict=True):
                self._read[language, word] = tokens
        return [self._read[language, word] for word in words]

    def read_in_a_row(self, words: Sequence[str], language: str) -> list[tuple[str, ...]]:
        """Return the IPA of each word of a line, read as one text: with its liaisons. Raises EspeakMissing.

        Where espeak-ng makes more or fewer words of it, each is read by itself.
        """
        key = (language, " ".join(words))
        if len(words) > 1 and key not in self._lines and all(words) and len(key[1]) <= _LONGEST_LINE:
            answer = self._ask({"language": _voice(language), "words": list(words), "in_a_row": True})
            tokens = answer and answer.get("words")
            self._lines[key] = [tuple(word) for word in tokens] if tokens else []
        return self._lines.get(key) or self.read(words, language)

    def close(self) -> None:
        """End the child process."""
        with self._lock:
            if self._child is not None:
                self._child.close()
                self._child = None

    def _read_some(self, words: Sequence[str], language: str) -> list[tuple[str, ...]]:
        shown = [word[:_LONGEST_WORD] for word in words]
        answer = self._ask({"language": _voice(language), "words": shown})
        if answer is not None:
            return [tuple(tokens) for tokens in answer.get("words", [()] * len(words))]
        if len(words) == 1:
            return [()]
        # One of them kills the child: find it.
        return [tokens for word in words for tokens in self._read_some([word], language)]

    def _ask(self, request: dict[str, Any]) -> dict[str, Any] | None:
        """Return the child's answer; None where it died twice of the same request."""
        with self._lock:
            for _ in range(2):
                if self._child is None:
                    self._child = _Child(self._command, self._answer_s)
                answer = self._child.ask(request)
                if answer is not None:
                    return answer
                self._child.close()
                self._child = None
        return None


class _Child:
    def __init__(self, command: Sequence[str], answer_s: float) -> None:
        self._answer_s = answer_s
        self._answers: Queue[str] = Queue()
        try:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                encoding="utf-8",
            )
        except OSError as error:
            raise EspeakMissing(f"the process that reads words cannot be started: {error}") from error
        self._reader = Thread(target=self._collect, daemon=True)
        self._reader.start()
        hello = self._next(_ANSWER_S)
        if hello is None or "missing" in hello:
            self.close()
            why = hello["missing"] if hello else "its process ended at once"
            raise EspeakMissing(f"phonemizer with espeak-ng cannot be used ({why})")

    def ask(self, request: dict[str, Any]) -> dict[str, Any] | None:
        """Return the answer; None where the process died, hangs or talks nonsense."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(request) + "\n")
            self._process.stdin.flush()
        except OSError:
            return None
        return self._next(self._answer_s)

    def close(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.kill()
        self._process.wait()
        self._reader.join()
        self._process.stdout.close()
        with suppress(OSError):
            self._process.stdin.close()

    def _collect(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._answers.put(line)
        self._answers.put("")

    def _next(self, seconds: float) -> dict[str, Any] | None:
        try:
            answer = json.loads(self._answers.get(timeout=seconds))
        except (Empty, ValueError):
            return None
        return answer if isinstance(answer, dict) else None


def _voice(language: str) -> str:
    return _VOICES.get(language, language)


@cache
def espeak() -> Espeak:
    """Return the one that this process uses; it ends with the process."""
    shared = Espeak()
    atexit.register(shared.close)
    return shared
