"""The commands of singsynth-mcp: argument handling and printing only, one file a command.

A host starts `singsynth-mcp` (or `proxy`, `cpu`, `gpu`) on a pipe and waits for its first answer, so that way leads
straight to the server; cyclopts and rich are imported for every other command line only.
"""

from __future__ import annotations

import sys

_SERVERS = ("proxy", "cpu", "gpu")


def main() -> None:
    """Run the command line and leave with its exit code: 0, 1 for an error, 2 for wrong usage, 130 for Ctrl-C."""
    try:
        code = _run(sys.argv[1:])
    except Exception as error:
        from singsynth_mcp.cli.failures import report

        code = report(error)
    except KeyboardInterrupt:
        code = 130
    sys.exit(code)


def _run(arguments: list[str]) -> int:
    server = _stdio_server(arguments)
    if server is None:
        from singsynth_mcp.cli.commands import run_command

        return run_command(arguments)
    from singsynth_mcp.cli.serve import serve

    serve(server)
    return 0


def _stdio_server(arguments: list[str]) -> str | None:
    """Return which server a plain command line asks for over stdio, or None for every other command line."""
    if not arguments:
        return None if sys.stdin is None or sys.stdin.isatty() else "proxy"
    name, *rest = arguments
    return name if name in _SERVERS and rest in ([], ["--transport", "stdio"]) else None
