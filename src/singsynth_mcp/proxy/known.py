"""The last-known lists of the upstreams, on disk: a restarted proxy answers tools/list at once."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Mapping
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from singsynth_mcp import __version__
from singsynth_mcp.artifacts.base import memo_key
from singsynth_mcp.proxy.config import UpstreamSpec
from singsynth_mcp.proxy.merge import Listing

logger = logging.getLogger(__name__)
_LISTINGS = TypeAdapter(dict[str, Listing])


class KnownLists:
    """One file for one configuration of this version of the package."""

    def __init__(self, cache: Path, specs: Mapping[str, UpstreamSpec]) -> None:
        facts = {
            name: [spec.command, list(spec.args), spec.url, spec.transport, *spec.urls] for name, spec in specs.items()
        }
        self._path = cache / "proxy" / f"{memo_key(__version__, facts)[:16]}.json"
        self._names = set(specs)

    def load(self) -> dict[str, Listing]:
        """Return what is known; empty where nothing is, or where it cannot be read."""
        try:
            return _LISTINGS.validate_json(self._path.read_bytes())
        except FileNotFoundError:
            return {}
        except (OSError, ValidationError) as error:
            logger.warning("the last-known lists in %s cannot be read: %s", self._path, error)
            return {}

    def save(self, listings: Mapping[str, Listing]) -> None:
        """Keep what is known; a cache that cannot be written is only logged."""
        data = _LISTINGS.dump_json(dict(listings), by_alias=True, exclude_none=True)
        temporary = None
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with tempfile.NamedTemporaryFile(dir=self._path.parent, delete=False) as file:
                temporary = Path(file.name)
                file.write(data)
            temporary.replace(self._path)
        except OSError as error:
            if temporary is not None:
                temporary.unlink(missing_ok=True)
            logger.warning("the last-known lists cannot be kept in %s: %s", self._path, error)
