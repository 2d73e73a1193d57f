"""Singing synthesis over the Model Context Protocol: a score with lyrics goes in, singing comes out.

from singsynth_mcp import sing

result = sing("song.musicxml", "song.wav", transpose=-2)
print(result.path, result.loudness_lufs)
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from singsynth_mcp.api import sing, sing_async
    from singsynth_mcp.errors import SingSynthError

__version__ = "0.1.0"
__all__ = ["SingSynthError", "__version__", "sing", "sing_async"]

_PLACES = {"sing": "api", "sing_async": "api", "SingSynthError": "errors"}


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for: servers import this package and must start quickly."""
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_PLACES[name]}"), name)
