"""check_voicebank over the real tools: banks of sines whose every fault is known, and what a host gets of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from singsynth_mcp.contracts.calling import OnProgress, Progress, ignore_progress
from singsynth_mcp.contracts.voicebanks import CheckVoicebankRequest, CheckVoicebankResult, FindingRow
from singsynth_mcp.errors import ToolFailed, UnknownVoicebank
from singsynth_mcp.recipes.check_voicebank import check_voicebank, shortened
from singsynth_mcp.recipes.local import LocalCaller
from singsynth_mcp.recipes.probes import melody, range_walk
from singsynth_mcp.score.played import played_part
from singsynth_mcp.score.reading import read_score
from singsynth_mcp.settings import Settings
from tests import probe_models as models
from tests import voicebank_factory as factory
from tests.voicebanks.test_survey import configure


@pytest.fixture
def banks(tmp_path: Path) -> Path:
    return tmp_path / "banks"


async def checked(banks: Path, bank: str, on_progress: OnProgress = ignore_progress) -> CheckVoicebankResult:
    caller = LocalCaller(Settings(voicebanks=(banks,), threads=1))
    return await check_voicebank(CheckVoicebankRequest(voicebank=bank), caller, on_progress)


def errors(result: CheckVoicebankResult) -> list[tuple[str, str | None]]:
    return [(row.code, row.key) for row in result.findings or () if row.level == "error"]


async def test_each_mode_is_sung_and_measured(banks: Path) -> None:
    factory.multi(banks / "multi")
    seen: list[Progress] = []

    async def on_progress(progress: Progress) -> None:
        seen.append(progress)

    result = await checked(banks, "multi", on_progress)
    assert errors(result) == []
    assert result.passed
    assert result.probes is not None
    assert [(row.mode, row.speaker) for row in result.probes] == [
        ("written notes", "solo"),
        ("pitch model", "solo"),
        ("pitch model", "choir.v2/warm"),
        ("range", "solo"),
        ("range", "choir.v2/warm"),
    ]
    written, predicted, warm, walked, _ = result.probes
    assert (written.notes, written.tracked) == (8, 8)
    assert written.cents_median is not None
    assert written.cents_median < 3
    # The pitch probe sings 0.25 expr + 0.5 retake + 0.001 steps + 0.1 spk_embed[0] semitones and more above the line.
    assert predicted.cents_median is not None
    assert predicted.cents_median > 80
    assert warm.cents_median is not None
    assert warm.cents_median == pytest.approx(predicted.cents_median - 10, abs=6)
    assert written.peak_dbfs == pytest.approx(-10.5, abs=0.3)
    assert (written.clicks, written.not_finite, written.clipped) == (16, 0, 0), "the sine is cut off by 8 consonants"
    assert {row.code for row in result.findings or () if "pitch model" in row.message} == {"out_of_tune", "clicks"}
    assert result.range is not None
    assert (result.range[0].pitch, result.range[-1].pitch) == ("A3", "E5")
    assert walked.notes == len(result.range) == 11
    assert result.inputs_fed == sum(len(model.inputs) for model in result.models or ())
    assert result.deterministic
    fractions = [progress.fraction for progress in seen]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0


async def test_a_bank_without_pitch_and_variance_models_sings_as_written(banks: Path) -> None:
    factory.plain(banks / "plain")
    result = await checked(banks, "plain")
    assert result.passed
    assert [(row.mode, row.speaker) for row in result.probes or ()] == [("written notes", None), ("range", None)]
    assert {row.code for row in result.findings or ()} >= {"no_licence", "no_range"}
    assert (result.range or [])[0].pitch == "A3"


async def test_an_input_that_nothing_supplies_fails_the_check_by_name(banks: Path) -> None:
    factory.multi(banks / "multi", acoustic_inputs=(*factory.ACOUSTIC_INPUTS, "mystery"))
    result = await checked(banks, "multi")
    assert not result.passed
    assert result.inputs_not_fed == ["acoustic.onnx: mystery"]
    assert ("input_not_fed", "mystery") in errors(result)
    assert ("invalid_voicebank", "mystery") in errors(result), "the probe says so too"
    assert result.probes == []


async def test_a_config_that_cannot_be_read_is_a_finding(banks: Path) -> None:
    bank = factory.plain(banks / "broken")
    (bank / "dsconfig.yaml").write_text("acoustic: [", encoding="utf-8")
    result = await checked(banks, "broken")
    assert not result.passed
    assert [(row.file, row.level) for row in result.findings or ()] == [("dsconfig.yaml", "error")]


async def test_every_missing_piece_is_named_at_once(banks: Path) -> None:
    bank = factory.multi(banks / "multi")
    for name in ("dspitch/pitch.onnx", "dsdur/solo.emb", "dsvocoder/sine.onnx"):
        (bank / name).unlink()
    result = await checked(banks, "multi")
    named = {row.file for row in result.findings or () if row.level == "error"}
    assert named >= {"dspitch/pitch.onnx", "dsdur/solo.emb", "dsvocoder/sine.onnx"}
    assert not result.passed


def silent_vocoder(bank: Path, value: float) -> None:
    graph = models.Graph()
    mel = graph.input("mel", models.FLOAT, [1, "n_frames", models.BINS])
    graph.input("f0", models.FLOAT, [1, "n_frames"])
    wide = graph.op("Tile", graph.channel(mel, 0), graph.constant([1, 512], "int64"))
    flat = graph.add(graph.times(wide, 0.0), graph.constant(value))
    graph.save(bank / "dsvocoder" / "sine.onnx", {"waveform": (flat, models.FLOAT, [1, "n_samples"])})


@pytest.mark.parametrize(("value", "code"), [(0.0, "faint"), (float("nan"), "synthesis_failed")])
async def test_silence_and_nan_fail_the_check(banks: Path, value: float, code: str) -> None:
    silent_vocoder(factory.plain(banks / "plain"), value)
    result = await checked(banks, "plain")
    assert code in [name for name, _ in errors(result)]
    assert not result.passed


async def test_a_vocoder_of_another_pitch_is_out_of_tune(banks: Path) -> None:
    bank = factory.plain(banks / "plain")
    models.vocoder(bank / "dsvocoder" / "sine.onnx", sample_rate=43_000)
    result = await checked(banks, "plain")
    assert not result.passed
    assert ("out_of_tune", None) in errors(result)
    assert result.probes is not None
    assert result.probes[0].cents_median == pytest.approx(43.7, abs=2)


async def test_an_unknown_bank_is_an_error_of_the_caller(banks: Path) -> None:
    with pytest.raises(UnknownVoicebank):
        await checked(banks, "nobody")


async def test_an_upstream_that_dies_is_not_the_banks_fault() -> None:
    class Dying:
        async def call(self, name: str, arguments: Mapping[str, Any], on_progress: OnProgress) -> dict[str, Any]:
            raise ToolFailed("upstream_died", "gone")

    with pytest.raises(ToolFailed, match="gone"):
        await check_voicebank(CheckVoicebankRequest(), Dying())


async def test_a_tools_result_is_short_and_keeps_the_gravest(banks: Path) -> None:
    bank = factory.multi(banks / "multi")
    configure(bank / "dsconfig.yaml", speakers=[*factory.SPEAKERS, *(f"speaker-{n}" for n in range(60))])
    whole = CheckVoicebankResult(
        voicebank="multi",
        findings=[FindingRow(level="error", code="first", message="m" * 500)]
        + [FindingRow(level="note", code=f"n{n}", message="歌" * 90) for n in range(60)],
        total=61,
        credits=["c" * 80] * 10,
    )
    short = shortened(whole)
    assert len(json.dumps(short.model_dump(exclude_none=True), ensure_ascii=False).encode()) < 4096
    assert short.total == 61
    assert (short.findings or [])[0].code == "first"
    assert len(short.findings or []) > 3


@pytest.mark.parametrize(("lowest", "highest"), [("A3", "E5"), ("C2", "C7"), ("C4", "C4"), ("F#3", "G3")])
def test_the_probes_are_scores_within_the_range(lowest: str, highest: str) -> None:
    names = ["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"]
    low, high = (12 * (int(name[-1]) + 1) + names.index(name[:-1]) for name in (lowest, highest))
    for song in (melody(["k a", "m i"], lowest, highest), range_walk("k a", lowest, highest)):
        notes = played_part(read_score(song.musicxml.encode(), "probe.musicxml"), None, None).notes
        assert len(notes) == song.notes
        assert all(low <= note.midi <= high for note in notes)
        assert all(note.lyric and note.lyric.syllables[0].startswith("la[") for note in notes)
    walked = played_part(read_score(range_walk("a", lowest, highest).musicxml.encode(), "probe.musicxml"), None, None)
    assert (walked.notes[0].midi, walked.notes[-1].midi) == (low, high)
    assert len(walked.notes) <= 16
