"""Voicebanks in the user's folder: put there whole or not at all, and taken away again."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from singsynth_mcp.errors import InvalidRequest, PathNotAllowed, StorageProblem, UnknownVoicebank
from singsynth_mcp.voicebanks.config import VocoderConfig, read_config
from singsynth_mcp.voicebanks.find import bank_roots
from singsynth_mcp.voicebanks.packages import Package, open_packages
from singsynth_mcp.voicebanks.voicebank import bank_root, read_voicebank

_ROOM_LEFT = 64 * 2**20
"""Bytes that stay free on the disk."""


@dataclass(frozen=True)
class Installed:
    """What has been put into the user's folder."""

    package: Package
    folder: Path
    replaced: bool


class Installation:
    """The packages of a file or folder, ready to be put into the user's folder `home`."""

    def __init__(self, packages: list[Package], home: Path, work: Path) -> None:
        self.packages = packages
        self._home = home
        self._work = work

    def put(self, *, replace: bool = False, others: Sequence[Path] = ()) -> list[Installed]:
        """Unpack and read every package, then move each to its place: nothing is there when one of them is wrong.

        others: folders of voicebanks that are found before the user's folder.

        Raises InvalidRequest for a package that is there already, unless `replace`; InvalidVoicebank, StorageProblem.
        """
        for package in self.packages:
            self._check_place(package, replace, others)
        self._check_room()
        for package in self.packages:
            fresh = self._work / package.id
            package.unpack(fresh)
            _read(package, fresh)
        return [self._move(package) for package in self.packages]

    def _check_place(self, package: Package, replace: bool, others: Sequence[Path]) -> None:
        there = self._place(package)
        if there.exists() and not replace:
            hint = "Remove it first, or replace it (--replace)."
            raise InvalidRequest(f"{package.id} is installed already in {there}", hint=hint, path=str(there))
        hiding = bank_roots(others).get(package.id) if package.kind == "voicebank" else None
        if hiding is not None and not hiding.is_relative_to(self._home):
            raise InvalidRequest(
                f"{hiding} has the id {package.id} too and is found first",
                hint="Rename the folder (or the file, where the bank lies at its top) that you install.",
                path=str(hiding),
            )

    def _place(self, package: Package) -> Path:
        """Return where a package goes: the folder that is there in other letter case, or one of its own name."""
        same = (path for path in self._home.iterdir() if path.name.casefold() == package.id.casefold())
        return next(same, self._home / package.id)

    def _check_room(self) -> None:
        needed = sum(package.bytes for package in self.packages)
        free = shutil.disk_usage(self._home).free
        if free < needed + _ROOM_LEFT:
            message = f"{needed / 1e6:.0f} MB are needed in {self._home}, {free / 1e6:.0f} MB are free"
            raise StorageProblem(message, hint="Free some space, or point SINGSYNTH_USER_VOICEBANKS elsewhere.")

    def _move(self, package: Package) -> Installed:
        place, fresh = self._place(package), self._work / package.id
        old = Path(tempfile.mkdtemp(prefix="replaced-", dir=self._work.parent)) / package.id
        replaced = place.exists()
        try:
            if replaced:
                place.rename(old)
            try:
                fresh.rename(self._home / package.id)
            except OSError:
                if replaced:
                    old.rename(place)
                raise
        except OSError as error:
            raise StorageProblem(f"cannot put {package.id} into {self._home}: {error.strerror or error}") from error
        return Installed(package, self._home / package.id, replaced)


@contextmanager
def prepare_installation(source: Path, home: Path) -> Iterator[Installation]:
    """Yield what `source`, a folder or an archive, would put into `home`; until `put` nothing of it is there.

    Raises FileProblem, InvalidVoicebank: nothing to install, or not safe; StorageProblem.
    """
    try:
        home.mkdir(parents=True, exist_ok=True)
        work = tempfile.TemporaryDirectory(prefix=".installing-", dir=home)
    except OSError as error:
        hint = "Give write permission, or point SINGSYNTH_USER_VOICEBANKS at another folder."
        raise StorageProblem(f"cannot write to {home}: {error.strerror or error}", hint=hint) from error
    with work as folder:
        scratch, fresh = Path(folder, "archives"), Path(folder, "banks")
        scratch.mkdir()
        fresh.mkdir()
        with open_packages(source, scratch) as packages:
            yield Installation(packages, home, fresh)


def remove(package_id: str, home: Path, others: Sequence[Path] = ()) -> Path:
    """Remove an installed voicebank or vocoder from `home` and return where it was; nothing else is ever touched.

    Raises UnknownVoicebank with what is installed, PathNotAllowed for a voicebank elsewhere, StorageProblem.
    """
    there = _removable(home)
    folder = there.get(package_id)
    if folder is None:
        elsewhere = bank_roots(others).get(package_id)
        if elsewhere is not None:
            message = f"voicebank {package_id} was not installed by `voicebanks install`: it lies in {elsewhere}"
            raise PathNotAllowed(message, hint="Only what lies in the user's folder is removed.", path=str(elsewhere))
        hint = f"Installed: {', '.join(sorted(there)) or 'nothing'}"
        raise UnknownVoicebank(f"there is no voicebank {package_id} in {home}", hint=hint, voicebanks=sorted(there))
    try:
        with tempfile.TemporaryDirectory(prefix=".removing-", dir=home) as work:
            folder.rename(Path(work, "removed"))
    except OSError as error:
        raise StorageProblem(f"cannot remove {folder}: {error.strerror or error}", path=str(folder)) from error
    return folder


def _removable(home: Path) -> dict[str, Path]:
    """Return id → folder of what lies in the user's folder: its voicebanks, and vocoders right in it."""
    real = home.resolve()
    roots = bank_roots((home,), shipped=False)
    found = {name: root for name, root in roots.items() if root != home and root.parent.resolve().is_relative_to(real)}
    if home.is_dir():
        for path in sorted(home.iterdir()):
            if not path.name.startswith(".") and (path / "vocoder.yaml").is_file():
                found.setdefault(path.name, path)
    return found


def _read(package: Package, folder: Path) -> None:
    """Raise InvalidVoicebank when what was unpacked cannot be read; missing models are for `check` to say."""
    if package.kind == "vocoder":
        read_config(folder / "vocoder.yaml", VocoderConfig)
        return
    configs = folder / "configs"
    bank = read_voicebank(configs if (configs / "dsconfig.yaml").is_file() else folder)
    assert bank_root(bank.folder) == folder
    bank.acoustic.phonemes  # noqa: B018  read now, refused now
    bank.stage("durations")
