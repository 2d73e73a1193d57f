"""sing goes on with performances that were edited, and keeps edits when a score is sung again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from singsynth_mcp.contracts.sing import SingRequest
from singsynth_mcp.errors import InvalidRequest
from singsynth_mcp.recipes.sing import sing
from tests.recipes.test_sing import Servers


class Performed(Servers):
    """Servers that hold performances of the parts P1, P2 …"""

    def answer(self, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        answer = super().answer(name, arguments)
        if name == "predict_durations":
            part = arguments["performance"].split("-")[1].rstrip("+")
            answer |= {"part": part, "voicebank": "aviary", "score": "score-1", "phrases": 3, "seconds": 12.0}
        return answer


async def test_performances_are_rendered_without_being_aligned_again() -> None:
    servers = Performed()
    request = {"performances": ["performance-P1", "performance-P2"], "parts": [{"part": "P2", "gain_db": -3}]}
    result = await sing(SingRequest.model_validate(request), servers)
    assert not {"parse_score", "modify_score", "phonemize", "align_phonemes_to_notes"} & set(servers.names())
    assert {given["phrases"] for given in servers.of("vocode")} == {"1-1", "2-3", "all"}
    (saved,) = servers.of("save_audio")
    assert [track["gain_db"] for track in saved["audio"]] == [0, -3]
    assert result.performances == ["performance-P1+++", "performance-P2+++"]
    assert (result.score, result.voicebank) == ("score-1", "aviary")


@pytest.mark.parametrize(
    ("choices", "words"),
    [
        ({"path": "song.mxl"}, "has its path already"),
        ({"transpose": 2, "seed": 1}, "has its seed, transpose already"),
        ({"pronunciations": {"read": "r eh d"}}, "has its pronunciations already"),
        ({"parts": [{"part": "P1", "speaker": "merlin"}]}, "has its speaker already"),
        ({"parts": [{"part": "P9"}]}, "no performance sings part P9"),
    ],
)
async def test_what_a_performance_has_decided_is_not_asked_again(choices: dict[str, Any], words: str) -> None:
    servers = Performed()
    with pytest.raises(InvalidRequest, match=words) as caught:
        await sing(SingRequest.model_validate({"performances": ["performance-P1"], **choices}), servers)
    assert caught.value.hint
    assert "vocode" not in servers.names()


async def test_edits_and_pronunciations_go_to_the_steps_that_take_them() -> None:
    servers = Servers(parts=2)
    request = {"score": "score-1", "edits_of": ["performance-9"], "pronunciations": {"read": "r eh d"}}
    await sing(SingRequest.model_validate(request), servers)
    assert [given["edits_of"] for given in servers.of("align_phonemes_to_notes")] == [["performance-9"]] * 2
    assert [given["pronunciations"] for given in servers.of("phonemize")] == [{"read": "r eh d"}] * 2
