"""Which paths in arguments may be read and written: one rule for the servers and the proxy in front of them."""

from __future__ import annotations

import stat
from collections.abc import Iterable
from pathlib import Path

from singsynth_mcp.errors import FileProblem, PathNotAllowed


def readable_file(text: str, roots: Iterable[Path]) -> Path:
    """Return the file that a path in an argument means, symlinks resolved.

    Raises PathNotAllowed outside `roots`, before anything is said about what is there; FileProblem for what is no file.
    """
    if not text or "://" in text:
        hint = "Save the file and give its path, or give its content as text or base64"
        raise FileProblem(f"{text!r} is no path of a file; URLs are not fetched", hint=hint, path=text)
    try:
        path = Path(text).expanduser().resolve()
    except (OSError, ValueError, RuntimeError) as error:
        raise FileProblem(f"{text!r} is no path ({error})", hint="Give an absolute path", path=text) from error
    roots = [root.resolve() for root in roots]
    if not any(path.is_relative_to(root) for root in roots):
        listing = ", ".join(map(str, roots))
        hint = f"Readable: {listing}" if roots else "Give the content as text or base64, or set SINGSYNTH_ROOTS"
        raise PathNotAllowed(f"{path} lies outside the folders that may be read", hint=hint, path=str(path))
    _check_file(path)
    return path


def writable_file(named: str | Path, folder: Path, roots: Iterable[Path], extension: str = "") -> Path:
    """Return the absolute path to write that an argument means, relative to `folder`; without one, with `extension`.

    Raises PathNotAllowed outside `roots`; FileProblem for a directory, or what is no path at all.
    """
    hint = f"Give a name alone; it is written to {folder}."
    try:
        path = folder / Path(named).expanduser()
        if extension and not path.suffix:
            path = path.with_name(f"{path.name}.{extension}")
        path = path.resolve()
        is_folder = path.is_dir()
    except (OSError, ValueError, RuntimeError) as error:
        message = f"output {str(named)[:60]!r} is no path: {getattr(error, 'strerror', None) or error}"
        raise FileProblem(message, hint=hint) from error
    if not any(path.is_relative_to(root.resolve()) for root in roots):
        raise PathNotAllowed(f"{path} lies outside the folders that may be written", hint=hint)
    if is_folder:
        raise FileProblem(f"{path} is a directory", hint="Add a file name to it.")
    return path


def _check_file(path: Path) -> None:
    try:
        mode = path.stat().st_mode
    except FileNotFoundError as error:
        hint = "Check the spelling" if path.parent.is_dir() else f"There is no folder {path.parent}"
        raise FileProblem(f"There is no file {path}", hint=hint, path=str(path)) from error
    except OSError as error:
        raise FileProblem(f"{path} cannot be read ({error.strerror})", hint="Check the path", path=str(path)) from error
    if stat.S_ISDIR(mode):
        raise FileProblem(f"{path} is a directory", hint="Give a file in it", path=str(path))
    if not stat.S_ISREG(mode):
        raise FileProblem(f"{path} is not a regular file", hint="Give a score file", path=str(path))
