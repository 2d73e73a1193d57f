"""A song coached through the proxy, as a language model does it: sing, look, edit, sing again in one call."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from mcp import Client

from tests.processes import python
from tests.voicebanks.test_aviary import FOLDER

pytestmark = pytest.mark.skipif(not FOLDER.is_dir(), reason="the voice has not been made yet: make voice")
SONG = {"title": "Short", "tempo": 120, "language": "ja", "notes": [["A4", 2, "さ"], ["rest", 2], ["C5", 2, "か"]]}


async def test_sing_inspect_edit_and_sing_again() -> None:
    async with Client(python("-m", "singsynth_mcp", "proxy")) as client:

        async def call(name: str, **arguments: object) -> dict:
            result = await client.call_tool(name, arguments)
            assert not result.is_error, result.content
            assert len(json.dumps(result.structured_content)) < 4096
            return result.structured_content

        async def heard(song: dict) -> list[float]:
            audio = song["parts"][0]["audio"]
            measured = await call("inspect_performance", audio=audio, notes=True, picture=False)
            return [row["cents"] for row in measured["sung"]]

        first = await call("sing", text=json.dumps(SONG), wait_seconds=45)
        (performance,) = first["performances"]
        rows = (await call("inspect_performance", performance=performance, notes=True, picture=False))["notes"]
        assert [(row["note"], row["phonemes"].split()[0]) for row in rows] == [("n1", "ja/s"), ("n2", "AP")]
        nudge = {"operation": "nudge_pitch", "where": rows[1]["note"], "cents": -35}
        edited = await call("modify_performance", performance=performance, operations=[nudge])
        assert (edited["touched"], edited["edits"]) == ("2", 1)
        again = await call("sing", performances=[edited["id"]], output="again.wav", wait_seconds=45)
        assert Path(again["path"]).name == "again.wav"
        cents = [after - before for before, after in zip(await heard(first), await heard(again), strict=True)]
        assert cents == pytest.approx([0, -35], abs=3)
        wrong = await client.call_tool("modify_performance", {"performance": first["score"], "operations": [nudge]})
        assert wrong.structured_content["error"]["code"] == "wrong_artifact_kind"
