"""save_audio."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from anyio import from_thread, to_thread

from singsynth_mcp.artifacts.base import ArtifactStore, Entry, Manifest, memo_key
from singsynth_mcp.contracts.audio import MixTrack, SaveAudioRequest, SavedAudioResult
from singsynth_mcp.contracts.calling import Progress
from singsynth_mcp.contracts.common import PassedOver
from singsynth_mcp.cpu_server.levels import known_levels
from singsynth_mcp.cpu_server.outputs import delivered, output_format, output_path
from singsynth_mcp.cpu_server.reading import OnDemand, read_audio, run_on_loop, song_title, with_portal
from singsynth_mcp.cpu_server.services import CpuServices
from singsynth_mcp.errors import InvalidRequest

if TYPE_CHECKING:
    from anyio.from_thread import BlockingPortal

    from singsynth_mcp.media.mastering import Master, PlacedLevels
    from singsynth_mcp.media.mixing import Mix

BASE64_LIMIT_BYTES = 500_000
_OFF_TARGET_LU = 1.0
_PERCENT_STEP = 5


async def save_audio(request: SaveAudioRequest, services: CpuServices) -> SavedAudioResult:
    """Write an audio, or a mix of several, to a file.

    Raises InvalidRequest, PathNotAllowed, FileProblem, UnknownArtifact, WrongArtifactKind, StorageProblem.
    """
    from singsynth_mcp.media.encoding import FORMATS

    tracks = [MixTrack(audio=request.audio)] if isinstance(request.audio, str) else request.audio
    manifests = await _manifests(tracks, services.store)
    format = output_format(request.output, request.format, FORMATS, "wav")
    title = await song_title(manifests[0], services.store) or manifests[0].id
    facts = request.model_dump(mode="json", include={"audio", "loudness_lufs"})
    path = output_path(request.output, format, f"{title}-{memo_key(facts)[:8]}", services)
    levels = await known_levels(manifests[0], services.store) if len(manifests) == 1 else ()

    def save(portal: BlockingPortal) -> tuple[Mix, Master]:
        from singsynth_mcp.media.mastering import save_mix

        mix = _mix(tracks, manifests, services.store, portal, levels)
        report = _Reporter(services, 2 * mix.seconds * mix.sample_rate)
        return mix, save_mix(
            mix, path, format=format, loudness_lufs=request.loudness_lufs, on_samples=report, levels=levels
        )

    mix, master = await with_portal(save)
    size = path.stat().st_size
    embed = request.include_base64 and size <= BASE64_LIMIT_BYTES
    return SavedAudioResult(
        id=request.audio if isinstance(request.audio, str) else None,
        path=str(path),
        **await delivered(path, services),
        format=format,
        seconds=round(master.samples / mix.sample_rate, 3),
        lead_seconds=round(mix.lead_seconds, 6),
        sample_rate=mix.sample_rate,
        channels=mix.channels,
        bytes=size,
        peak_dbfs=round(master.peak_dbfs, 2),
        loudness_lufs=None if master.loudness_lufs is None else round(master.loudness_lufs, 2),
        credits=_credits(manifests),
        base64=await to_thread.run_sync(_base64, path) if embed else None,
        warnings=_warnings(request, master, size) or None,
    )


async def _manifests(tracks: Sequence[MixTrack], store: ArtifactStore) -> list[Manifest]:
    if not tracks:
        raise InvalidRequest("audio is an empty list", hint="Pass an audio id from vocode, or several to mix.")
    manifests = [await store.get(track.audio, "audio") for track in tracks]
    for track, manifest in zip(tracks, manifests, strict=True):
        if not manifest.entries:
            raise InvalidRequest(
                f"{track.audio} holds no phrase", hint="Call vocode with phrases that were synthesized."
            )
    return manifests


def _mix(
    tracks: Sequence[MixTrack],
    manifests: Sequence[Manifest],
    store: ArtifactStore,
    portal: BlockingPortal,
    levels: Sequence[PlacedLevels],
) -> Mix:
    from singsynth_mcp.media.mixing import Mix, PlacedPhrase, Track

    async def read(entry: Entry) -> PlacedPhrase:
        return PlacedPhrase(entry.start_seconds, await read_audio(store, entry))

    return Mix.of(
        [
            Track(
                OnDemand(manifest.entries, partial(portal.start_task_soon, read)),
                gain_db=track.gain_db,
                pan=track.pan,
                offset_seconds=track.offset_seconds,
            )
            for track, manifest in zip(tracks, manifests, strict=True)
        ],
        levels,
    )


class _Reporter:
    """Turns samples done into progress, twenty reports at most, and stops the work when it is cancelled."""

    def __init__(self, services: CpuServices, samples: float) -> None:
        self._on_progress = services.on_progress
        self._samples = samples
        self._percent = 0

    def __call__(self, samples: int) -> None:
        from_thread.check_cancelled()
        percent = min(100, int(100 * samples / self._samples))
        if percent >= self._percent + _PERCENT_STEP or percent >= 99 > self._percent:
            self._percent = percent
            run_on_loop(self._on_progress, Progress(percent / 100, "save_audio"))


def _credits(manifests: Sequence[Manifest]) -> list[str]:
    return list(dict.fromkeys(line for manifest in manifests for line in manifest.header.get("credits", ())))


def _base64(path: Path) -> str:
    import base64

    return base64.b64encode(path.read_bytes()).decode()


def _warnings(request: SaveAudioRequest, master: Master, size: int) -> list[PassedOver]:
    warnings = []
    if master.loudness_lufs is None:
        warnings.append(PassedOver(code="silent", message="Nothing is to be heard: the level was left as it is"))
    elif request.loudness_lufs is None and master.limited:
        warnings.append(PassedOver(code="limited", message="What would have clipped was turned down to -1 dBTP"))
    elif request.loudness_lufs is not None and master.loudness_lufs < request.loudness_lufs - _OFF_TARGET_LU:
        message = f"Peaks at -1 dBTP leave {master.loudness_lufs:.1f} LUFS instead of {request.loudness_lufs:g}"
        warnings.append(PassedOver(code="quieter_than_asked", message=message))
    if request.include_base64 and size > BASE64_LIMIT_BYTES:
        message = f"{size} bytes are too many to return inside the result (limit {BASE64_LIMIT_BYTES}): use path or url"
        warnings.append(PassedOver(code="no_base64", message=message))
    return warnings
