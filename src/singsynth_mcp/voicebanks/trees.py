"""What voicebanks are installed from: a folder or a zip archive as a bounded tree of files."""

from __future__ import annotations

import os
import shutil
import stat
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol, cast

from singsynth_mcp.errors import FileProblem, InvalidVoicebank, StorageProblem
from singsynth_mcp.voicebanks.entry_names import Parts, check_distinct, checked_parts, entry_names

MOST_FILES = 20_000
MOST_BYTES = 8 * 2**30
"""Unpacked, of an archive and those inside it together; the largest known bank has 0.6 GB."""
LARGEST_FILE = 2 * 2**30
"""An ONNX file cannot be larger."""
MOST_RATIO = 200
"""Unpacked to packed, of files from a megabyte on; a dictionary of 27 MB packs by 12."""
_RATIO_FROM = 2**20
_BLOCK = 2**20
_LITTER = ("__MACOSX", ".DS_Store", "Thumbs.db", "desktop.ini")
_AGAIN = "Get it again from the voicebank's author."
BROKEN = (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError, ValueError)
"""What reading a damaged zip raises, beside OSError."""


class Tree(Protocol):
    """Files by their path parts, with their sizes in bytes."""

    name: str
    """What errors call it."""
    files: Mapping[Parts, int]

    def open(self, parts: Parts) -> BinaryIO:
        """Open a file for reading; never yields more than its stated size."""


def read_start(tree: Tree, parts: Parts, most_bytes: int) -> bytes:
    """Return the first bytes of a file. Raises InvalidVoicebank when it is damaged or cannot be read."""
    try:
        with tree.open(parts) as stream:
            return stream.read(most_bytes)
    except OSError as error:
        raise _damaged(tree, parts, error.strerror or str(error)) from error
    except BROKEN as error:
        raise _damaged(tree, parts, str(error)) from error


def copy_file(tree: Tree, parts: Parts, target: Path) -> None:
    """Write a file to a new place. Raises InvalidVoicebank when it is damaged, StorageProblem when the disk is full."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tree.open(parts) as source, target.open("xb") as file:
            shutil.copyfileobj(source, file, _BLOCK)
            written = file.tell()
    except OSError as error:
        raise StorageProblem(f"cannot write {target}: {error.strerror or error}", path=str(target)) from error
    except BROKEN as error:
        raise _damaged(tree, parts, str(error)) from error
    if written != tree.files[parts]:
        raise _damaged(tree, parts, f"{written} bytes instead of {tree.files[parts]}")


def _damaged(tree: Tree, parts: Parts, why: str) -> InvalidVoicebank:
    name = "/".join(parts)
    return InvalidVoicebank(f"{tree.name}: {name} is damaged ({why})", hint=_AGAIN, entry=name)


@dataclass
class Allowance:
    """What may still be unpacked: shared by an archive and those inside it."""

    bytes: int = MOST_BYTES
    files: int = MOST_FILES

    def spend(self, files: Mapping[Parts, int], name: str) -> None:
        """Take a tree's files off. Raises InvalidVoicebank when they are too many or too large."""
        self.files -= len(files)
        self.bytes -= sum(files.values())
        if self.files < 0:
            raise InvalidVoicebank(f"{name} holds {len(files)} files; at most {MOST_FILES} are unpacked", hint=_AGAIN)
        if self.bytes < 0:
            raise InvalidVoicebank(f"{name} unpacks to more than {MOST_BYTES >> 30} GB", hint=_AGAIN)


class FolderTree:
    """A folder; symbolic links in it are refused, since what they lead to is not part of the bank."""

    def __init__(self, folder: Path, allowance: Allowance) -> None:
        self.name = folder.name
        self._folder = folder
        found: dict[Parts, int] = {}
        for place, folders, names in os.walk(folder):
            folders[:] = sorted(name for name in folders if not _is_litter(name))
            for name in [*folders, *sorted(names)]:
                path = Path(place, name)
                facts = path.lstat()
                if stat.S_ISDIR(facts.st_mode) or _is_litter(name):
                    continue
                if not stat.S_ISREG(facts.st_mode):
                    raise InvalidVoicebank(
                        f"{path} is a link or no plain file", hint="Put the file itself there", path=str(path)
                    )
                found[path.relative_to(folder).parts] = facts.st_size
        self.files: Mapping[Parts, int] = found
        allowance.spend(self.files, self.name)

    def open(self, parts: Parts) -> BinaryIO:
        """Open a file for reading."""
        return self._folder.joinpath(*parts).open("rb")


class ZipTree:
    """A zip archive, checked whole before anything of it is unpacked.

    Raises InvalidVoicebank for what is damaged, encrypted, too large, packed too tightly, linked, named to do harm or
    named twice; FileProblem for what is no zip archive.
    """

    def __init__(self, path: Path, name: str, allowance: Allowance) -> None:
        self.name = name
        try:
            self._archive = zipfile.ZipFile(path)
        except OSError as error:
            raise FileProblem(f"{name} cannot be read: {error.strerror or error}", path=str(path)) from error
        except BROKEN as error:
            raise _unreadable(path, name, error) from error
        try:
            self._entries = self._checked()
        except BaseException:
            self.close()
            raise
        self.files: Mapping[Parts, int] = {parts: entry.file_size for parts, entry in self._entries.items()}
        allowance.spend(self.files, name)

    def close(self) -> None:
        """Close the archive's file."""
        self._archive.close()

    def open(self, parts: Parts) -> BinaryIO:
        """Open a file for reading; a wrong checksum is raised at its end, as zipfile.BadZipFile."""
        return cast(BinaryIO, self._archive.open(self._entries[parts]))

    def _checked(self) -> dict[Parts, zipfile.ZipInfo]:
        entries = self._archive.infolist()
        if len(entries) > MOST_FILES:
            raise InvalidVoicebank(f"{self.name} holds {len(entries)} entries; at most {MOST_FILES} are unpacked")
        files: list[tuple[Parts, zipfile.ZipInfo]] = []
        for entry, name in zip(entries, entry_names(entries), strict=True):
            parts = checked_parts(name, self.name)
            if name.endswith(("/", "\\")) or any(map(_is_litter, parts)):
                continue
            self._check_entry(entry, name)
            files.append((parts, entry))
        check_distinct((parts for parts, _ in files), self.name)
        self._check_apart(entries)
        return dict(files)

    def _check_entry(self, entry: zipfile.ZipInfo, name: str) -> None:
        kind = stat.S_IFMT(entry.external_attr >> 16)
        packed = max(entry.compress_size, 1)
        if entry.flag_bits & 1:
            problem, hint = "is encrypted", "Unpack it with its password, and install the folder."
        elif kind not in (0, stat.S_IFREG):
            problem, hint = "is a link or no plain file", _AGAIN
        elif entry.file_size > LARGEST_FILE:
            problem, hint = f"is larger than {LARGEST_FILE >> 30} GB", _AGAIN
        elif entry.file_size > _RATIO_FROM and entry.file_size / packed > MOST_RATIO:
            problem, hint = f"unpacks {entry.file_size // packed} times its size; at most {MOST_RATIO} is taken", _AGAIN
        else:
            return
        raise InvalidVoicebank(f"{self.name}: {name} {problem}", hint=hint, entry=name)

    def _check_apart(self, entries: list[zipfile.ZipInfo]) -> None:
        """Refuse entries that share bytes: that is how a small zip unpacks to petabytes."""
        end = 0
        for entry in sorted(entries, key=lambda entry: entry.header_offset):
            if entry.header_offset < end:
                raise InvalidVoicebank(f"{self.name}: {entry.filename} overlaps another file", hint=_AGAIN)
            end = entry.header_offset + zipfile.sizeFileHeader + entry.compress_size  # type: ignore[attr-defined]


def _unreadable(path: Path, name: str, error: Exception) -> FileProblem:
    with path.open("rb") as file:
        start = file.read(8)
    if start.startswith((b"7z\xbc\xaf", b"Rar!", b"\x1f\x8b", b"BZh", b"\xfd7zXZ")):
        message = f"{name} is an archive of another kind than zip"
        return FileProblem(message, hint="Unpack it, and install the folder.", path=str(path))
    what = f"is a damaged zip archive ({error})" if start.startswith(b"PK") else "is no zip archive"
    return FileProblem(f"{name} {what}", hint="Download it again, or install a folder.", path=str(path))


def _is_litter(name: str) -> bool:
    return name in _LITTER or name.startswith("._")
