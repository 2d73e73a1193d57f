"""The protocol's own conformance suite against our factory's fixture, direct and behind our proxy: nothing may fail."""

from __future__ import annotations

import subprocess

import anyio
import pytest

from tests.conformance import node
from tests.processes import listening

SUITES = [
    pytest.param("conformance-stable", [], id="stable"),
    pytest.param("conformance-alpha", ["--suite", "all", "--spec-version", "2025-11-25"], id="alpha-2025-11-25"),
    pytest.param("conformance-alpha", ["--suite", "all", "--spec-version", "2026-07-28"], id="alpha-2026-07-28"),
]
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not node.is_installed(), reason="python -m tests.conformance.node installs the suite"),
]


@pytest.mark.parametrize("way", ["http", "proxy"])
@pytest.mark.parametrize(("package", "options"), SUITES)
async def test_no_scenario_fails(way, package, options, tmp_path):
    async with listening(("-m", "tests.conformance.fixture_server", way)) as (url, _):
        command = [*node.program(package, "conformance"), "server", "--url", url, "-o", str(tmp_path), *options]
        done = await anyio.run_process(command, env=node.environment(), check=False, stderr=subprocess.STDOUT)
    report = done.stdout.decode()
    summary = report[report.find("=== SUMMARY ===") :]
    assert done.returncode == 0, report[-6000:]
    assert "✗" not in summary
    assert summary.count("✓") >= 25
