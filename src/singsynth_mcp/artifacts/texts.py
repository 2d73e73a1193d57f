"""A voicebank's text files as an artifact: what a server without the voicebank needs to put phonemes on notes."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePosixPath

from singsynth_mcp.artifacts.base import ArtifactStore, Entry, Manifest, memo_key

_MOST_FILES = 2000


async def store_texts(store: ArtifactStore, voicebank: str, digest: str, files: Mapping[str, bytes]) -> str:
    """Store text files by their paths in the voicebank's folder; return the artifact's id. Raises StorageProblem."""
    entries = [Entry(0.0, await store.put_blob(data)) for data in files.values()]
    header = {"voicebank": voicebank, "digest": digest, "files": list(files)}
    return await store.put(Manifest("voicebank", header, tuple(entries)))


async def announce_texts(store: ArtifactStore, manifest: Manifest) -> None:
    """Let the texts be found by the voicebank's id, now that their manifest is there."""
    await store.remember(_key(str(manifest.header.get("voicebank"))), manifest.id)


async def find_texts(store: ArtifactStore, voicebank: str) -> Manifest | None:
    """Return the texts that were announced last for a voicebank; None where there are none. Raises UnknownArtifact."""
    known = await store.recall(_key(voicebank))
    return None if known is None else await store.get(known, "voicebank")


def text_paths(manifest: Manifest) -> list[PurePosixPath] | None:
    """Return the files' paths below a folder; None where one would leave it, or something is missing."""
    names = manifest.header.get("files")
    if not isinstance(names, list) or len(names) != len(manifest.entries) or len(names) > _MOST_FILES:
        return None
    paths = [PurePosixPath(str(name)) for name in names]
    sound = all(
        path.parts and not path.is_absolute() and ".." not in path.parts and not set("\\:\0") & set(str(path))
        for path in paths
    )
    return paths if sound and len(set(paths)) == len(paths) else None


def _key(voicebank: str) -> str:
    return memo_key("voicebank texts", voicebank)
