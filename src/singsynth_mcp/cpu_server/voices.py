"""The voicebank that a call names: of this machine, else its text files as another server has sent them."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from anyio import to_thread

from singsynth_mcp.artifacts.base import Manifest
from singsynth_mcp.artifacts.ids import is_sha256
from singsynth_mcp.artifacts.texts import find_texts, text_paths
from singsynth_mcp.cpu_server.services import CpuServices
from singsynth_mcp.errors import ArtifactError, InvalidVoicebank, StorageProblem, UnknownVoicebank

if TYPE_CHECKING:
    from singsynth_mcp.voicebanks import Voicebank

_MOST_BYTES = 64 * 2**20


async def voicebank_of(wanted: str | None, services: CpuServices) -> Voicebank:
    """Return a voicebank, the default one for None, of which no more than the text files may be here.

    Raises UnknownVoicebank, InvalidVoicebank; ArtifactsMissing where not all texts are here, StorageProblem.
    """
    from singsynth_mcp.voicebanks import get_voicebank

    voicebank_id, folders = wanted or services.settings.default_voicebank, services.settings.voicebank_folders
    try:
        return await to_thread.run_sync(get_voicebank, voicebank_id, folders)
    except UnknownVoicebank:
        sent = await _sent_folder(voicebank_id, services)
        if sent is None:
            raise
    return await to_thread.run_sync(get_voicebank, voicebank_id, (*folders, sent.parent))


async def _sent_folder(voicebank_id: str, services: CpuServices) -> Path | None:
    """Return the folder with a voicebank's texts, filled now where it is not there yet."""
    try:
        manifest = await find_texts(services.store, voicebank_id)
    except ArtifactError:
        return None
    if manifest is None or Path(voicebank_id).name != voicebank_id or voicebank_id.startswith("."):
        return None
    digest = str(manifest.header.get("digest"))
    folder = services.settings.cache / "voicebank_texts" / digest / voicebank_id
    if not is_sha256(digest) or folder.is_dir():
        return folder if is_sha256(digest) else None
    paths = text_paths(manifest)
    if paths is None:
        raise InvalidVoicebank(f"the texts of voicebank {voicebank_id} name files outside of it")
    blobs = await _blobs(manifest, voicebank_id, services)
    files = {str(path): data for path, data in zip(paths, blobs, strict=True)}
    await to_thread.run_sync(_write, folder, files)
    return folder


async def _blobs(manifest: Manifest, voicebank_id: str, services: CpuServices) -> list[bytes]:
    blobs, size = [], 0
    for entry in manifest.entries:
        blobs.append(await services.store.get_blob(entry.blob))
        size += len(blobs[-1])
        if size > _MOST_BYTES:
            raise InvalidVoicebank(f"voicebank {voicebank_id} has more than {_MOST_BYTES >> 20} MB of texts")
    return blobs


def _write(folder: Path, files: dict[str, bytes]) -> None:
    """Make the folder with all its files, or not at all. Raises InvalidVoicebank for others than were announced."""
    from singsynth_mcp.voicebanks.files import text_digest, text_files

    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent.parent, prefix=".new-") as temporary:
            made = Path(temporary, folder.name)
            for name, data in files.items():
                path = made / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
            if len(list(text_files(made))) != len(files) or text_digest(made) != folder.parent.name:
                raise InvalidVoicebank(f"the texts of voicebank {folder.name} are not those that were announced")
            if not folder.exists():
                shutil.move(made, folder)
    except OSError as error:
        raise StorageProblem(
            f"cannot write to {folder.parent}: {error.strerror}",
            hint="Free space, or point SINGSYNTH_CACHE at a writable folder.",
        ) from error
