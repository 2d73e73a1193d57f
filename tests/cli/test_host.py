"""What install wrote, started as a host starts it: a bare environment, a pipe, the first list of tools."""

from __future__ import annotations

import json
from pathlib import Path

from mcp import Client
from mcp.client.stdio import StdioServerParameters

from singsynth_mcp.contracts.tools import TOOLS
from tests.cli.conftest import Run


async def test_a_host_finds_every_tool_behind_the_installed_command(run: Run, home: Path, tmp_path: Path) -> None:
    run("install", "claude-desktop")
    config = json.loads((home / ".config" / "Claude" / "claude_desktop_config.json").read_text(encoding="utf-8"))
    entry = config["mcpServers"]["singsynth"]
    bare = {"HOME": str(home), "PATH": "/usr/bin:/bin", "SINGSYNTH_CACHE": str(tmp_path / "cache")}
    host = StdioServerParameters(command=entry["command"], args=entry.get("args", []), env=bare, cwd=tmp_path)
    async with Client(host) as client:
        listed = {tool.name for tool in (await client.list_tools()).tools}
        parsed = await client.call_tool("parse_score", {"text": "not a score"})
    assert listed == set(TOOLS)
    assert parsed.is_error
