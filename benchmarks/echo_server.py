"""The smallest server of the SDK: one tool that gives back what it is given. What benchmarks.proxy puts proxies before.

python -m benchmarks.echo_server stdio
python -m benchmarks.echo_server http PORT
"""

from __future__ import annotations

import sys

from mcp.server import MCPServer

server = MCPServer("echo", log_level="ERROR")


@server.tool()
async def echo(text: str) -> dict[str, str]:
    """Give back a text."""
    return {"text": text}


if __name__ == "__main__":
    if sys.argv[1] == "http":
        server.run("streamable-http", host="127.0.0.1", port=int(sys.argv[2]))
    else:
        server.run("stdio")
