"""`python -m singsynth_mcp` is the `singsynth-mcp` command."""

from __future__ import annotations

from singsynth_mcp.cli import main

if __name__ == "__main__":
    main()
