"""check_voicebank as a host calls it: the upstreams do the singing, the proxy's job answers in under 4 KB."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from singsynth_mcp.cpu_server.app import build_server as build_cpu
from singsynth_mcp.gpu_server.app import build_server as build_gpu
from singsynth_mcp.settings import Settings
from tests import voicebank_factory as factory
from tests.proxy.made_upstreams import client_of, proxy_over


async def test_a_host_gets_the_report_in_a_small_result(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    factory.multi(tmp_path / "multi", acoustic_inputs=(*factory.ACOUSTIC_INPUTS[:-2], "steps"))
    monkeypatch.setenv("SINGSYNTH_VOICEBANKS", str(tmp_path))
    proxy = proxy_over({"cpu": build_cpu(Settings()), "gpu": build_gpu(Settings())})
    async with client_of(proxy, "auto") as client:
        answer = await client.call_tool("check_voicebank", {"voicebank": "multi", "wait_seconds": 45})
        facts = answer.structured_content or {}
        assert facts["state"] == "done"
        assert facts["passed"]
        assert facts["inputs_fed"] > 30
        assert [row["mode"] for row in facts["probes"]] == [
            *("written notes", "pitch model", "pitch model", "range", "range")
        ]
        assert "config_contradicts_graph" in {row["code"] for row in facts["findings"]}
        assert facts["total"] >= len(facts["findings"])
        assert len(json.dumps(facts, ensure_ascii=False).encode()) < 4096
        unknown = await client.call_tool("check_voicebank", {"voicebank": "nobody"})
        assert unknown.is_error
        assert (unknown.structured_content or {})["error"]["code"] == "unknown_voicebank"
