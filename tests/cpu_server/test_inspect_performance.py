from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from singsynth_mcp.artifacts.base import Manifest
from singsynth_mcp.artifacts.folder import FolderStore
from singsynth_mcp.errors import InvalidRequest, UnknownArtifact, WrongArtifactKind
from singsynth_mcp.recipes.local import LocalCaller
from singsynth_mcp.settings import Settings
from tests.voicebank_factory import multi

SCORES = Path(__file__).parent.parent / "scores"
STAGES = ("predict_durations", "predict_pitch", "predict_variance")


class Singing:
    """A song taken through the tools, with every stage's id."""

    def __init__(self, folder: Path) -> None:
        multi(folder / "banks" / "multi")
        self.settings = Settings(
            voicebanks=(folder / "banks",),
            default_voicebank="multi",
            artifacts=folder / "artifacts",
            output=folder / "music",
            threads=1,
        )
        self.caller = LocalCaller(self.settings, readable=(SCORES,))

    async def call(self, tool: str, **arguments: Any) -> dict[str, Any]:
        return await self.caller.call(tool, arguments)

    async def inspect(self, **arguments: Any) -> dict[str, Any]:
        return await self.call("inspect_performance", **arguments)

    async def sing(self, score: str) -> dict[str, str]:
        ids = {"score": (await self.call("parse_score", path=str(SCORES / score)))["id"]}
        phonemes = (await self.call("phonemize", score=ids["score"]))["id"]
        aligned = await self.call("align_phonemes_to_notes", score=ids["score"], phonemes=phonemes)
        ids["aligned"] = performance = aligned["id"]
        for stage in STAGES:
            performance = (await self.call(stage, performance=performance))["id"]
        ids["performance"] = performance
        ids["mel"] = (await self.call("synthesize_audio", performance=performance))["id"]
        ids["audio"] = (await self.call("vocode", mel=ids["mel"]))["id"]
        return ids


@pytest.fixture
def singing(tmp_path: Path) -> Singing:
    return Singing(tmp_path)


def picture(result: dict[str, Any]) -> tuple[int, int]:
    with Image.open(result["picture"]) as image:
        assert image.format == "PNG"
        return image.size


async def test_every_stage_shows_what_it_has(singing: Singing) -> None:
    ids = await singing.sing("09-ja-usagi.musicxml")

    result = await singing.inspect(performance=ids["aligned"])
    assert result["measures"]["notes"] == 13
    assert "consonant_median_ms" not in result["measures"]
    assert result["phrases"][0]["lyrics"].startswith("うさぎ")
    assert (result["phrases"][0]["lowest"], result["phrases"][0]["highest"]) == ("E4", "B4")
    plain = picture(result)

    result = await singing.inspect(performance=ids["performance"])
    measures = result["measures"]
    assert measures["vowel_start_error_max_ms"] < 0.001
    # the probe bank adds 0.5 for retake, 0.25 for expr, 0.1 for its speaker and a little for each phoneme
    assert measures["pitch_median_cents"] == pytest.approx(93, abs=3)
    assert measures["notes_within_20_cents_percent"] == 0
    assert 63 < measures["pitch_lowest_midi"] < measures["pitch_highest_midi"] < 73
    assert picture(result)[1] > plain[1], "the phonemes have their own panel"

    result = await singing.inspect(mel=ids["mel"])
    assert result["measures"]["mel_values_not_finite"] == 0
    assert result["measures"]["notes"] == 13, "the mel's performance is shown with it"

    result = await singing.inspect(audio=ids["audio"])
    measures = result["measures"]
    assert measures["clipped_samples"] == measures["samples_not_finite"] == 0
    assert measures["clicks"] > 10, "the probe bank's sine starts and stops at once"
    assert -60 < measures["loudness_lufs"] < measures["peak_dbfs"] <= 0
    assert result["seconds"] == pytest.approx(12, abs=1)
    assert picture(result)[0] >= 1000
    assert len(json.dumps(result)) < 4096


async def test_the_picture_is_a_file_and_an_artifact(singing: Singing) -> None:
    ids = await singing.sing("09-ja-usagi.musicxml")
    first = await singing.inspect(audio=ids["audio"])
    path = Path(first["picture"])
    assert path.parent == singing.settings.output
    store = FolderStore.from_settings(singing.settings)
    manifest = await store.get(first["id"], "picture")
    assert await store.get_blob(manifest.entries[0].blob) == path.read_bytes()
    assert path.stat().st_size < 500_000
    assert await singing.inspect(audio=ids["audio"]) == first
    without = await singing.inspect(audio=ids["audio"], picture=False)
    assert "picture" not in without
    assert without["measures"] == first["measures"]


async def test_a_long_song_answers_with_a_window(singing: Singing) -> None:
    ids = await singing.sing("ja-kasa-to-posuto.musicxml")
    result = await singing.inspect(performance=ids["performance"], picture=False)
    assert len(json.dumps(result)) < 4096
    total = result["total"]
    assert total > 3
    part = await singing.inspect(audio=ids["audio"], phrases=f"2-{total}")
    assert part["phrases"][0]["phrase"] == 2
    assert part["measures"]["notes"] < result["measures"]["notes"]
    start, stop = part["measures"]["picture_from_s"], part["measures"]["picture_to_s"]
    assert result["phrases"][1]["start_seconds"] - 0.6 < start < result["phrases"][1]["start_seconds"]
    ends = [row["start_seconds"] + row["seconds"] for row in part["phrases"]]
    assert stop - start <= 16
    assert min(abs(stop - end) for end in ends) < 0.3, "the picture ends with a phrase"
    one = await singing.inspect(performance=ids["performance"], phrases="3", picture=False)
    assert [row["phrase"] for row in one["phrases"]] == [3]
    with pytest.raises(InvalidRequest, match=f"not within 1-{total}"):
        await singing.inspect(audio=ids["audio"], phrases=f"2-{total + 1}")


async def test_an_audio_outlives_its_performance(singing: Singing) -> None:
    ids = await singing.sing("09-ja-usagi.musicxml")
    store = FolderStore.from_settings(singing.settings)
    audio = await store.get(ids["audio"])
    gone = {"mel": "mel-000000000000", "performance": "performance-000000000000"}
    alone = await store.put(Manifest("audio", {**audio.header, **gone}, audio.entries))
    result = await singing.inspect(audio=alone)
    assert "phrases" not in result
    assert "notes" not in result["measures"]
    assert result["measures"]["peak_dbfs"] < 0
    picture(result)


async def test_what_cannot_be_inspected(singing: Singing) -> None:
    with pytest.raises(InvalidRequest, match="nothing to inspect"):
        await singing.inspect()
    with pytest.raises(UnknownArtifact):
        await singing.inspect(audio="audio-000000000000")
    with pytest.raises(WrongArtifactKind):
        await singing.inspect(performance="audio-000000000000")


async def test_each_note_is_measured_as_it_was_sung(singing: Singing) -> None:
    ids = await singing.sing("09-ja-usagi.musicxml")
    result = await singing.inspect(audio=ids["audio"], picture=False, notes=True)
    rows = result["sung"]
    assert len(rows) == 13
    assert rows[0]["pitch"] == "E4"
    # what the probe bank's pitch model adds, heard again in the audio
    assert [row["cents"] for row in rows] == pytest.approx([93] * 13, abs=15)
    assert all(-20 < row["level_db"] < 0 for row in rows)
    assert [row["seconds"] for row in rows] == sorted(row["seconds"] for row in rows)
    assert any("onset_ms" in row for row in rows)
    assert len(json.dumps(result)) < 4096
    assert "sung" not in await singing.inspect(audio=ids["audio"], picture=False)
