"""The program that reads words with phonemizer and espeak-ng: a process of its own, spoken to by lines of JSON.

Both are GPL-3.0 and are imported here alone (docs/decisions/004). A line asks `{"language": …, "words": […]}` and is
answered `{"words": [[token, …], …]}`, each word in IPA tokens, or `{"unknown": language}`. With `"in_a_row": true` the
words are read as one text, and the answer is `{"words": null}` where that has another number of words;
`{"languages": true}` is answered with the languages there are. The first line written says `{"ready": true}` or
`{"missing": why}`.
"""

from __future__ import annotations

import json
import logging
import os
import re
import sys
from functools import cache
from typing import Any

_NO_SOUND = re.compile(r"[ˈˌ0-9.\-\"*^;ˑː]")


def main() -> int:
    """Answer lines until the input ends."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # espeak-ng may print; what it prints is no answer.
    try:
        _load()
    except Exception as error:
        _say(answers, {"missing": f"{type(error).__name__}: {error}"})
        return 1
    _say(answers, {"ready": True})
    for line in sys.stdin:
        request = json.loads(line)
        _say(answers, {"languages": _languages()} if "languages" in request else _answer(request))
    return 0


def _say(answers: Any, answer: dict[str, Any]) -> None:
    answers.write(json.dumps(answer) + "\n")
    answers.flush()


def _load() -> None:
    import espeakng_loader
    from phonemizer.backend.espeak.wrapper import EspeakWrapper

    EspeakWrapper.set_library(espeakng_loader.get_library_path())
    EspeakWrapper.set_data_path(espeakng_loader.get_data_path())


@cache
def _languages() -> list[str]:
    from phonemizer.backend import EspeakBackend

    return sorted(EspeakBackend.supported_languages())


def _answer(request: dict[str, Any]) -> dict[str, Any]:
    if request["language"] not in _languages():
        return {"unknown": request["language"]}
    language, words = request["language"], request["words"]
    if request.get("in_a_row"):
        read = _read(language, " ".join(words))
        return {"words": read if len(read) == len(words) else None}
    return {"words": [[token for spoken in _read(language, word) for token in spoken] for word in words]}


def _read(language: str, text: str) -> list[list[str]]:
    """Return the tokens of each word as espeak-ng parts the text."""
    from phonemizer.separator import Separator

    separator = Separator(phone="_", word=" ", syllable="")
    try:
        spoken = " ".join(_backend(language).phonemize([text], separator=separator, strip=True))
    except (ValueError, RuntimeError):
        return []
    words = ([_NO_SOUND.sub("", token) for token in word.split("_")] for word in spoken.split())
    return [[token for token in word if token] for word in words]


@cache
def _backend(language: str) -> Any:
    from phonemizer.backend import EspeakBackend

    quiet = logging.getLogger("phonemizer")
    quiet.addHandler(logging.NullHandler())
    return EspeakBackend(
        language, with_stress=False, language_switch="remove-flags", words_mismatch="ignore", logger=quiet
    )


if __name__ == "__main__":
    sys.exit(main())
