"""Files of every format, damaged at random: read, or refused with a SingSynthError; never anything else."""

from __future__ import annotations

import resource
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from singsynth_mcp.cpu_server.describing import describe
from singsynth_mcp.errors import InvalidScore, SingSynthError
from singsynth_mcp.score.reading import read_score

FORMATS = sorted((Path(__file__).parent.parent / "scores" / "formats").glob("star*"))
PIECES = [
    b"",
    b"\0",
    b"\xff",
    b"-1",
    b"0",
    b"1e9",
    b"{",
    b"]",
    b"\n",
    b"99999999999",
    b"|:",
    b"K:",
    b"&a ",
    b"<",
    b"\xe3",
]

MOST_BYTES = 2**30
MOST_SECONDS = 2.0


@contextmanager
def bounded_memory() -> Iterator[None]:
    """A gigabyte of data for the whole process: what asks for more is a MemoryError, which is a defect."""
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (MOST_BYTES, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


@contextmanager
def bounded_time() -> Iterator[None]:
    """Two seconds of CPU for a file; an endless loop ends too."""

    def stop(signal_number: int, frame: object) -> None:
        raise AssertionError(f"a file took more than {MOST_SECONDS:g} s")

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, MOST_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def damaged(data: bytes, cuts: list[tuple[int, int, bytes]]) -> bytes:
    score = bytearray(data)
    for place, length, piece in cuts:
        place %= len(score) or 1
        score[place : place + length] = piece
    return bytes(score)


cuts = st.lists(
    st.tuples(st.integers(0, 10_000), st.integers(0, 12), st.sampled_from(PIECES) | st.binary(max_size=3)),
    min_size=1,
    max_size=6,
)


@given(st.sampled_from(FORMATS), cuts)
@settings(max_examples=150)
def test_bytes_changed(path: Path, changes: list[tuple[int, int, bytes]]) -> None:
    with suppress(SingSynthError):
        describe(read_score(damaged(path.read_bytes(), changes), path.name))


@pytest.mark.skipif("not config.getoption('--thorough')", reason="a minute: pytest --thorough")
@given(st.sampled_from(FORMATS), cuts)
@settings(max_examples=10_000)
def test_ten_thousand_files(path: Path, changes: list[tuple[int, int, bytes]]) -> None:
    """Each in two seconds of CPU, all within a gigabyte."""
    data = damaged(path.read_bytes(), changes)
    with bounded_memory(), bounded_time(), suppress(SingSynthError):
        describe(read_score(data, path.name))
    assert 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss < MOST_BYTES


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('ustx_version: "0.6"\nvoice_parts: [', "not well-formed YAML"),
        ('ustx_version: "0.6"\na: &x 1\nb: *x\n', "alias"),
        ('ustx_version: "0.6"\na: ' + "[" * 100 + "]" * 100, "nested too deeply"),
        ('ustx_version: "0.6"\nvoice_parts:\n- notes:\n  - {position: x, duration: 1, tone: 60}\n', "position is 'x'"),
        ('ustx_version: "0.6"\nvoice_parts:\n- notes:\n  - {position: 0, duration: 1, tone: 600}\n', "tone 600"),
        ('[{"note_seq": "C4 D4", "note_dur": "1"}]', "segment 1: 2 notes, 1 durations"),
        ('[{"note_seq": "H4", "note_dur": "1", "text": "a"}]', '"H4" is no pitch'),
        ('[{"note_seq": "C4 D4", "note_dur": "1 1", "text": "a b c"}]', "do not match"),
    ],
)
def test_what_is_wrong_in_a_project_is_named(text: str, words: str) -> None:
    with pytest.raises(InvalidScore) as caught:
        read_score(text.encode(), "song")
    assert words in caught.value.message
    assert caught.value.hint


def test_phonemes_of_a_ds_file_become_hints() -> None:
    segment = '{"ph_seq": "SP n i h ao AP", "ph_num": "2 2 1 1", "note_seq": "rest C4 D4 E4 rest", '
    segment += '"note_dur": "0.5 0.5 0.5 0.5 0.5", "note_slur": "0 0 0 1 0"}'
    notes = read_score(f"[{segment}]".encode()).parts[0].lines[0].notes
    assert [note.lyrics[0].syllables if note.lyrics else () for note in notes] == [("[n i]",), ("[h ao]",), ()]
