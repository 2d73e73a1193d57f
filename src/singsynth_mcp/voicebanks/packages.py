"""What can be installed out of a folder or an archive: voicebanks, and vocoders that come as packages.

A release pack holds a zip that holds the bank, beside plug-ins for OpenUtau: archives are looked into two deep, and
nothing but the bank's own folder is ever unpacked.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

from singsynth_mcp.errors import FileProblem, InvalidVoicebank
from singsynth_mcp.voicebanks.entry_names import Parts, checked_parts
from singsynth_mcp.voicebanks.files import parse_mapping
from singsynth_mcp.voicebanks.licence import LicenceText, distinct, find_licences
from singsynth_mcp.voicebanks.trees import Allowance, FolderTree, Tree, ZipTree, copy_file, read_start

_ARCHIVES = (".zip", ".oudep", ".vb")
_DEEPEST = 2
"""Archives inside an archive, one in the other."""
_STAGES = frozenset({"dsdur", "dspitch", "dsvariance", "dsvocoder"})
_LONGEST_CONFIG_BYTES = 2**20


@dataclass(frozen=True)
class Package:
    """A voicebank or a vocoder, not yet unpacked."""

    kind: Literal["voicebank", "vocoder"]
    id: str
    """The folder that it will be."""
    tree: Tree
    root: Parts
    """Where it lies in the tree."""
    licences: tuple[LicenceText, ...]

    @property
    def files(self) -> list[Parts]:
        """Its files, by their place in the tree."""
        return [parts for parts in self.tree.files if parts[: len(self.root)] == self.root]

    @property
    def bytes(self) -> int:
        """Size of its files."""
        return sum(self.tree.files[parts] for parts in self.files)

    def unpack(self, folder: Path) -> None:
        """Write its files into a new folder.

        Raises InvalidVoicebank for a damaged file, StorageProblem when the disk does not take it.
        """
        for parts in self.files:
            target = folder.joinpath(*parts[len(self.root) :])
            copy_file(self.tree, parts, target)


@contextmanager
def open_packages(source: Path, scratch: Path) -> Iterator[list[Package]]:
    """Yield the packages in a folder or archive, readable until the end; `scratch` holds archives inside it meanwhile.

    Raises FileProblem for what is neither, InvalidVoicebank when there is no package in it or it is not safe to unpack.
    """
    with ExitStack() as stack:
        search = _Search(scratch, Allowance(), stack)
        packages = search.packages(source, source.name, (), 0)
        if not packages:
            raise _nothing_in(search, source)
        ids = [package.id.casefold() for package in packages]
        twice = next((package.id for package in packages if ids.count(package.id.casefold()) > 1), None)
        if twice is not None:
            hint = "Unpack it, and install the folder of the one you want."
            raise InvalidVoicebank(f"{source.name} holds {twice} more than once", hint=hint)
        yield packages


@dataclass
class _Search:
    scratch: Path
    allowance: Allowance
    stack: ExitStack
    seen: int = 0
    samples: bool = False

    def packages(self, source: Path, name: str, above: tuple[LicenceText, ...], depth: int) -> list[Package]:
        """Return the packages of a folder or archive and of the archives in it; `above` are licences beside it."""
        tree = self._tree(source, name)
        self.samples = self.samples or any(parts[-1].lower() == "oto.ini" for parts in tree.files)
        found = list(_packages_of(tree, _stem(name)))
        found = [replace(each, licences=distinct((*each.licences, *above))) for each in found]
        if depth == _DEEPEST:
            return found
        roots = [package.root for package in found]
        for parts in sorted(tree.files):
            is_inside = any(parts[: len(root)] == root for root in roots)
            if parts[-1].lower().endswith(_ARCHIVES) and not is_inside:
                beside = distinct((*find_licences(tree, parts[:-1]), *above))
                found += self._packed(tree, parts, beside, depth + 1)
        return found

    def _packed(self, tree: Tree, parts: Parts, beside: tuple[LicenceText, ...], depth: int) -> list[Package]:
        self.seen += 1
        copied = self.scratch / f"archive-{self.seen}"
        copy_file(tree, parts, copied)
        return self.packages(copied, parts[-1], beside, depth)

    def _tree(self, source: Path, name: str) -> Tree:
        if source.is_dir():
            return FolderTree(source, self.allowance)
        if not source.exists():
            raise FileProblem(f"there is no file or folder {source}", hint="Check the spelling", path=str(source))
        tree = ZipTree(source, name, self.allowance)
        self.stack.callback(tree.close)
        return tree


def _packages_of(tree: Tree, name: str) -> Iterator[Package]:
    """Yield the packages of a tree itself; a package at its top takes the tree's name."""
    roots: list[Parts] = []
    for folder in sorted({parts[:-1] for parts in tree.files}, key=lambda folder: (len(folder), folder)):
        if any(folder[: len(root)] == root for root in roots):
            continue
        root = folder[:-1] if folder[-1:] == ("configs",) else folder
        if (*folder, "dsconfig.yaml") in tree.files and folder[-1:] not in {(stage,) for stage in _STAGES}:
            if not _config(tree, (*folder, "dsconfig.yaml")).get("acoustic"):
                continue
            yield Package("voicebank", _id(root, name), tree, root, find_licences(tree, root))
        elif (*folder, "vocoder.yaml") in tree.files:
            yield Package("vocoder", _vocoder_id(tree, root, name), tree, root, find_licences(tree, root))
        else:
            continue
        roots.append(root)


def _vocoder_id(tree: Tree, root: Parts, name: str) -> str:
    """Return the name by which dsconfig.yaml calls a vocoder: oudep.yaml says it, else the folder is called so."""
    if (*root, "oudep.yaml") in tree.files:
        facts = _config(tree, (*root, "oudep.yaml"))
        said = facts.get("id") or facts.get("name")
        if isinstance(said, str) and said:
            return _id((said,), name)
    return _id(root, name)


def _id(root: Parts, name: str) -> str:
    wanted = (root[-1] if root else name).strip().rstrip(".")
    if len(checked_parts(wanted, name)) > 1 or wanted.startswith((".", "__")) or set(wanted) & set('*?"<>|'):
        raise InvalidVoicebank(f"{wanted!r} cannot be a voicebank's id", hint="Rename the folder or file.")
    return wanted


def _config(tree: Tree, parts: Parts) -> dict[str, Any]:
    data = read_start(tree, parts, _LONGEST_CONFIG_BYTES)
    path = Path(tree.name, *parts)
    try:
        return parse_mapping(data.decode("utf-8-sig"), path)
    except UnicodeDecodeError as error:
        raise InvalidVoicebank(f"{path} is not valid YAML: it is not UTF-8", path=str(path)) from error


def _nothing_in(search: _Search, source: Path) -> InvalidVoicebank:
    what = "it is a voicebank of recorded samples, which need another engine" if search.samples else "no dsconfig.yaml"
    return InvalidVoicebank(
        f"{source.name} holds no DiffSinger voicebank or vocoder: {what}",
        hint="A voicebank is a folder with dsconfig.yaml and an acoustic model, or a zip, pack or .oudep of one.",
        path=str(source),
    )


def _stem(name: str) -> str:
    lower = name.lower()
    suffix = next((suffix for suffix in _ARCHIVES if lower.endswith(suffix)), "")
    return name[: len(name) - len(suffix)]
