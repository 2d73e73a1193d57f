"""The held-out songs: enough of them, singable, read by the package as they are written, in no corpus text."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import training
from singsynth_mcp.score.played import played_part
from singsynth_mcp.score.reading import read_score
from training.report.songbook import (
    HeldOutSong,
    Line,
    Syllable,
    Tone,
    languages,
    load_songs,
    parse_songs,
    plain,
    syllables_of,
    to_musicxml,
)

CORPUS_TEXTS = sorted(Path(training.__file__).parent.glob("languages/*-sentences.txt"))
SHARED_LETTERS = {"ja": 9, "zh": 9}
"""So many letters in a row that a line and a corpus text share would make it a text that was trained on."""


@pytest.mark.parametrize("language", languages())
def test_a_language_has_enough_songs(language: str) -> None:
    songs = load_songs(language)
    common = [line for song in songs if not song.made_up for line in song.lines]
    made_up = [line for song in songs if song.made_up for line in song.lines]
    assert len(common) >= 12
    assert 4 <= len(made_up) <= 6
    assert len({line.text for line in common + made_up}) == len(common) + len(made_up)
    tempi = [song.tempo for song in songs]
    assert min(tempi) == 60
    assert max(tempi) == 150
    for song in songs:
        low, high = song.span
        assert 8 <= high - low <= 14, "registers of a range of 19 semitones must differ"
        assert low >= 57
        assert high <= 76
        assert all(line.rest > 0 for line in song.lines)


def test_japanese_and_english_are_there() -> None:
    assert {"ja", "en"} <= set(languages())


def test_there_are_corpus_texts_to_compare_with() -> None:
    assert CORPUS_TEXTS


@pytest.mark.parametrize("language", languages())
def test_no_line_occurs_in_a_corpus_text(language: str) -> None:
    corpus = [plain(path.read_text(encoding="utf-8")) for path in CORPUS_TEXTS]
    size = SHARED_LETTERS.get(language, 18)
    for song in load_songs(language):
        for line in song.lines:
            text = plain(line.text)
            parts = {text[i : i + size] for i in range(max(1, len(text) - size + 1))}
            assert not [part for part in parts if any(part in known for known in corpus)], line.text


def test_a_line_of_the_corpus_would_be_found() -> None:
    known = plain(CORPUS_TEXTS[0].read_text(encoding="utf-8"))
    line = next(row for row in CORPUS_TEXTS[0].read_text(encoding="utf-8").splitlines() if not row.startswith("#"))
    assert plain(line)[:9] in known


@pytest.mark.parametrize("language", languages())
def test_the_package_reads_what_is_written(language: str) -> None:
    for song in load_songs(language):
        _check(song)


def _check(song: HeldOutSong) -> None:
    part = played_part(read_score(to_musicxml(song).encode(), "song.musicxml"), None, None)
    written = [
        (tone.midi, tone.quarters, syllable.text if place == 0 else None)
        for line in song.lines
        for syllable in line.syllables
        for place, tone in enumerate(syllable.tones)
    ]
    read = [
        (note.midi, note.duration_quarters, "".join(note.lyric.syllables) if note.lyric else None)
        for note in part.notes
    ]
    assert read == written
    last = part.notes[-1]
    quarters = sum((q for _, q, _ in written), Fraction(0)) + sum((line.rest for line in song.lines[:-1]), Fraction(0))
    assert last.start_s + last.duration_s == pytest.approx(float(quarters) * 60 / song.tempo, abs=1e-3)


_tones = st.builds(Tone, st.integers(48, 84), st.integers(1, 8).map(lambda n: Fraction(n, 2)))
_syllables = st.builds(
    Syllable,
    st.sampled_from(["a", "lo", "mid", "ブ", "x"]),
    st.just("single"),
    st.lists(_tones, min_size=1, max_size=2).map(tuple),
)
_lines = st.builds(
    lambda syllables, rest: Line(" ".join(s.text for s in syllables), tuple(syllables), rest),
    st.lists(_syllables, min_size=1, max_size=4),
    st.integers(1, 6).map(lambda n: Fraction(n, 2)),
)


@settings(max_examples=30)
@given(st.lists(_lines, min_size=1, max_size=3), st.integers(60, 150))
def test_any_song_is_read_as_it_is_written(lines: list[Line], tempo: int) -> None:
    _check(HeldOutSong("any", "en", tempo, False, tuple(lines)))


def test_syllables() -> None:
    assert syllables_of("ket-tle") == ("ket", "tle")
    assert syllables_of("the") == ("the",)
    assert syllables_of("いっぱいだ") == ("いっ", "ぱ", "い", "だ")
    assert syllables_of("ぺらぎょ") == ("ぺ", "ら", "ぎょ")
    assert syllables_of("こーひー") == ("こー", "ひー")


_HEAD = "song: S\ntempo: 90\nunit: 1/2\nwords: common\n"


def test_a_song_in_the_compact_form() -> None:
    (song,) = parse_songs(_HEAD + "a-long the\nc4 d4:3/2~e4 f#4 r:2\n", "en", "x.txt")
    (line,) = song.lines
    assert [(s.text, s.syllabic) for s in line.syllables] == [("a", "begin"), ("long", "end"), ("the", "single")]
    assert [tone.midi for s in line.syllables for tone in s.tones] == [60, 62, 64, 66]
    assert line.syllables[1].tones == (Tone(62, Fraction(3, 2)), Tone(64, Fraction(1, 2)))
    assert line.rest == 2
    assert song.span == (60, 66)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (_HEAD + "a-long the\nc4 d4 r:2\n", "line 6: 3 syllables have 2 tokens"),
        (_HEAD + "the\nh4 r:2\n", "line 6: 'h4' is no note"),
        (_HEAD + "the\nc4 r:2\nlost words\n", "'lost words' has no melody"),
        (_HEAD.replace("common", "odd") + "the\nc4 r:2\n", "words are common or made-up"),
        ("song: S\nthe\nc4 r:1\n", "line 3: 'unit'"),
    ],
)
def test_what_is_wrong_is_named(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message.replace("'", ".")):
        parse_songs(text, "en", "x.txt")
