"""One proxy with its own cpu and gpu servers for a whole module: bad calls come and go, the servers stay."""

from __future__ import annotations

import resource
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import mcp_types as types
import pytest
from anyio.from_thread import BlockingPortal, start_blocking_portal
from mcp import Client

from tests import voicebank_factory as factory
from tests.processes import python

_LONGEST_SECONDS = 60


@dataclass(frozen=True)
class Endpoint:
    """The merged endpoint, as a host calls it, and the folders that its servers read and write."""

    folder: Path
    client: Client
    portal: BlockingPortal

    @property
    def songs(self) -> Path:
        """The only folder that may be read."""
        return self.folder / "songs"

    @property
    def output(self) -> Path:
        return self.folder / "output"

    def song(self, name: str, data: bytes) -> str:
        """Write a file that may be read; return its path."""
        (self.songs / name).write_bytes(data)
        return str(self.songs / name)

    def call(self, tool: str, **arguments: Any) -> types.CallToolResult:
        """Call a tool and return its result, an error or not."""
        return self.within_bounds(partial(self.client.call_tool, tool, arguments))

    def done(self, tool: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool that must succeed; return its structured result."""
        result = self.call(tool, **arguments)
        assert not result.is_error, result.content
        assert result.structured_content["state"] == "done", result.structured_content
        return result.structured_content

    def refused(self, tool: str, code: str, *words: str, **arguments: Any) -> dict[str, Any]:
        """Call a tool that must refuse with `code` and `words`, in a text that is the structured error's own.

        Every error says what to do.
        """
        result = self.call(tool, **arguments)
        assert result.is_error, result.structured_content
        error = result.structured_content["error"]
        text = result.content[0].text
        assert error["code"] == code, text
        assert text == f"{code}: {error['message']}. {error['hint']}"
        assert error["hint"]
        assert "Traceback" not in text
        for word in words:
            assert word in text
        return error

    def within_bounds(self, work: Callable[[], Any]) -> Any:
        """Run async work where the client lives."""

        async def bounded() -> Any:
            with anyio.fail_after(_LONGEST_SECONDS):
                return await work()

        return self.portal.call(bounded)

    def leftovers(self) -> list[str]:
        """Return the temporary files that lie about in what the servers write."""
        files = [path for path in self.folder.rglob("*") if path.is_file()]
        return [str(path) for path in files if path.name.startswith(".") or path.suffix in (".part", ".tmp")]

    def limit_files(self, size: int = resource.RLIM_INFINITY) -> None:
        """Let the cpu and gpu servers write no file larger than `size` bytes: a disk with as little room left."""
        for child in _children("self"):
            for server in _children(child):
                _, hard = resource.prlimit(int(server), resource.RLIMIT_FSIZE)
                resource.prlimit(int(server), resource.RLIMIT_FSIZE, (size, hard))


def _children(process: str) -> list[str]:
    children: list[str] = []
    for task in Path(f"/proc/{process}/task").iterdir():
        with suppress(FileNotFoundError):  # a thread that has ended meanwhile
            children += (task / "children").read_text(encoding="ascii").split()
    return children


@pytest.fixture(scope="module")
def endpoint(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Endpoint]:
    folder = tmp_path_factory.mktemp("endpoint")
    (folder / "songs").mkdir()
    factory.multi(folder / "banks" / "sine")
    environment = {
        "SINGSYNTH_CACHE": str(folder / "cache"),
        "SINGSYNTH_ARTIFACTS": str(folder / "store"),
        "SINGSYNTH_OUTPUT": str(folder / "output"),
        "SINGSYNTH_ROOTS": str(folder / "songs"),
        "SINGSYNTH_VOICEBANKS": str(folder / "banks"),
        "SINGSYNTH_DEFAULT_VOICEBANK": "sine",
    }
    client = Client(python("-m", "singsynth_mcp", "proxy", env=environment))
    with start_blocking_portal() as portal, portal.wrap_async_context_manager(client):
        yield Endpoint(folder, client, portal)
