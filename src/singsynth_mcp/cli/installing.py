"""`singsynth-mcp voicebanks install|remove`: voicebanks in the user's folder, on their makers' terms."""

from __future__ import annotations

import sys
import unicodedata
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from singsynth_mcp.cli.printing import in_bytes
from singsynth_mcp.errors import InvalidRequest
from singsynth_mcp.settings import Settings
from singsynth_mcp.voicebanks.install import prepare_installation
from singsynth_mcp.voicebanks.install import remove as remove_package
from singsynth_mcp.voicebanks.packages import Package

_MOST_LINES = 200
_BROUGHT_LATER = "No terms are stated in it: ask its author before you publish what it sings."


def install(
    source: Annotated[Path, Parameter(help="A folder, zip, release pack or .oudep with a voicebank or vocoder.")],
    /,
    *,
    accept_licence: Annotated[bool, Parameter(negative=(), help="Accept the terms that it comes with.")] = False,
    replace: Annotated[bool, Parameter(negative=(), help="Replace one of the same id.")] = False,
) -> None:
    """Put a voicebank or vocoder into your folder of voicebanks, after its terms have been shown and accepted."""
    settings = Settings()
    with prepare_installation(source.expanduser().absolute(), settings.user_voicebanks) as installation:
        for package in installation.packages:
            _accept(package, accept_licence)
        installed = installation.put(replace=replace, others=settings.voicebanks)
    for each in installed:
        what = "Replaced" if each.replaced else "Installed"
        print(f"{what} {each.package.kind} {each.package.id} in {each.folder}")
    if voicebanks := [each.package.id for each in installed if each.package.kind == "voicebank"]:
        print(f"Try it: singsynth-mcp voicebanks check {voicebanks[0]!r}")


def remove(package: Annotated[str, Parameter(name="id", help="Its id, as `voicebanks list` shows it.")], /) -> None:
    """Remove a voicebank or vocoder that was installed; no other is ever touched."""
    settings = Settings()
    print(f"Removed {remove_package(package, settings.user_voicebanks, settings.voicebanks)}")


def _accept(package: Package, accepted: bool) -> None:
    """Show the terms. Raises InvalidRequest unless they are accepted."""
    print(f"{package.kind} {package.id}, {len(package.files)} files, {in_bytes(package.bytes)}")
    if not package.licences:
        print(f"warning: {package.id} comes without a licence text. {_BROUGHT_LATER}", file=sys.stderr)
        return
    for licence in package.licences:
        lines = [_plain(line) for line in licence.text.splitlines()] or ["(a document: open it to read the terms)"]
        print(f"\n--- {licence.file}")
        print("\n".join(lines[:_MOST_LINES]))
        if len(lines) > _MOST_LINES:
            print(f"… {len(lines) - _MOST_LINES} more lines in {licence.file}")
    print("---", flush=True)
    if accepted:
        return
    if sys.stdin is not None and sys.stdin.isatty():
        print(f"Do you accept the terms of {package.id}? [y/N] ", end="", flush=True)
        if sys.stdin.readline().strip().lower() in ("y", "yes"):
            return
        raise InvalidRequest(f"the terms of {package.id} were not accepted; nothing was installed")
    raise InvalidRequest(
        f"{package.id} comes with terms, printed above, that have to be accepted",
        hint="Read them, then run the command again with --accept-licence.",
    )


def _plain(line: str) -> str:
    """Return a line of somebody else's text without what would move a terminal's cursor."""
    return "".join("�" if unicodedata.category(sign) == "Cc" and sign != "\t" else sign for sign in line)
