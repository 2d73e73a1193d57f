"""Zip archives for tests, good and hostile: entries exactly as given, names in any encoding."""

from __future__ import annotations

import stat
import struct
import zipfile
from collections.abc import Mapping
from pathlib import Path

UTF8_FLAG = 0x800


def zip_of(path: Path, folder: Path, top: str | None = None) -> Path:
    """Write a folder's files into a zip, under `top` (its own name when left out, "" for none)."""
    top = folder.name if top is None else top
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, "/".join(filter(None, (top, file.relative_to(folder).as_posix()))))
    return path


def raw_zip(
    path: Path, entries: Mapping[bytes, bytes], *, flags: int = 0, mode: int = 0, compress: bool = False
) -> Path:
    """Write entries whose names are these bytes; `mode` is the Unix mode of each (stat.S_IFLNK for links)."""
    with zipfile.ZipFile(path, "w") as archive:
        for number, data in enumerate(entries.values()):
            info = zipfile.ZipInfo(f"{number:0>8}")
            info.compress_type = zipfile.ZIP_DEFLATED if compress else zipfile.ZIP_STORED
            info.external_attr = mode << 16
            archive.writestr(info, data)
    data = bytearray(path.read_bytes())
    return _renamed(path, data, list(entries), flags)


def link_zip(path: Path, name: str, target: str) -> Path:
    """Write a zip with a symbolic link."""
    return raw_zip(path, {name.encode(): target.encode()}, mode=stat.S_IFLNK | 0o777)


def _renamed(path: Path, data: bytearray, names: list[bytes], flags: int) -> Path:
    """Rewrite a zip with other names: local headers, then the central directory, then its end."""
    with zipfile.ZipFile(path) as archive:
        infos = archive.infolist()
        bodies = [bytes(data[info.header_offset + 38 : info.header_offset + 38 + info.compress_size]) for info in infos]
    out, central = bytearray(), bytearray()
    for info, name, body in zip(infos, names, bodies, strict=True):
        offset = len(out)
        common = struct.pack(
            "<HHHHHLLLHH",
            *(20, flags, info.compress_type, 0, 33, info.CRC),
            *(info.compress_size, info.file_size, len(name), 0),
        )
        out += b"PK\x03\x04" + common + name + body
        rest = struct.pack("<HHHLL", 0, 0, 0, info.external_attr, offset)
        central += b"PK\x01\x02" + struct.pack("<H", 3 << 8 | 20) + common + rest + name
    end = struct.pack("<HHHHLLH", 0, 0, len(infos), len(infos), len(central), len(out), 0)
    path.write_bytes(out + central + b"PK\x05\x06" + end)
    return path
