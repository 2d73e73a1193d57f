from __future__ import annotations

import subprocess
import sys

import pytest

from tests.processes import ROOT, environment

HEAVY = ("numpy", "scipy", "onnxruntime", "soundfile", "soxr", "matplotlib", "pyopenjtalk", "music21", "torch")
LIST_TOOLS = """
import sys, anyio
from mcp import Client
from singsynth_mcp.{module} import build_server
from singsynth_mcp.settings import Settings

async def main():
    async with Client(build_server(Settings(){arguments})) as client:
        assert (await client.list_tools()).tools

anyio.run(main)
print([name for name in {heavy} if name in sys.modules])
"""


@pytest.mark.parametrize(
    ("module", "arguments"),
    [("cpu_server.app", ""), ("gpu_server.app", ""), ("proxy.app", ", {'gone': UpstreamSpec(command='/no/such')}")],
)
def test_listing_tools_loads_nothing_heavy(module, arguments):
    code = LIST_TOOLS.format(module=module, arguments=arguments, heavy=HEAVY)
    code = "from singsynth_mcp.proxy.config import UpstreamSpec\n" + code
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, env=environment(), cwd=ROOT, capture_output=True, encoding="utf-8")
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"
