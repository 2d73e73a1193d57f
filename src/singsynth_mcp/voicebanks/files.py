"""Text files of a voicebank: YAML and JSON as written, legacy encodings, paths that stay inside the bank."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from singsynth_mcp.errors import InvalidVoicebank

TEXT_SUFFIXES = frozenset({".yaml", ".yml", ".json", ".txt"})
_TEXT_ENDINGS = tuple(TEXT_SUFFIXES)
_LEGACY_ENCODINGS = ("utf-8-sig", "shift_jis", "gb18030")
_MAX_TEXT_BYTES = 64 * 2**20


def read_bytes(path: Path) -> bytes:
    """Return a text file's bytes. Raises InvalidVoicebank when it is missing, unreadable or absurdly large."""
    try:
        if path.stat().st_size > _MAX_TEXT_BYTES:
            raise InvalidVoicebank(f"{path} is larger than {_MAX_TEXT_BYTES >> 20} MB", path=str(path))
        return path.read_bytes()
    except OSError as error:
        raise InvalidVoicebank(
            f"{path} cannot be read: {error.strerror or error}",
            hint="Reinstall the voicebank, or correct the file name in its dsconfig.yaml",
            path=str(path),
        ) from error


def read_text(path: Path, encoding: str | None = None) -> str:
    """Return a file's text in the declared encoding, else the first of UTF-8, Shift-JIS, GB18030 that fits."""
    return decode_text(read_bytes(path), encoding)


def decode_text(data: bytes, encoding: str | None = None) -> str:
    """Return a text in the declared encoding, else the first of UTF-8, Shift-JIS, GB18030 that fits."""
    for candidate in (encoding, *_LEGACY_ENCODINGS):
        if candidate:
            try:
                return data.decode(candidate)
            except (UnicodeDecodeError, LookupError):
                continue
    return data.decode("utf-8", errors="replace")


def read_utf8(path: Path) -> str:
    """Return the text of a file that must be UTF-8, with or without a mark. Raises InvalidVoicebank."""
    try:
        return read_bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidVoicebank(f"{path} is not valid YAML: it is not UTF-8", path=str(path)) from error


def read_mapping(path: Path) -> dict[str, Any]:
    """Return a YAML document that must be a mapping; see `parse_mapping`."""
    return parse_mapping(read_utf8(path), path)


def parse_mapping(text: str, path: Path) -> dict[str, Any]:
    """Return a YAML mapping with every scalar kept as the word it is written as: `no` and `10` stay text.

    An empty text is an empty mapping. Raises InvalidVoicebank with the line of the mistake.
    """
    import yaml

    loader = getattr(yaml, "CBaseLoader", yaml.BaseLoader)
    try:
        document = yaml.load(text, Loader=loader)
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" in line {mark.line + 1}" if mark is not None else ""
        raise InvalidVoicebank(f"{path} is not valid YAML{where}", path=str(path)) from error
    if document is None or document == "":
        return {}
    if not isinstance(document, dict):
        raise InvalidVoicebank(f"{path} holds no keys", path=str(path))
    return document


def read_ids(path: Path) -> dict[str, int]:
    """Return a JSON object of names and integer ids, as phonemes.json and languages.json are."""
    try:
        document = json.loads(read_bytes(path).decode("utf-8-sig"))
        return {str(name): int(number) for name, number in document.items()}
    except (ValueError, AttributeError, TypeError, RecursionError) as error:
        raise InvalidVoicebank(f"{path} is no JSON object of names and ids", path=str(path)) from error


def inside(root: Path, folder: Path, relative: str) -> Path:
    r"""Return the path that a config in `folder` names, which must lie in `root`.

    Backslashes count as separators, and where no file matches the letters' case is ignored: banks are made on Windows.
    """
    path = Path(os.path.normpath(folder / relative.replace("\\", "/")))
    if not path.is_relative_to(root):
        raise InvalidVoicebank(
            f"{folder} names a file outside the voicebank: {relative}",
            hint="Copy the file into the voicebank's folder",
            path=str(path),
        )
    return path if path.exists() else _ignoring_case(root, path)


def _ignoring_case(root: Path, path: Path) -> Path:
    found = root
    for name in path.relative_to(root).parts:
        if not found.is_dir():
            return path
        matches = [entry for entry in sorted(found.iterdir()) if entry.name.lower() == name.lower()]
        if not matches:
            return path
        found = found / name if found / name in matches else matches[0]
    return found


def text_files(root: Path) -> Iterator[Path]:
    """Yield the voicebank's text files, sorted by relative path; archive and desktop litter is left out."""
    for entry in _text_entries(root):
        yield Path(entry.path)


def text_stamp(root: Path) -> tuple[tuple[str, int, int], ...]:
    """Return path, time of change and size of each text file: what changes when one of them does."""
    return tuple((entry.path, (stat := entry.stat()).st_mtime_ns, stat.st_size) for entry in _text_entries(root))


def _text_entries(folder: str | Path) -> Iterator[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            inside_folder = sorted(entries, key=lambda entry: entry.name)
    except OSError:
        return
    folders = []
    for entry in inside_folder:
        if entry.is_dir():
            if not entry.name.startswith((".", "__")) and not entry.is_symlink():
                folders.append(entry)
        elif not entry.name.startswith(".") and entry.name.lower().endswith(_TEXT_ENDINGS):
            yield entry
    for entry in folders:
        yield from _text_entries(entry.path)


def text_digest(root: Path) -> str:
    """Return the SHA-256 over the paths and bytes of a folder's text files."""
    digest = hashlib.sha256()
    for path in text_files(root):
        data = path.read_bytes()
        digest.update(f"{path.relative_to(root).as_posix()}\0{len(data)}\0".encode())
        digest.update(data)
    return digest.hexdigest()
