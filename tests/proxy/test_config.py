from __future__ import annotations

import json
import sys

import pytest
from mcp import Client

from singsynth_mcp.errors import FileProblem, InvalidRequest, UpstreamUnavailable
from singsynth_mcp.proxy.app import build_server
from singsynth_mcp.proxy.config import UpstreamSpec, own_upstreams, read_upstreams
from singsynth_mcp.proxy.upstream import Upstream
from singsynth_mcp.settings import Settings
from tests.processes import environment, listening


def write(path, document):
    path.write_text(document if isinstance(document, str) else json.dumps(document), encoding="utf-8")
    return path


def test_the_hosts_own_form_is_read(tmp_path):
    gpu = {"url": "http://gpu.lan/mcp", "transport": "sse", "headers": {"Authorization": "Bearer t"}}
    servers = {"cpu": {"command": "uvx", "args": ["singsynth-mcp", "cpu"], "env": {"A": "b"}}, "gpu": gpu}
    specs = read_upstreams(write(tmp_path / "c.json", {"mcpServers": servers}))
    assert list(specs) == ["cpu", "gpu"]
    assert specs["cpu"] == UpstreamSpec(command="uvx", args=("singsynth-mcp", "cpu"), env={"A": "b"})
    assert (specs["gpu"].transport, specs["gpu"].headers) == ("sse", {"Authorization": "Bearer t"})


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ("{", "Invalid JSON"),
        ({}, "mcpServers"),
        ({"mcpServers": {}}, "at least 1"),
        ({"mcpServers": {"a": {}}}, "either a command or a url"),
        ({"mcpServers": {"a": {"command": "x", "url": "http://y"}}}, "either a command or a url"),
        ({"mcpServers": {"A b": {"command": "x"}}}, "pattern"),
        ({"mcpServers": {"a": {"url": "http://y", "transport": "carrier pigeon"}}}, "'http' or 'sse'"),
    ],
)
def test_a_wrong_configuration_is_named(tmp_path, document, words):
    with pytest.raises(InvalidRequest, match="c.json") as error:
        read_upstreams(write(tmp_path / "c.json", document))
    assert words in error.value.message
    assert "mcpServers" in error.value.hint


TOKEN_OF_BOTH = {"headers": {"Authorization": "Bearer ${SINGSYNTH_TOKEN}"}}


def test_a_token_may_stand_in_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("SINGSYNTH_TOKEN", "sec$ret")
    servers = {"gpu": {"url": "http://gpu.lan/mcp", **TOKEN_OF_BOTH}, "other": {"url": "http://other.example/mcp"}}
    path = write(tmp_path / "c.json", {"mcpServers": servers})
    specs = read_upstreams(path)
    assert specs["gpu"].headers == {"Authorization": "Bearer sec$ret"}
    assert specs["other"].headers == {}  # an upstream gets a token only where the file says so
    monkeypatch.delenv("SINGSYNTH_TOKEN")
    with pytest.raises(InvalidRequest, match=r"'gpu' in .*c\.json name SINGSYNTH_TOKEN, which is not set"):
        read_upstreams(path)


async def test_the_proxy_sends_its_own_token_where_it_is_told_to_and_says_how_otherwise(tmp_path, monkeypatch):
    monkeypatch.setenv("SINGSYNTH_TOKEN", "secret")
    args = ("-m", "singsynth_mcp", "cpu", "--transport", "http", "--port", "0")
    async with listening(args) as (url, _):
        results = []
        for more in (TOKEN_OF_BOTH, {}, {"headers": {"Authorization": "Bearer wrong"}}):
            specs = read_upstreams(write(tmp_path / "c.json", {"mcpServers": {"cpu": {"url": url, **more}}}))
            upstream = Upstream("cpu", specs["cpu"], nobody)
            try:
                results.append(len((await upstream.listing()).tools))
            except UpstreamUnavailable as error:
                results.append(error)
            await upstream.close()
    assert results[0] > 3
    for refused in results[1:]:
        assert "refused the token (HTTP 401)" in refused.message
        assert "${SINGSYNTH_TOKEN}" in refused.hint


async def nobody(uri):
    pass


def test_a_missing_configuration_is_named(tmp_path):
    with pytest.raises(FileProblem, match="nowhere.json"):
        read_upstreams(tmp_path / "nowhere.json")


def test_with_nothing_configured_it_has_its_own_servers():
    assert {name: spec.args for name, spec in own_upstreams().items()} == {
        "cpu": ("-m", "singsynth_mcp", "cpu"),
        "gpu": ("-m", "singsynth_mcp", "gpu"),
    }


@pytest.mark.parametrize(("over_http", "allowed"), [(False, True), (True, False)])
async def test_a_host_elsewhere_reads_no_files_through_the_proxys_children(tmp_path, over_http, allowed):
    score = write(tmp_path / "score.musicxml", "<score-partwise/>")
    cpu = UpstreamSpec(command=sys.executable, args=("-m", "singsynth_mcp", "cpu"), env=environment())
    async with Client(build_server(Settings(), {"cpu": cpu}, over_http=over_http)) as client:
        result = await client.call_tool("parse_score", {"path": str(score)})
    assert (result.structured_content["error"]["code"] == "path_not_allowed") == (not allowed)
