from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from singsynth_mcp.errors import InvalidVoicebank
from singsynth_mcp.voicebanks.dictionary import read_dictionary, read_symbol_types
from singsynth_mcp.voicebanks.entries import scan_entries

SHAPES = {
    "flow": "- {grapheme: no, phonemes: [n, ow]}\n- {grapheme: 'on', phonemes: [\"aa\", n]}\n",
    "block": '- grapheme: no\n  phonemes:\n  - n\n  - ow\n- grapheme: "on"\n  phonemes:\n    - aa\n    - n\n',
    "indented": "  - grapheme: no\n    phonemes: [n, ow]\n\n  # a remark\n  - grapheme: on\n    phonemes: [aa, n]\n",
    "turned": "- {phonemes: [n, ow], grapheme: no}\n- {phonemes: [aa, n], grapheme: on}\n",
    "escaped": '- {grapheme: "\\x6eo", phonemes: [n, ow]}\n- {grapheme: on, phonemes: [aa, n]}\n',
    "glued": '- {grapheme: no, phonemes: ["n ow"]}\n- {grapheme: on, phonemes: ["aa n"]}\n',
    "remarked": "- grapheme: no # not yes\n  phonemes: [n, ow]\n- grapheme: on\n  phonemes: [aa, n]\n",
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_entries_of_any_shape_read_the_same(tmp_path: Path, shape: str, ending: str) -> None:
    path = tmp_path / "dsdict.yaml"
    text = (
        "symbols:\n- {symbol: n, type: nasal}\n- {symbol: ow, type: vowel}\n- {symbol: y, type: semivowel}\n"
        f"entries:\n{SHAPES[shape]}replacements:\n- {{from: hh, to: en/hh}}\n"
    )
    path.write_bytes(text.replace("\n", ending).encode())
    dictionary = read_dictionary(path)
    assert dictionary.entries == {"no": ("n", "ow"), "on": ("aa", "n")}
    assert dictionary.types == {"n": "nasal", "ow": "vowel", "y": "semivowel"}
    assert dictionary.replacements == {"hh": "en/hh"}
    assert read_symbol_types(path) == dictionary.types


@pytest.mark.parametrize("text", ["entries:\n- {grapheme: a, phonemes: [b}\n", "entries:\n- [\n", "symbols: {\n"])
def test_what_is_no_yaml_is_named(tmp_path: Path, text: str) -> None:
    path = tmp_path / "dsdict.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InvalidVoicebank, match=r"dsdict\.yaml is not valid YAML in line"):
        read_dictionary(path)


WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1, max_size=8)


@given(st.dictionaries(WORDS, st.lists(WORDS.filter(lambda word: word.split() == [word]), max_size=4), max_size=5))
@example({"0\xa0": ["a"]})
def test_the_scanner_never_reads_otherwise_than_yaml(words: dict[str, list[str]]) -> None:
    for flow in (True, False, None):
        rows = [{"grapheme": word, "phonemes": phonemes} for word, phonemes in words.items()]
        text = yaml.safe_dump(rows, allow_unicode=True, default_flow_style=flow, width=10_000)
        scanned = scan_entries(text)
        expected = {word: tuple(phonemes) for word, phonemes in words.items()}
        assert scanned is None or not words or scanned == expected, text
