"""A real S3 test server in a process of its own, and a wire to it that fails on demand."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

_SERVER = """
import sys
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
"""
KEYS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1"}
_REFUSAL = b"<Error><Code>SlowDown</Code><Message>later</Message></Error>"


@contextmanager
def s3_server() -> Iterator[int]:
    """Run a server and yield its port; it ends with its standard input."""
    command = [sys.executable, "-c", _SERVER]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.kill()


@dataclass
class Wire:
    """Passes requests on to a server. `lose`, `refuse` and `hold` say for how many of the next requests what happens.

    lose: the request is done, its answer is not delivered. refuse: it is not done, and answered by 503 SlowDown.
    hold: it is not done and never answered. break_off: the answer ends in its middle.
    """

    port: int
    url: str = ""
    lose: Counter[str] = field(default_factory=Counter)
    refuse: Counter[str] = field(default_factory=Counter)
    hold: Counter[str] = field(default_factory=Counter)
    break_off: Counter[str] = field(default_factory=Counter)
    seen: list[str] = field(default_factory=list)
    """"PUT /bucket/key" of each request, answered or not."""
    connections: set[asyncio.StreamWriter] = field(default_factory=set)

    def quiet(self) -> None:
        """Forget the faults to come and the requests seen."""
        for fault in (self.lose, self.refuse, self.hold, self.break_off, self.seen):
            fault.clear()

    def _is(self, fault: Counter[str], request: str) -> bool:
        for pattern, left in fault.items():
            if left > 0 and re.search(pattern, request):
                fault[pattern] -= 1
                return True
        return False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Handle one connection of a client."""
        self.connections.add(writer)
        try:
            while await self._pass_on(reader, writer):
                pass
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            self.connections.discard(writer)
            writer.close()

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        request = " ".join(head.split(" ", 2)[:2])
        if re.search(r"(?im)^expect:", head):
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        length = re.search(r"(?im)^content-length:\s*(\d+)", head)
        body = await reader.readexactly(int(length.group(1)) if length else 0)
        self.seen.append(request)
        if self._is(self.hold, request):
            await reader.read()  # until the client gives up
            return False
        if self._is(self.refuse, request):
            facts = (
                f"HTTP/1.1 503 Slow Down\r\ncontent-type: application/xml\r\ncontent-length: {len(_REFUSAL)}\r\n\r\n"
            )
            writer.write(facts.encode() + _REFUSAL)
            await writer.drain()
            return True
        answer = await self._ask(re.sub(r"(?im)^(expect|connection):.*\r\n", "", head), body)
        if self._is(self.lose, request):
            return False
        writer.write(answer[: len(answer) - 5] if self._is(self.break_off, request) else answer)
        await writer.drain()
        return False

    async def _ask(self, head: str, body: bytes) -> bytes:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(head.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n").encode("latin-1") + body)
        answer = await reader.read()
        writer.close()
        return answer


@asynccontextmanager
async def wire_to(port: int) -> AsyncIterator[Wire]:
    """Open a wire to the server at `port`."""
    wire = Wire(port)
    server = await asyncio.start_server(wire.serve, "127.0.0.1", 0)
    wire.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield wire
    finally:
        server.close()
        for connection in list(wire.connections):
            connection.close()
        await server.wait_closed()
