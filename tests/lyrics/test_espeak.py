"""The child process that reads words: it may be missing, die or hang, and singing goes on."""

from __future__ import annotations

import sys
import threading

import pytest

from singsynth_mcp.lyrics import g2p
from singsynth_mcp.lyrics.espeak import Espeak, EspeakMissing, espeak
from singsynth_mcp.lyrics.reading import Reader
from singsynth_mcp.voicebanks import Voicebank

ECHO = """
import json, sys
print(json.dumps({"ready": True}), flush=True)
for line in sys.stdin:
    request = json.loads(line)
    if "bomb" in request.get("words", []):
        sys.exit(3)
    if "nonsense" in request.get("words", []):
        print("{", flush=True)
        continue
    if "forever" in request.get("words", []):
        import time
        time.sleep(60)
    print(json.dumps({"words": [list(word) for word in request["words"]]}), flush=True)
"""


def child(program: str, answer_s: float = 10.0) -> Espeak:
    return Espeak((sys.executable, "-c", program), answer_s)


def test_words_are_read_in_order_and_only_once() -> None:
    reader = espeak()
    assert reader.read(["Haus", "und", "Haus"], "de") == [("h", "aʊ", "s"), ("ʊ", "n", "t"), ("h", "aʊ", "s")]
    assert reader.knows("de")
    assert reader.knows("zh-yue")
    assert not reader.knows("tlh")
    assert reader.read(["Haus"], "tlh") == [()]
    assert not {"phonemizer", "espeakng_loader"} & set(sys.modules)


def test_a_line_is_read_with_its_liaisons() -> None:
    assert espeak().read_in_a_row(["les", "enfants"], "fr") == [("l", "e", "z"), ("ɑ̃", "f", "ɑ̃")]
    assert espeak().read(["les"], "fr") == [("l", "e")]
    # Three words as one number: each is read by itself.
    assert len(espeak().read_in_a_row(["12", "34"], "fr")) == 2


@pytest.mark.parametrize("word", ["", " ", "\n", "a\nb", "\x00", "{}", "💥", "x" * 5000, "\ud800", "'", "--"])
def test_no_word_is_too_odd(word: str) -> None:
    odd, plain = espeak().read([word, "Haus"], "de")
    assert plain == ("h", "aʊ", "s")
    assert isinstance(odd, tuple)


@pytest.mark.parametrize("killer", ["bomb", "nonsense"])
def test_a_word_that_kills_the_child_stays_unread_and_the_others_are_read(killer: str) -> None:
    reader = child(ECHO)
    try:
        assert reader.read(["ab", killer, "cd"], "xx") == [("a", "b"), (), ("c", "d")]
        assert reader.read(["ef"], "xx") == [("e", "f")]
    finally:
        reader.close()


def test_a_child_that_hangs_is_given_up() -> None:
    reader = child(ECHO, answer_s=0.2)
    try:
        assert reader.read(["forever"], "xx") == [()]
    finally:
        reader.close()


@pytest.mark.parametrize(
    "program",
    ["import sys; sys.exit(1)", 'print(\'{"missing": "ModuleNotFoundError: phonemizer"}\')', "print('what?')"],
)
def test_what_is_not_installed_is_an_error_that_says_what_to_do(program: str) -> None:
    with pytest.raises(EspeakMissing) as caught:
        child(program).read(["ab"], "de")
    assert "pip install" in caught.value.hint


def test_a_program_that_is_not_there() -> None:
    with pytest.raises(EspeakMissing, match="cannot be started"):
        Espeak(("/nowhere/python",)).knows("de")


def test_several_threads_share_it() -> None:
    reader = child(ECHO)
    read: dict[int, object] = {}

    def work(i: int) -> None:
        read[i] = reader.read([f"w{i}{j}" for j in range(20)], "xx")

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    reader.close()
    assert read == {i: [tuple(f"w{i}{j}") for j in range(20)] for i in range(8)}


def test_without_it_dictionaries_go_on_and_one_warning_says_so(
    bilingual: Voicebank, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = child("import sys; sys.exit(1)")
    monkeypatch.setattr(g2p, "espeak", lambda: missing)
    reader = Reader(bilingual, "en", "P1")
    words = reader.read_text("love xylographia zzzq さ")
    assert [word.source for word in words] == ["cmudict", "unread", "unread", "dictionary"]
    codes = [warning.code for warning in reader.warnings]
    assert codes == ["g2p_missing", "unread_word", "unread_word"]
    assert "pip install" in reader.warnings[0].message
