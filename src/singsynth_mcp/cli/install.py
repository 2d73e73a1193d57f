"""`singsynth-mcp install HOST`: add this server to a host's configuration, keeping everything else in it."""

from __future__ import annotations

import json
import os
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter

from singsynth_mcp.errors import FileProblem, StorageProblem

Host = Literal["claude-desktop", "claude-code", "cursor"]
_RESTART = {
    "claude-desktop": "Quit Claude Desktop entirely and open it again.",
    "claude-code": "Start `claude` in this folder; it asks once whether to trust the server. "
    "For every folder: claude mcp add --scope user {name} -- {command}",
    "cursor": "Reload the Cursor window.",
}


def install(
    host: Host,
    /,
    *,
    name: Annotated[str, Parameter(help="The server's name in the host.")] = "singsynth",
    print_only: Annotated[
        bool, Parameter(name="--print", negative=(), help="Print the configuration instead of writing it.")
    ] = False,
) -> None:
    """Add this server to a host's configuration. What is there stays; the old file is kept beside it as .bak.

    claude-code is set up for the current folder (.mcp.json), the other two for this user.
    """
    entry = server_entry()
    if print_only:
        print(json.dumps({"mcpServers": {name: entry}}, indent=2, ensure_ascii=False))
        return
    path = config_path(host, sys.platform, os.environ)
    changed = add_server(path, name, entry)
    print(f"{'Added' if changed else 'Already there:'} {name} {'to' if changed else 'in'} {path}")
    if changed:
        print(_RESTART[host].format(name=name, command=" ".join([entry["command"], *entry.get("args", ())])))


def server_entry() -> dict[str, Any]:
    """Return how a host starts the proxy: absolute paths, for hosts start servers with a bare PATH."""
    script = Path(sys.executable).with_name("singsynth-mcp.exe" if os.name == "nt" else "singsynth-mcp")
    if script.is_file():
        return {"command": str(script)}
    return {"command": sys.executable, "args": ["-m", "singsynth_mcp"]}


def config_path(host: Host, platform: str, environment: os._Environ[str] | dict[str, str]) -> Path:
    """Return the configuration file that a host reads on a platform (a value of sys.platform)."""
    if host == "claude-code":
        return Path.cwd() / ".mcp.json"
    if host == "cursor":
        return Path.home() / ".cursor" / "mcp.json"
    if platform == "darwin":
        folder = Path.home() / "Library" / "Application Support"
    elif platform == "win32":
        folder = Path(environment.get("APPDATA") or Path.home() / "AppData" / "Roaming")
    else:
        folder = Path(environment.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    return folder / "Claude" / "claude_desktop_config.json"


def add_server(path: Path, name: str, entry: dict[str, Any]) -> bool:
    """Put `entry` under mcpServers; return False when it is already there.

    The file appears whole (temporary name, then rename) and the old one stays beside it with .bak added.
    Raises FileProblem when the file is no JSON object with an mcpServers object; it is left untouched.
    Raises StorageProblem when it cannot be written.
    """
    path = path.resolve()  # a link to a file elsewhere stays a link
    config = _read(path)
    servers = config.setdefault("mcpServers", {})
    if not isinstance(servers, dict):
        raise FileProblem(f"mcpServers in {path} is not an object", hint="Mend the file by hand, then run this again.")
    if servers.get(name) == entry:
        return False
    servers[name] = entry
    try:
        _replace(path, json.dumps(config, indent=2, ensure_ascii=False) + "\n")
    except OSError as error:
        raise StorageProblem(
            f"cannot write {path}: {error.strerror}", hint="Run again with --print and paste it in by hand."
        ) from error
    return True


def _read(path: Path) -> dict[str, Any]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError) as error:
        raise FileProblem(f"cannot read {path}: {error}", hint="It was left as it is.") from error
    try:
        config = json.loads(text) if text.strip() else {}
    except json.JSONDecodeError as error:
        raise FileProblem(
            f"{path} is not valid JSON: {error.msg} in line {error.lineno}, column {error.colno}",
            hint="It was left as it is. Mend it by hand, then run this again (or use --print).",
        ) from error
    if not isinstance(config, dict):
        raise FileProblem(f"{path} holds no JSON object", hint="It was left as it is. Mend it by hand.")
    return config


def _replace(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}-") as folder:
        temporary = Path(folder, path.name)
        temporary.write_text(text, encoding="utf-8")
        if path.exists():
            shutil.copymode(path, temporary)
            shutil.copy2(path, path.with_name(f"{path.name}.bak"))
        temporary.replace(path)
