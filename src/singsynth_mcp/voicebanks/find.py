"""Where voicebanks lie: those that ship, then the folders of the settings. One bad bank hides no other."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from threading import Lock

from singsynth_mcp.errors import InvalidVoicebank, SingSynthError, UnknownVoicebank
from singsynth_mcp.voicebanks.files import text_stamp
from singsynth_mcp.voicebanks.voicebank import Voicebank, bank_root, read_voicebank

_DEPTH = 3
"""How far below a folder a bank is looked for: archives nest them."""

_Stamp = tuple[tuple[str, int, int], ...]
_opened: dict[Path, tuple[_Stamp, Voicebank]] = {}
_opening = Lock()


@dataclass(frozen=True)
class BrokenVoicebank:
    """A folder that is a voicebank but cannot be opened."""

    id: str
    folder: Path
    error: SingSynthError


def list_voicebanks(folders: Sequence[Path] = ()) -> list[Voicebank | BrokenVoicebank]:
    """Return the voicebanks that ship and those in `folders`, each of which is a bank or holds banks.

    The first of equal ids counts.
    """
    return [_try_open(folder, tuple(folders)) for folder in _all_folders(folders).values()]


def get_voicebank(voicebank_id: str, folders: Sequence[Path] = ()) -> Voicebank:
    """Return the voicebank of an id. Raises UnknownVoicebank with the ids there are, or InvalidVoicebank."""
    bank_folders = _all_folders(folders)
    if voicebank_id in bank_folders:
        return _open(bank_folders[voicebank_id], tuple(folders))
    there = sorted(bank_folders)
    raise UnknownVoicebank(
        f"there is no voicebank {voicebank_id}",
        hint=f"Voicebanks: {', '.join(there) or 'none'}; `singsynth-mcp voicebanks install` adds others, "
        "SINGSYNTH_VOICEBANKS names more folders to look in",
        voicebank=voicebank_id,
        voicebanks=there,
    )


@lru_cache(maxsize=1)
def shipped_folders() -> tuple[Path, ...]:
    """Return where the voicebanks that ship lie: in the installed package, or in the checkout."""
    package = Path(__file__).parents[1]
    candidates = (package / "assets" / "voicebanks", package.parents[1] / "assets" / "voicebanks")
    return tuple(folder for folder in candidates if folder.is_dir())


def bank_roots(folders: Sequence[Path], *, shipped: bool = True) -> dict[str, Path]:
    """Return id → folder of all voicebanks that ship and lie in `folders`, whether or not they can be opened."""
    return {name: bank_root(folder) for name, folder in _all_folders(folders, shipped=shipped).items()}


def _all_folders(folders: Sequence[Path], *, shipped: bool = True) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for folder in (*(shipped_folders() if shipped else ()), *folders):
        for bank_folder in _bank_folders(folder, _DEPTH):
            found.setdefault(_id_of(bank_folder), bank_folder)
    return found


def _id_of(folder: Path) -> str:
    return bank_root(folder).name


def _bank_folders(folder: Path, depth: int) -> Iterator[Path]:
    if _is_bank(folder):
        yield folder
    elif depth > 0:
        try:
            children = sorted(entry.path for entry in os.scandir(folder) if entry.is_dir())
        except OSError:
            return
        for child in children:
            if not Path(child).name.startswith((".", "__")):
                yield from _bank_folders(Path(child), depth - 1)


def _is_bank(folder: Path) -> bool:
    """Only the acoustic stage's folder is a bank: dsdur, dspitch and dsvariance have a dsconfig.yaml too."""
    config = folder / "dsconfig.yaml"
    try:
        return config.is_file() and folder.name not in ("dsdur", "dspitch", "dsvariance")
    except OSError:
        return False


def _try_open(folder: Path, packages: tuple[Path, ...]) -> Voicebank | BrokenVoicebank:
    try:
        return _open(folder, packages)
    except InvalidVoicebank as error:
        return BrokenVoicebank(_id_of(folder), folder, error)


def _open(folder: Path, packages: tuple[Path, ...]) -> Voicebank:
    """Keep an opened bank as long as its text files stay as they are."""
    stamp = text_stamp(bank_root(folder))
    with _opening:
        known = _opened.get(folder)
        if known is None or known[0] != stamp or known[1].packages != packages:
            known = (stamp, read_voicebank(folder, packages))
            _opened[folder] = known
        return known[1]
