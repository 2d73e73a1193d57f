"""modify_performance with the shipped voice: after each edit, and everything predicted and rendered again, what is
pinned is as asked, what can be heard has changed by as much, and the other phrases are the same bits."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from singsynth_mcp.contracts.sing import SingRequest, SingResult
from singsynth_mcp.errors import InvalidLyrics, InvalidRequest, SingSynthError, StageMissing, UnknownName
from singsynth_mcp.media.measures import vowel_onset
from singsynth_mcp.media.sung import sung_notes
from singsynth_mcp.performance.blobs import audio_from_bytes, phrase_from_bytes
from singsynth_mcp.performance.model import AudioPhrase, Phrase
from singsynth_mcp.recipes.local import LocalCaller
from singsynth_mcp.recipes.sing import sing
from singsynth_mcp.settings import Settings
from singsynth_mcp.synthesis.frames import frame_times
from tests.voicebanks.test_aviary import FOLDER

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="the voice has not been made yet: make voice")
FRAME_S = 512 / 44100
NOTES = [
    ["A4", 1, "さ"],
    ["C5", 1, "か"],
    ["A4", 2, "た"],
    ["rest", 2],
    ["G4", 1, "は"],
    ["A4", 1, "な"],
    ["G4", 2, "し"],
]
SONG = {"title": "Short", "tempo": 80, "meter": "4/4", "language": "ja", "notes": NOTES}


@dataclass
class Heard:
    """A performance that has been sung whole."""

    result: SingResult
    phrases: list[Phrase]
    audio: list[AudioPhrase]
    blobs: list[list[str]]
    """Of the performance and of its audio, phrase by phrase."""

    @property
    def id(self) -> str:
        assert self.result.performances
        return self.result.performances[0]


@dataclass
class Studio:
    """The tools in this process."""

    caller: LocalCaller
    changes: list[str] = field(default_factory=list)

    async def sing(self, **arguments: Any) -> Heard:
        result = await sing(SingRequest.model_validate(arguments), self.caller)
        assert result.performances
        assert result.parts
        store = self.caller._store
        manifests = [await store.get(one) for one in (result.performances[0], result.parts[0].audio)]
        blobs = [[entry.blob for entry in manifest.entries] for manifest in manifests]
        phrases = [phrase_from_bytes(await store.get_blob(blob)) for blob in blobs[0]]
        audio = [audio_from_bytes(await store.get_blob(blob)) for blob in blobs[1]]
        return Heard(result, phrases, audio, blobs)

    async def edit(self, performance: str, *operations: dict[str, Any]) -> dict[str, Any]:
        arguments = {"performance": performance, "operations": list(operations)}
        return await self.caller.call("modify_performance", arguments)

    async def sung(self, performance: str, *operations: dict[str, Any]) -> Heard:
        """Edit and sing again in one call."""
        edited = await self.edit(performance, *operations)
        self.changes = edited["changes"]
        return await self.sing(performances=[edited["id"]])


@pytest.fixture(scope="module")
def studio(tmp_path_factory: pytest.TempPathFactory) -> Studio:
    folder = tmp_path_factory.mktemp("studio")
    return Studio(LocalCaller(Settings(artifacts=folder / "artifacts", output=folder / "output", threads=1)))


@pytest.fixture
async def first(studio: Studio) -> Heard:
    """The song as it is sung without edits; the memo answers for all but the first test."""
    return await studio.sing(text=json.dumps(SONG))


def cents(heard: Heard, phrase: int = 0) -> list[float]:
    return [note.cents or 0.0 for note in sung_notes(heard.audio[phrase], heard.phrases[phrase])]


def levels(heard: Heard, phrase: int) -> np.ndarray:
    return np.array([note.level_db for note in sung_notes(heard.audio[phrase], heard.phrases[phrase])])


def pitch_in(heard: Heard, start_s: float, end_s: float) -> tuple[np.ndarray, np.ndarray]:
    """Times and predicted pitch of the first phrase."""
    pitch = heard.phrases[0].pitch
    assert pitch is not None
    times = frame_times(heard.phrases[0], FRAME_S, len(pitch))
    inside = (times >= start_s) & (times < end_s)
    return times[inside], pitch[inside]


def bounds(phrase: Phrase) -> np.ndarray:
    assert phrase.boundaries_s is not None
    return phrase.boundaries_s


async def test_a_nudge_moves_the_pitch_by_its_cents_and_nothing_else(studio: Studio, first: Heard) -> None:
    after = await studio.sung(first.id, {"operation": "nudge_pitch", "where": "n3", "cents": 40})
    assert studio.changes == ["Moved the pitch by +40 cents in n3 (1 note)"]
    _, before = pitch_in(first, 1.5, 3.0)
    _, moved = pitch_in(after, 1.5, 3.0)
    np.testing.assert_allclose(moved - before, 0.4, atol=1e-5)
    np.testing.assert_allclose(np.subtract(cents(after), cents(first)), [0, 0, 40], atol=3)
    assert [blobs[1] for blobs in after.blobs] == [blobs[1] for blobs in first.blobs]
    np.testing.assert_array_equal(bounds(after.phrases[0]), bounds(first.phrases[0]))


async def test_a_drawn_pitch_is_sung_as_drawn(studio: Studio, first: Heard) -> None:
    glide = {"operation": "set_pitch", "where": "n3", "pitch": [[0, 69], [1, 71], [2, 70]]}
    after = await studio.sung(first.id, glide)
    times, pitch = pitch_in(after, 1.5, 3.0)
    np.testing.assert_allclose(pitch, np.interp(times, [1.5, 2.25, 3.0], [69, 71, 70]), atol=1e-4)
    # Nowhere a step: the curve before the pin has been bent towards it.
    _, around = pitch_in(after, 1.2, 3.2)
    assert np.abs(np.diff(around)).max() < 1.2
    flat = await studio.sung(first.id, {"operation": "set_pitch", "where": "n3", "pitch": "B4"})
    np.testing.assert_allclose(cents(flat), [0, 0, 200], atol=4)
    assert [blobs[1] for blobs in flat.blobs] == [blobs[1] for blobs in first.blobs]


async def test_a_later_nudge_moves_a_drawn_pitch_and_an_earlier_one_does_not(studio: Studio, first: Heard) -> None:
    draw, nudge = (
        {"operation": "set_pitch", "where": "n3", "pitch": 71},
        {"operation": "nudge_pitch", "where": "n3", "cents": -30},
    )
    for operations, midi in (((draw, nudge), 70.7), ((nudge, draw), 71.0)):
        _, pitch = pitch_in(await studio.sung(first.id, *operations), 1.5, 3.0)
        np.testing.assert_allclose(pitch, midi, atol=1e-4)


async def test_a_consonant_gets_longer_by_the_milliseconds_asked(studio: Studio, first: Heard) -> None:
    after = await studio.sung(first.id, {"operation": "move_boundary", "note": "n1", "phoneme": 0, "by_ms": -60})
    moved = bounds(after.phrases[0]) - bounds(first.phrases[0])
    np.testing.assert_allclose(moved, [-0.06, 0, 0, 0, 0, 0, 0], atol=1e-6)
    # The s is heard from its first noise to the vowel.
    lengths = []
    for heard in (first, after):
        audio = heard.audio[0]
        samples = audio.audio.astype(np.float64)
        vowel_s = vowel_onset(samples, audio.sample_rate, -audio.offset_s)
        loud = np.flatnonzero(np.abs(samples) > 0.02 * np.abs(samples).max())
        lengths.append(vowel_s - loud[0] / audio.sample_rate)
    assert 1000 * (lengths[1] - lengths[0]) == pytest.approx(60, abs=15)
    assert [blobs[1] for blobs in after.blobs] == [blobs[1] for blobs in first.blobs]
    vowel = await studio.sung(first.id, {"operation": "move_boundary", "note": "n2", "phoneme": 1, "to_ms": 35})
    assert bounds(vowel.phrases[0])[3] == pytest.approx(0.75 + 0.035, abs=1e-6)


async def test_other_phonemes_are_sung_on_their_note(studio: Studio, first: Heard) -> None:
    after = await studio.sung(first.id, {"operation": "set_phonemes", "note": "n2", "phonemes": "ky o"})
    symbols = [phoneme.symbol for phoneme in after.phrases[0].phonemes]
    assert symbols == ["ja/s", "ja/a", "ja/ky", "ja/o", "ja/t", "ja/a"]
    edges = bounds(after.phrases[0])
    assert (edges[1], edges[3], edges[5]) == pytest.approx((0.0, 0.75, 1.5), abs=1e-6)
    assert first.blobs[0][0] != after.blobs[0][0]
    assert first.blobs[1][1] == after.blobs[1][1]


async def test_curves_controls_and_speakers_change_their_stretch(studio: Studio, first: Heard) -> None:
    drawn = await studio.sung(first.id, {"operation": "set_curve", "curve": "tension", "where": "n3", "value": 4})
    (variance,) = (phrase.variance for phrase in drawn.phrases[:1])
    assert variance is not None
    times = frame_times(drawn.phrases[0], FRAME_S, len(variance["tension"]))
    assert set(variance["tension"][times >= 1.5]) == {np.float32(4)}
    assert np.abs(variance["tension"][times < 1.5] - 4).min() > 0.5
    quiet = {"operation": "set_controls", "where": "phrase 2", "controls": {"loudness": -6}}
    softer = await studio.sung(first.id, quiet)
    np.testing.assert_allclose(levels(softer, 1) - levels(first, 1), -6, atol=0.2)
    assert softer.blobs[1][0] == first.blobs[1][0]
    other = await studio.sung(first.id, {"operation": "set_speaker", "where": "n2-n3", "speaker": "merlin"})
    assert other.blobs[1][0] != first.blobs[1][0]
    assert other.blobs[1][1] == first.blobs[1][1]
    speaker = other.phrases[0].speaker
    assert {name: curve[0][1] for name, curve in speaker.items() if isinstance(curve, tuple)} == {
        "wren": 1.0,
        "merlin": 0.0,
    }


async def test_a_retake_changes_its_range_with_each_seed(studio: Studio, first: Heard) -> None:
    takes = [await studio.sung(first.id, {"operation": "retake", "where": "n3", "seed": seed}) for seed in (1, 2, 1)]
    assert takes[0].blobs == takes[2].blobs
    _, one = pitch_in(takes[0], 1.5, 3.0)
    _, two = pitch_in(takes[1], 1.5, 3.0)
    _, was = pitch_in(first, 1.5, 3.0)
    for left, right in ((one, two), (one, was), (two, was)):
        assert 0.01 < np.abs(left - right).mean() < 0.5
    np.testing.assert_array_equal(pitch_in(takes[0], -0.1, 1.5)[1], pitch_in(first, -0.1, 1.5)[1])
    np.testing.assert_allclose(cents(takes[0])[2], 0, atol=20)


async def test_what_the_voice_has_not_is_a_warning(studio: Studio, first: Heard) -> None:
    asked = (
        {"operation": "retake", "stage": "variance", "where": "phrase 1", "seed": 1},
        {"operation": "set_curve", "curve": "energy", "where": "n2", "value": -20},
    )
    after = await studio.sung(first.id, *asked)
    assert [warning.message for warning in after.result.warnings or ()] == [
        "predict_variance: voicebank aviary has no energy curve; passed over in 1 phrases",
        "predict_variance: voicebank aviary has no noise for a retake of variance; passed over in 1 phrases",
    ]
    assert after.blobs[1] == first.blobs[1]


async def test_what_is_taken_back_is_sung_as_before(studio: Studio, first: Heard) -> None:
    edited = await studio.sung(
        first.id,
        {"operation": "nudge_pitch", "cents": 25},
        {"operation": "set_phonemes", "note": "n5", "phonemes": "n o"},
        {"operation": "retake", "seed": 3},
    )
    assert edited.blobs[1][0] != first.blobs[1][0]
    half = await studio.sung(edited.id, {"operation": "reset", "where": "phrase 1"})
    assert half.blobs[1] == [first.blobs[1][0], edited.blobs[1][1]]
    back = await studio.sung(edited.id, {"operation": "reset"})
    assert (back.id, back.blobs) == (first.id, first.blobs)


async def test_edits_are_carried_over_to_a_score_that_changed(studio: Studio, first: Heard) -> None:
    edited = await studio.edit(
        first.id,
        {"operation": "nudge_pitch", "where": "n3", "cents": 40},
        {"operation": "move_boundary", "note": "n6", "phoneme": 0, "to_ms": -160},
        {"operation": "nudge_pitch", "where": "n5", "cents": 20},
    )
    changed = await studio.caller.call(
        "modify_score",
        {
            "score": first.result.score,
            "operations": [
                {"operation": "delete_note", "note": "n5"},
                {"operation": "change_note", "note": "n3", "pitch": "B4"},
                {"operation": "set_tempo", "quarters_per_minute": 100},
            ],
        },
    )
    again = await studio.sing(score=changed["id"], edits_of=[edited["id"]])
    assert [warning.message for warning in again.result.warnings or () if warning.code == "pin_lost"] == [
        "nudge_pitch of n5 is lost: note n5 is gone"
    ]
    np.testing.assert_allclose(cents(again), [0, 0, 40], atol=4)
    last = again.phrases[-1]
    consonant = next(place for place, phoneme in enumerate(last.phonemes) if phoneme.symbol == "ja/sh")
    onset_s = last.notes[last.phonemes[consonant].note].start_s
    assert bounds(last)[consonant] - onset_s == pytest.approx(-0.16, abs=1e-6)


@pytest.mark.parametrize(
    ("operation", "error", "words"),
    [
        ({"operation": "nudge_pitch", "where": "n99", "cents": 5}, UnknownName, "n99"),
        ({"operation": "nudge_pitch", "where": "n3-n1", "cents": 5}, InvalidRequest, "ends before it begins"),
        ({"operation": "nudge_pitch", "where": "phrase 7", "cents": 5}, UnknownName, "phrase 7"),
        ({"operation": "nudge_pitch", "where": "n1@2", "cents": 5}, UnknownName, "n1@2"),
        ({"operation": "nudge_pitch", "where": "12", "cents": 5}, UnknownName, "measure 12"),
        ({"operation": "nudge_pitch", "where": "everything", "cents": 5}, UnknownName, "everything"),
        ({"operation": "set_phonemes", "note": "n1", "phonemes": "zzz"}, InvalidLyrics, "zzz"),
        ({"operation": "set_phonemes", "note": "1", "phonemes": "a"}, InvalidRequest, "no note"),
        ({"operation": "move_boundary", "note": "n1", "phoneme": 5, "by_ms": 5}, InvalidRequest, "no phoneme 5"),
        ({"operation": "move_boundary", "note": "n1"}, InvalidRequest, "either by_ms or to_ms"),
        ({"operation": "move_boundary", "note": "n2", "by_ms": 4000}, InvalidRequest, "there is room from"),
        ({"operation": "set_speaker", "speaker": "nobody"}, UnknownName, "nobody"),
        ({"operation": "set_controls", "controls": {"volume": 1}}, UnknownName, "volume"),
        ({"operation": "set_curve", "curve": "tension", "value": 99}, InvalidRequest, "99"),
        ({"operation": "set_pitch", "where": "n1", "pitch": "H4"}, InvalidRequest, "H4"),
        ({"operation": "set_pitch", "where": "n1", "pitch": [[1, 60], [0, 61]]}, InvalidRequest, "comes before"),
    ],
)
async def test_what_cannot_be_done_is_said_and_changes_nothing(
    studio: Studio, first: Heard, operation: dict[str, Any], error: type[SingSynthError], words: str
) -> None:
    fine = {"operation": "nudge_pitch", "where": "n1", "cents": 5}
    with pytest.raises(error) as caught:
        await studio.edit(first.id, fine, operation)
    assert words in caught.value.message
    assert caught.value.message.startswith(f"Operation 2 ({operation['operation']})")
    assert caught.value.hint


async def test_edits_of_another_part_are_none_of_this_one(studio: Studio, first: Heard) -> None:
    duet = {"parts": [{"name": "A", "notes": [["A4", 1, "ら"]]}, {"name": "B", "notes": [["C5", 1, "ら"]]}]}
    score = (await studio.caller.call("parse_score", {"text": json.dumps({"language": "ja", **duet})}))["id"]
    phonemes = await studio.caller.call("phonemize", {"score": score, "part": "B"})
    arguments = {"score": score, "phonemes": phonemes["id"], "edits_of": [first.id]}
    aligned = await studio.caller.call("align_phonemes_to_notes", arguments)
    assert [warning["code"] for warning in aligned["warnings"]] == ["no_edits"]


async def test_before_durations_a_boundary_is_placed_absolutely(studio: Studio, first: Heard) -> None:
    phonemes = await studio.caller.call("phonemize", {"score": first.result.score})
    arguments = {"score": first.result.score, "phonemes": phonemes["id"]}
    aligned = await studio.caller.call("align_phonemes_to_notes", arguments)
    with pytest.raises(StageMissing, match="by_ms counts from them"):
        await studio.edit(aligned["id"], {"operation": "move_boundary", "note": "n2", "by_ms": -5})
    edited = await studio.edit(aligned["id"], {"operation": "move_boundary", "note": "n2", "to_ms": -120})
    filled = await studio.caller.call("predict_durations", {"performance": edited["id"]})
    rows = (await studio.caller.call("inspect_performance", {"performance": filled["id"], "notes": True}))["notes"]
    assert rows[1] == {"note": "n2", "pitch": "C5", "lyric": "か", "phonemes": "ja/k -120, ja/a +0"}


async def test_a_performance_keeps_what_it_was_aligned_with(studio: Studio, first: Heard) -> None:
    with pytest.raises(InvalidRequest, match="has its tempo already"):
        await studio.sing(performances=[first.id], tempo=90)
    with pytest.raises(InvalidRequest, match="no performance sings part P7"):
        await studio.sing(performances=[first.id], parts=[{"part": "P7"}])
    panned = await studio.sing(performances=[first.id], parts=[{"part": "P1", "pan": 0.5}])
    assert panned.result.channels == 2
