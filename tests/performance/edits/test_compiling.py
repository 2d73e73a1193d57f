"""Edits of any kind on any phrase: it stays one that the stages can predict from, and pins are where they were put."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from singsynth_mcp.contracts.coaching import ModifyPerformanceRequest
from singsynth_mcp.errors import SingSynthError
from singsynth_mcp.performance.blobs import phrase_from_bytes, phrase_to_bytes
from singsynth_mcp.performance.curves import TimeMap, sample_curve
from singsynth_mcp.performance.edits import Coach, Edit, PlacedPhrase, places_of
from singsynth_mcp.performance.model import Curve, Phrase, Role
from singsynth_mcp.synthesis.durations import fit_durations, with_pins
from tests.singing import phrase_of

FRAME_S = 512 / 44100
FIRST = phrase_of([(0.0, 0.5, 60.0, "k a"), (0.5, 0.5, 62.0, "s a"), (1.0, 0.5, 64.0, "+~"), (1.5, 0.4, 59.0, "N")])
SECOND = phrase_of([(0.0, 0.3, 60.0, "a"), (0.3, 0.4, 60.0, "SP"), (0.7, 0.8, 67.0, "t a")], speaker={"linnet": 1.0})
STARTS = (0.5, 4.0)
QUARTERS = {("n1", 1): (0, 1.0, 1.0), ("n2", 1): (0, 2.0, 2.0), ("n3", 1): (0, 3.0, 3.0), ("n4", 1): (1, 1.0, 4.0)}


class Bank:
    """A voicebank of single letters with two speakers."""

    def symbols(self, text: str, language: str | None, note: str) -> tuple[list[tuple[str, str, Role]], int]:
        vowels = "aiueo"
        found: list[tuple[str, str, Role]] = [
            (f"ja/{one}", "ja", "vowel" if one in vowels else "consonant") for one in text.split()
        ]
        return found, next((place for place, one in enumerate(text.split()) if one in vowels), 0)

    def pitch(self, name: str) -> float:
        return 69.0

    def speaker(self, wanted: Any) -> dict[str, Curve]:
        return {wanted: 1.0}


def coach(edits: list[Edit] | None = None) -> Coach:
    """A coach of the two phrases, whose notes are those of two passes of one line."""
    notes = tuple(replace(note, pass_number=2) for note in SECOND.notes)
    # The rest is the second phoneme of the note before it.
    phonemes = tuple(replace(one, index=1) if one.role == "rest" else one for one in SECOND.phonemes)
    second = replace(SECOND, notes=notes, phonemes=phonemes)
    phrases = [FIRST, second]
    facts = QUARTERS | {("n1", 2): (0, 1.0, 8.0), ("n2", 2): (0, 2.0, 9.0)}
    placed = [PlacedPhrase(start, phrase, phrase) for start, phrase in zip(STARTS, phrases, strict=True)]
    time_map = TimeMap((0.0, 1.0, 100.0), (0.0, 0.5, 50.0))
    return Coach(placed, places_of(phrases, facts, ["1", "2"]), time_map, Bank(), FRAME_S, edits or [])


def operations(*rows: dict[str, Any]) -> list[Any]:
    return list(ModifyPerformanceRequest.model_validate({"performance": "p", "operations": rows}).operations)


where = st.sampled_from([None, "n1", "n2@2", "n1-n3", "n2-n4", "1", "1-2", "1:2-2:1", "phrase 1", "phrases 1-2"])
curve = st.floats(-6, 6) | st.lists(st.tuples(st.floats(-1, 6), st.floats(-6, 6)), min_size=1, max_size=4).map(
    lambda points: sorted(points, key=lambda point: point[0])
)
note = st.sampled_from(["n1", "n2", "n1@2", "n3", "n4"])
pitch = curve.map(lambda one: [(quarter, value + 65) for quarter, value in one] if isinstance(one, list) else one + 65)


def of(name: str, **fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Operations of a kind, as a caller writes them."""
    return st.fixed_dictionaries({"operation": st.just(name), **fields})


operation = st.one_of(
    of("set_phonemes", note=note, phonemes=st.sampled_from(["a", "t o", "s", "k i n"])),
    of("move_boundary", note=note, phoneme=st.integers(0, 2), to_ms=st.floats(-300, 600)),
    of("set_pitch", where=where.filter(bool), pitch=pitch),
    of("nudge_pitch", where=where, cents=st.floats(-200, 200)),
    of("set_curve", where=where, curve=st.just("tension"), value=curve),
    of("set_controls", where=where, controls=st.fixed_dictionaries({"loudness": curve})),
    of("set_speaker", where=where, speaker=st.sampled_from(["linnet", "merlin"])),
    of("retake", where=where, seed=st.integers(0, 3)),
    of("reset", where=where),
)


def done(one: Coach, rows: list[dict[str, Any]]) -> None:
    """Apply operations one by one; those that cannot be done are left out."""
    for row in rows:
        before = list(one.edits)
        try:
            one.apply(operations(row))
        except SingSynthError:
            one.edits = before
            one.carry_over([])


def check_whole(phrase: Phrase) -> None:
    firsts = [group.first for group in phrase.groups]
    assert firsts == sorted(firsts)
    assert firsts[0] == 0
    starts = [group.start_s for group in phrase.groups]
    assert starts == sorted(starts)
    notes = [phoneme.note for phoneme in phrase.phonemes]
    assert notes == sorted(notes)
    for number in set(notes):
        own = [phoneme.index for phoneme in phrase.phonemes if phoneme.note == number]
        assert own == list(range(len(own)))


@given(st.lists(operation, max_size=8))
@settings(max_examples=150)
def test_any_edits_leave_whole_phrases_and_keep_their_pins(rows: list[dict[str, Any]]) -> None:
    one = coach()
    done(one, rows)
    for phrase in one.phrases:
        check_whole(phrase)
        data = phrase_to_bytes(phrase)
        assert phrase_to_bytes(phrase_from_bytes(data)) == data
        lengths = np.full(len(phrase.phonemes), 0.1)
        fitted = with_pins(fit_durations(phrase, lengths, FRAME_S), phrase.boundary_pins, FRAME_S)
        assert (np.diff(fitted) >= -1e-9).all()
        assert [float(fitted[place]) for place, _ in phrase.boundary_pins] == [
            second for _, second in phrase.boundary_pins
        ]
        for points in phrase.pitch_pins:
            assert [time for time, _ in points] == sorted(time for time, _ in points)
    # The same edits, carried over, make the same phrases.
    again = coach()
    again.carry_over([Edit.from_json(edit.to_json()) for edit in one.edits])
    assert [phrase_to_bytes(phrase) for phrase in again.phrases] == [phrase_to_bytes(phrase) for phrase in one.phrases]
    one.apply(operations({"operation": "reset"}))
    assert [phrase_to_bytes(phrase) for phrase in one.phrases] == [
        phrase_to_bytes(phrase) for phrase in coach().phrases
    ]
    assert one.edits == []


def test_a_range_means_every_pass_and_its_curve_begins_anew_in_each() -> None:
    one = coach()
    ramp = {"operation": "set_controls", "where": "1:2", "controls": {"loudness": [[0, -6], [1, 0]]}}
    assert one.apply(operations(ramp)) == ["Set loudness in n2, n2@2 (2 notes)"]
    for phrase, start_s in zip(one.phrases, (0.5, 0.7), strict=True):
        loudness = phrase.controls["loudness"]
        assert isinstance(loudness, tuple)
        levels = sample_curve(loudness, np.array([start_s, start_s + 0.25]))
        origin_quarter = {0.5: (2 * 0.5 + 1) - 2, 0.7: (2 * 4.0 + 1.4) - 9}[start_s]
        np.testing.assert_allclose(
            levels, np.interp([origin_quarter, origin_quarter + 0.5], [0, 1], [-6, 0]), atol=1e-6
        )
    assert np.allclose(sample_curve(one.phrases[0].controls["loudness"], np.array([0.1, 1.2])), 0)


def test_edits_of_a_later_phrase_leave_the_others_alone() -> None:
    one = coach()
    before = phrase_to_bytes(one.phrases[0])
    one.apply(operations({"operation": "nudge_pitch", "where": "phrase 2", "cents": 5}))
    assert phrase_to_bytes(one.phrases[0]) == before
    assert one.phrases[1].nudges[0].semitones == 0.05


def test_of_two_boundaries_without_room_the_later_edit_counts() -> None:
    one = coach()
    one.apply(operations({"operation": "move_boundary", "note": "n2@1", "phoneme": 0, "to_ms": -50}))
    one.apply(operations({"operation": "move_boundary", "note": "n2@1", "phoneme": 1, "to_ms": -60}))
    assert [str(lost) for lost in one.lost] == [
        "move_boundary of n2 is lost: there is room from -977 to -72 ms of the note's onset"
    ]
    assert len(one.edits) == 1
