"""Two cpu servers over one Redis and one store."""

from __future__ import annotations

from pathlib import Path

from mcp import Client

from singsynth_mcp.cpu_server.app import build_server
from singsynth_mcp.settings import Settings
from tests.redis_server import redis_server

SONG = '{"notes": [["C4", 1, "la"], ["D4", 1, "la"]]}'


async def test_what_one_server_was_asked_to_write_is_known_at_the_other(tmp_path):
    async with redis_server() as redis:
        settings = Settings(redis=redis.url, artifacts=tmp_path / "store", output=tmp_path / "out")
        servers = [build_server(settings, over_http=True) for _ in range(2)]
        async with Client(servers[0]) as taker, Client(servers[1]) as other:
            score = (await taker.call_tool("parse_score", {"text": SONG})).structured_content["id"]
            arguments = {"score": score, "format": "midi", "wait_seconds": 0}
            told = (await taker.call_tool("export", arguments)).structured_content
            job_id = told["job_id"]
            done = (await other.call_tool("get_job", {"job_id": job_id, "wait_seconds": 20})).structured_content
            listed = (await other.call_tool("list_jobs", {})).structured_content["jobs"]
    assert job_id.startswith("cpu-")
    assert done["state"] == "done"
    assert Path(done["result"]["path"]).read_bytes().startswith(b"MThd")
    assert [(row["job_id"], row["state"]) for row in listed] == [(job_id, "done")]
