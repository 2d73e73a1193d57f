"""Real scores, damaged at random: read, or refused with a SingSynthError; never anything else."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from singsynth_mcp.cpu_server.describing import describe
from singsynth_mcp.errors import SingSynthError
from singsynth_mcp.score.musicxml.container import unpack
from singsynth_mcp.score.reading import read_score

SCORES = Path(__file__).parent.parent / "scores"
USAGI = (SCORES / "09-ja-usagi.musicxml").read_bytes()
ROMANZE = unpack((SCORES / "08-de-5verses-pickup-zumsteeg-romanze.mxl").read_bytes(), "romanze")
ROMANZE_MXL = (SCORES / "08-de-5verses-pickup-zumsteeg-romanze.mxl").read_bytes()
ODD = ["", "0", "-1", "1.5", "1e9", "x", "999999999999", "é", "start", "&#0;", "1/2", "nan", "inf"]


def read_and_describe(data: bytes) -> None:
    with suppress(SingSynthError):
        describe(read_score(data))


@given(st.data())
@settings(max_examples=40)
def test_bytes_changed(data: st.DataObject) -> None:
    score = bytearray(data.draw(st.sampled_from([USAGI, ROMANZE_MXL])))
    for _ in range(data.draw(st.integers(1, 6))):
        place = data.draw(st.integers(0, len(score) - 1))
        score[place : place + data.draw(st.integers(0, 40))] = data.draw(st.binary(max_size=4))
    read_and_describe(bytes(score))


@given(st.data())
@settings(max_examples=80)
def test_values_replaced(data: st.DataObject) -> None:
    """Texts and attributes of a well-formed score, replaced by numbers and words that do not belong there."""
    text = data.draw(st.sampled_from([USAGI, ROMANZE])).decode()
    places = [match.span(1) for match in re.finditer(r">([^<>\s][^<>]*)<", text)]
    places += [match.span(1) for match in re.finditer(r'\w="([^"]*)"', text)]
    chosen = data.draw(st.lists(st.sampled_from(places), min_size=1, max_size=8, unique=True))
    for start, end in sorted(chosen, reverse=True):
        text = text[:start] + data.draw(st.sampled_from(ODD)) + text[end:]
    read_and_describe(text.encode())


@given(st.data())
@settings(max_examples=60)
def test_elements_dropped_or_doubled(data: st.DataObject) -> None:
    text = data.draw(st.sampled_from([USAGI, ROMANZE])).decode()
    leaves = [match.span() for match in re.finditer(r"<([\w-]+)[^<>]*>[^<>]*</\1>|<[\w-]+[^<>]*/>", text)]
    chosen = data.draw(st.lists(st.sampled_from(leaves), min_size=1, max_size=12, unique=True))
    for start, end in sorted(chosen, reverse=True):
        text = text[:start] + text[start:end] * data.draw(st.sampled_from([0, 2])) + text[end:]
    read_and_describe(text.encode())
