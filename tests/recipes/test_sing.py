"""What `sing` asks of its caller, against a caller that answers as the servers do and notes what was asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import anyio
import pytest

from singsynth_mcp.contracts.arguments import read_arguments
from singsynth_mcp.contracts.calling import OnProgress, Progress, ignore_progress
from singsynth_mcp.contracts.sing import SingRequest
from singsynth_mcp.contracts.tools import TOOLS
from singsynth_mcp.errors import InvalidRequest, NothingToSing, SynthesisFailed, ToolFailed
from singsynth_mcp.recipes.sing import sing

GPU_STAGES = ["predict_durations", "predict_pitch", "predict_variance", "synthesize_audio", "vocode"]


class Servers:
    """Answers every tool; checks each call against the tool's own contract."""

    def __init__(self, parts: int = 1, phrases: int = 6) -> None:
        self.parts = parts
        self.phrases = phrases
        self.calls: list[tuple[str, dict[str, Any]]] = []
        self.failures: dict[str, list[Exception]] = {}
        self.running = self.most_running = 0

    async def call(
        self, name: str, arguments: Mapping[str, Any], on_progress: OnProgress = ignore_progress
    ) -> dict[str, Any]:
        read_arguments(TOOLS[name], arguments)
        self.calls.append((name, dict(arguments)))
        self.running += 1
        self.most_running = max(self.most_running, self.running)
        try:
            await on_progress(Progress(0.5, name))
            await anyio.lowlevel.checkpoint()
            if self.failures.get(name):
                raise self.failures[name].pop(0)
            return self.answer(name, arguments)
        finally:
            self.running -= 1

    def answer(self, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        match name:
            case "parse_score" | "modify_score":
                parts = [{"id": f"P{n + 1}", "sung_notes": 9, "verses": [1]} for n in range(self.parts)]
                piano = {"id": "P99", "sung_notes": 0, "verses": []}
                return {"id": f"score-{name}", "parts": [*parts, piano]}
            case "phonemize":
                return {"id": f"phonemes-{arguments['part']}"}
            case "align_phonemes_to_notes":
                warning = {"code": "out_of_range", "message": "too high", "measure": "3"}
                return {
                    "id": arguments["phonemes"].replace("phonemes", "performance"),
                    "phrases": self.phrases,
                    "seconds": 5.0 * self.phrases,
                    "warnings": [warning],
                }
            case "vocode":
                phrases = arguments["phrases"]
                return {"id": f"audio-{arguments['mel']}-{phrases}", "seconds": 4.0, "deterministic": True}
            case "save_audio":
                return {"path": "/music/song.wav", "seconds": 30.0, "format": "wav"}
            case _:
                return {"id": (arguments.get("performance") or "") + "+", "deterministic": True}

    def names(self) -> list[str]:
        return [name for name, _ in self.calls]

    def of(self, name: str) -> list[dict[str, Any]]:
        return [arguments for called, arguments in self.calls if called == name]


async def test_the_chain_runs_by_windows_and_then_whole() -> None:
    servers = Servers()
    seen: list[Progress] = []

    async def on_progress(progress: Progress) -> None:
        seen.append(progress)

    ticks = iter([10.0, 13.0])
    result = await sing(SingRequest(path="song.mxl"), servers, on_progress, clock=lambda: next(ticks))

    assert servers.names()[:3] == ["parse_score", "phonemize", "align_phonemes_to_notes"]
    assert servers.names()[-1] == "save_audio"
    assert {window["phrases"] for window in servers.of("predict_pitch")} == {"1-1", "2-3", "4-6", "all"}
    assert [name for name, given in servers.calls if given.get("phrases") == "all"] == GPU_STAGES
    assert servers.most_running <= 2
    assert result.state == "done"
    assert result.path == "/music/song.wav"
    assert result.real_time_factor == 0.1
    assert result.performances == ["performance-P1+++"]
    assert result.parts is not None
    assert result.parts[0].audio.startswith("audio-performance-P1")
    assert [warning.code for warning in result.warnings or []] == ["out_of_range"]
    fractions = [progress.fraction for progress in seen]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert len(seen[-1].ready) == 3
    assert seen[-1].ready[0].endswith("1-1")
    assert seen[-1].ready_seconds == 12.0


async def test_what_a_stage_warns_of_is_said_of_the_whole_part_and_not_of_its_windows() -> None:
    class Wary(Servers):
        def answer(self, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
            answer = super().answer(name, arguments)
            if name == "synthesize_audio":
                answer["warnings"] = [{"code": "control_not_supported", "message": f"phrases {arguments['phrases']}"}]
            return answer

    result = await sing(SingRequest(path="song.mxl"), Wary())
    assert [warning.message for warning in result.warnings or []] == ["too high", "phrases all"]


async def test_a_song_of_which_one_phrase_is_new_goes_through_the_stages_once_and_whole() -> None:
    class Known(Servers):
        def answer(self, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
            answer = super().answer(name, arguments)
            return answer | {"sung": ["1-3", "5-6"]} if name == "predict_durations" else answer

    servers = Known()
    result = await sing(SingRequest(path="song.mxl"), servers)
    assert [(name, given["phrases"]) for name, given in servers.calls if "phrases" in given] == [
        ("predict_durations", "1"),
        *((name, "all") for name in GPU_STAGES),
    ]
    assert result.parts is not None
    assert result.parts[0].audio == "audio-performance-P1++++-all"


async def test_every_part_with_lyrics_sings_and_is_mixed() -> None:
    servers = Servers(parts=3)
    result = await sing(SingRequest(text="<score/>"), servers)
    assert [given["part"] for given in servers.of("phonemize")] == ["P1", "P2", "P3"]
    assert len(servers.of("save_audio")[0]["audio"]) == 3
    assert len(result.performances or []) == 3


async def test_parts_carry_their_own_choices() -> None:
    servers = Servers(parts=2)
    request = SingRequest.model_validate(
        {
            "score": "score-1",
            "transpose": 1,
            "parts": [{"part": "P2", "speaker": "linnet", "transpose": -12, "gain_db": -3, "pan": 0.5}],
        }
    )
    await sing(request, servers)
    aligned = servers.of("align_phonemes_to_notes")
    assert [given["transpose"] for given in aligned] == [-11]
    assert aligned[0]["speaker"] == "linnet"
    assert servers.of("save_audio")[0]["audio"][0]["gain_db"] == -3


async def test_a_tempo_makes_a_new_score_first() -> None:
    servers = Servers()
    result = await sing(SingRequest(path="song.mxl", tempo=72), servers)
    operations = servers.of("modify_score")[0]["operations"]
    assert operations == [{"operation": "set_tempo", "quarters_per_minute": 72}]
    assert servers.of("phonemize")[0]["score"] == result.score == "score-modify_score"


async def test_the_level_can_be_left_as_it_is() -> None:
    servers = Servers()
    await sing(SingRequest(path="song.mxl", loudness_lufs=None), servers)
    assert servers.of("save_audio")[0]["loudness_lufs"] is None


async def test_a_stage_that_a_dying_upstream_interrupts_is_repeated_once() -> None:
    servers = Servers(phrases=1)
    died = ToolFailed("upstream_died", "upstream 'gpu' died during the call", retryable=True)
    servers.failures["vocode"] = [died]
    await sing(SingRequest(path="song.mxl"), servers)
    assert servers.names().count("vocode") == 2

    servers.failures["vocode"] = [died, died]
    with pytest.raises(ToolFailed, match="upstream_died"):
        await sing(SingRequest(path="song.mxl"), servers)


async def test_another_failure_ends_the_song_with_that_error() -> None:
    servers = Servers()
    servers.failures["vocode"] = [SynthesisFailed("phrase 2 came out as NaN")]
    with pytest.raises(SynthesisFailed, match="phrase 2"):
        await sing(SingRequest(path="song.mxl"), servers)
    assert "save_audio" not in servers.names()


async def test_contradictions_are_refused_and_say_what_to_do() -> None:
    with pytest.raises(InvalidRequest, match="part or parts"):
        await sing(SingRequest.model_validate({"path": "x", "part": "P1", "parts": [{"part": "P1"}]}), Servers())
    with pytest.raises(NothingToSing, match="set_lyrics"):
        await sing(SingRequest(path="x"), Servers(parts=0))
