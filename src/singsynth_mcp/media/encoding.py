"""Audio files: WAV and FLAC (24 bit), MP3, OGG Vorbis, complete or not at all; all but WAV through libsndfile."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from singsynth_mcp.errors import InvalidRequest, StorageProblem
from singsynth_mcp.media.wav import WavWriter

if TYPE_CHECKING:
    import numpy.typing as npt

FORMATS: dict[str, tuple[str, str]] = {
    "wav": ("WAV", "PCM_24"),
    "flac": ("FLAC", "PCM_24"),
    "mp3": ("MP3", "MPEG_LAYER_III"),
    "ogg": ("OGG", "VORBIS"),
}
"""Our name, also the file's extension → libsndfile's format and subtype."""


_BUFFER_BYTES = 2**20
"""libsndfile writes pieces of 8 KB."""


def write_audio(path: Path, blocks: Iterable[npt.NDArray[Any]], *, sample_rate: int, channels: int, format: str) -> int:
    """Write blocks (float32 [≤ 65 536, channels], -1…1) to `path` and return the samples written.

    The file appears under its name when it is complete; an error or a cancellation on the way leaves nothing behind.

    Raises StorageProblem: a full disk or a folder that cannot be written.
    Raises InvalidRequest: a sample rate that the format does not have.
    """
    with replacing(path) as file:
        if format == "wav":
            return _write_wav(file, blocks, sample_rate=sample_rate, channels=channels)
        return _write_by_libsndfile(file, blocks, sample_rate=sample_rate, channels=channels, format=format)


def _write_wav(file: BinaryIO, blocks: Iterable[npt.NDArray[Any]], *, sample_rate: int, channels: int) -> int:
    """Pack each block where it was mixed: between threads it waits longer for the interpreter than packing takes."""
    wav = WavWriter(file, sample_rate, channels)
    samples = 0
    for block in blocks:
        wav.write(block)
        samples += len(block)
    wav.finish()
    return samples


def _write_by_libsndfile(
    file: BinaryIO, blocks: Iterable[npt.NDArray[Any]], *, sample_rate: int, channels: int, format: str
) -> int:
    import soundfile

    container, subtype = FORMATS[format]
    sink = _Sink(file)
    samples = 0
    try:
        with soundfile.SoundFile(
            sink, "w", samplerate=sample_rate, channels=channels, format=container, subtype=subtype
        ) as encoder:
            samples = _encode(encoder.write, blocks)
    except (soundfile.LibsndfileError, AssertionError) as error:
        # soundfile asserts that libsndfile took every sample; a sink that failed takes none.
        if sink.error is None:
            raise InvalidRequest(
                f"{format} cannot hold {channels} channel(s) at {sample_rate} Hz ({error})",
                hint="Save as wav or flac.",
            ) from error
    if sink.error is not None:
        raise sink.error
    return samples


def _encode(write: Callable[[npt.NDArray[Any]], None], blocks: Iterable[npt.NDArray[Any]]) -> int:
    """Encode each block in a thread of its own while the next is mixed; return the samples."""
    samples = 0
    encoded: Future[None] | None = None
    with ThreadPoolExecutor(1) as encoding:
        for block in blocks:
            if encoded is not None:
                encoded.result()
            encoded = encoding.submit(write, block)
            samples += len(block)
        if encoded is not None:
            encoded.result()
    return samples


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a temporary file beside `path` that takes its name at the end, or vanishes on any error.

    Raises StorageProblem: with the path and the system's reason.
    """
    temporary = path.with_name(f".{secrets.token_hex(8)}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with temporary.open("xb", buffering=_BUFFER_BYTES) as file:
            yield file
        temporary.replace(path)
    except OSError as error:
        raise _storage_problem(path, error) from error
    finally:
        with suppress(OSError):
            temporary.unlink()


class _Sink:
    """A file for libsndfile that keeps the system's error: in a C callback an exception would be lost."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.error: OSError | None = None

    def write(self, data: bytes) -> int:
        try:
            return self._file.write(data)
        except OSError as error:
            self.error = self.error or error
            return 0

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        try:
            return self._file.seek(offset, whence)
        except OSError as error:  # seeking flushes what is buffered
            self.error = self.error or error
            return -1

    def tell(self) -> int:
        return self._file.tell()

    def read(self, size: int) -> bytes:
        return b""


def _storage_problem(path: Path, error: OSError) -> StorageProblem:
    if isinstance(error, FileExistsError | NotADirectoryError):
        message = f"{path} could not be written: a folder on the way to it is a file"
        return StorageProblem(message, hint="Choose another `output`, or point SINGSYNTH_OUTPUT at a folder.")
    return StorageProblem(
        f"{path} could not be written: {error.strerror or error}",
        hint="Free some space, or choose another folder with `output` or SINGSYNTH_OUTPUT.",
        path=str(path),
    )
