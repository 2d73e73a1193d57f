"""Two clients with keys of their own at one server over SSE, in both eras."""

from __future__ import annotations

import pytest
from mcp import Client
from mcp.client.sse import sse_client
from mcp.shared.exceptions import MCPError

from singsynth_mcp.serving.access.keys import add_key
from tests.processes import listening

NOTES = '{"notes": [{"pitch": "C4", "beats": 1, "lyric": "ら"}]}'


async def test_what_one_client_makes_the_other_does_not_find_over_sse(tmp_path):
    keys = tmp_path / "keys.json"
    ann, bob = [{"Authorization": f"Bearer {add_key(keys, name)}"} for name in ("ann", "bob")]
    args = ("-m", "singsynth_mcp", "cpu", "--transport", "sse", "--port", "0")
    async with listening(args, {"SINGSYNTH_KEYS": str(keys)}) as (url, _):
        for era in ("auto", "legacy"):
            async with Client(sse_client(url, headers=ann), mode=era) as client:
                made = await client.call_tool("parse_score", {"text": NOTES})
                uri = f"singsynth://artifacts/{made.structured_content['id']}"
                assert "ら" in (await client.read_resource(uri)).contents[0].text
            async with Client(sse_client(url, headers=bob), mode=era) as client:
                with pytest.raises(MCPError, match="unknown_artifact"):
                    await client.read_resource(uri)
