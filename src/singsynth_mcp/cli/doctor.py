"""`singsynth-mcp doctor`: what works on this machine, what does not, and how to mend it."""

from __future__ import annotations

import platform
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import import_module, metadata
from pathlib import Path
from typing import Literal

import anyio
from rich.console import Console
from rich.text import Text

from singsynth_mcp.api import sing_async
from singsynth_mcp.artifacts.opening import open_store
from singsynth_mcp.cli.printing import in_bytes
from singsynth_mcp.recipes.local import LocalCaller
from singsynth_mcp.settings import Settings

_ROOM_NEEDED = 500_000_000
_FORMATS = ("WAV", "FLAC", "MP3", "OGG")
_REINSTALL = f"Install again: {sys.executable} -m pip install --force-reinstall {{}}"
_MODULES = {
    "opentelemetry-api": "opentelemetry.trace",
    "pillow": "PIL",
    "pyjwt": "jwt",
    "pyopenjtalk-plus": "pyopenjtalk",
    "pyyaml": "yaml",
}
"""Where a distribution's module has another name."""
_SONG = """<score-partwise version="4.0">
<part-list><score-part id="P1"><part-name>Test</part-name></score-part></part-list>
<part id="P1"><measure number="1"><attributes><divisions>1</divisions></attributes><sound tempo="120"/>
<note><pitch><step>A</step><octave>4</octave></pitch><duration>1</duration><lyric><text>う</text></lyric></note>
<note><pitch><step>C</step><octave>5</octave></pitch><duration>2</duration><lyric><text>た</text></lyric></note>
</measure></part></score-partwise>"""


@dataclass(frozen=True)
class Finding:
    """A line of the report."""

    state: Literal["works", "note", "fails"]
    what: str
    detail: str
    remedy: str = ""


def doctor() -> int:
    """Say what works on this machine, what does not, and how to mend it; the exit code is 1 when something fails."""
    console = Console(highlight=False, soft_wrap=True)
    failures = 0
    for check in _CHECKS:
        for finding in _run(check):
            failures += finding.state == "fails"
            _print(console, finding)
    console.print("Everything works." if not failures else f"{failures} thing{'s' * (failures > 1)} to mend.")
    return 1 if failures else 0


def check_python() -> Iterator[Finding]:
    """Name Python's version and the machine's kind."""
    yield Finding("works", "Python", f"{platform.python_version()}, {platform.system()} {platform.machine()}")


def check_dependencies() -> Iterator[Finding]:
    """Import every package that the base install needs."""
    broken = 0
    names = [name for name, extra in _requirements() if not extra]
    for name in names:
        try:
            import_module(_MODULES.get(name, name.replace("-", "_")))
        except Exception as error:  # a broken binary package may raise anything
            broken += 1
            yield Finding("fails", name, f"{type(error).__name__}: {error}", _REINSTALL.format(name))
    if not broken:
        yield Finding("works", "dependencies", f"{len(names)} packages import")


def check_engines() -> Iterator[Finding]:
    """Say what the models run on, and what was passed over."""
    from singsynth_mcp.synthesis.engines.backends import onnxruntime_version
    from singsynth_mcp.synthesis.engines.devices import choose

    yield Finding("works", "onnxruntime", f"{onnxruntime_version()} (the first engine)")
    try:
        yield Finding("works", "torch", f"{metadata.version('torch')} (the second engine)")
    except metadata.PackageNotFoundError:
        yield Finding("note", "torch", "not installed; needed only for the torch engine and for training")
    choice = choose(Settings().device)
    order = ", then ".join(f"{backend.engine} on {backend.device}" for backend in choice.backends)
    yield Finding("works", "models run on", f"{order} ({choice.reason})")
    for warning in choice.warnings:
        yield Finding("note", "device", warning, "docs/engines.md says what each device needs.")


def check_folders() -> Iterator[Finding]:
    """Write to the folders of artifacts and of output (or to the folder that they will be made in)."""
    settings = Settings()
    if settings.bucket is not None:
        anyio.run(open_store(settings).put_blob, b"singsynth")
        yield Finding("works", "bucket", settings.bucket)
    for what, variable, folder in (
        ("cache", "SINGSYNTH_CACHE", settings.cache)
        if settings.bucket is not None
        else ("artifacts", "SINGSYNTH_ARTIFACTS", settings.artifacts),
        ("output", "SINGSYNTH_OUTPUT", settings.output),
    ):
        try:
            standing = next(place for place in (folder, *folder.absolute().parents) if place.exists())
            with tempfile.TemporaryFile(dir=standing) as file:
                file.write(b"singsynth")
            free = shutil.disk_usage(standing).free
        except OSError as error:
            remedy = f"Give write permission, or point {variable} at another folder."
            yield Finding("fails", what, f"{folder}: {error.strerror}", remedy)
            continue
        detail = f"{folder}, {in_bytes(free)} free"
        remedy = "" if free > _ROOM_NEEDED else "Free some space: `singsynth-mcp artifacts prune`."
        yield Finding("note" if remedy else "works", what, detail, remedy)


def check_formats() -> Iterator[Finding]:
    """List the audio formats that can be written."""
    import soundfile

    missing = [name for name in _FORMATS if name not in soundfile.available_formats()]
    detail = f"{soundfile.__libsndfile_version__} writes {', '.join(name for name in _FORMATS if name not in missing)}"
    if missing:
        yield Finding("fails", "libsndfile", f"{detail}, not {', '.join(missing)}", _REINSTALL.format("soundfile"))
    else:
        yield Finding("works", "libsndfile", detail)


def check_japanese() -> Iterator[Finding]:
    """Read a Japanese word."""
    import pyopenjtalk

    phonemes = pyopenjtalk.g2p("歌声")
    if phonemes == "u t a g o e":
        yield Finding("works", "pyopenjtalk", f"reads 歌声 as {phonemes}")
    else:
        yield Finding("fails", "pyopenjtalk", f"reads 歌声 as {phonemes!r}", _REINSTALL.format("pyopenjtalk-plus"))


def check_voicebanks() -> Iterator[Finding]:
    """Load every voicebank and name its digest."""
    caller = LocalCaller(Settings())
    rows = anyio.run(caller.call, "list_voicebanks", {})["voicebanks"]
    if not rows:
        yield Finding("fails", "voicebanks", "none found", "Install the package again, or set SINGSYNTH_VOICEBANKS.")
    for row in rows:
        if row.get("error"):
            yield Finding("fails", f"voicebank {row['id']}", row["error"], "Unpack the voicebank again, or remove it.")
            continue
        info = anyio.run(caller.call, "get_voicebank_info", {"voicebank": row["id"]})
        yield Finding("works", f"voicebank {row['id']}", f"{', '.join(info['languages'])}; {info['digest'][:12]}")


def check_singing() -> Iterator[Finding]:
    """Sing two notes from a score to a file."""
    with tempfile.TemporaryDirectory() as folder:
        score, song = Path(folder, "song.musicxml"), Path(folder, "song.wav")
        score.write_text(_SONG, encoding="utf-8")
        started = time.perf_counter()
        result = anyio.run(sing_async, score, song)
        took = time.perf_counter() - started
    detail = f"{result.seconds or 0:.1f} s of audio in {took:.1f} s, models loaded first; on {result.device}"
    yield Finding("works", "singing", detail)
    for warning in result.warnings or ():
        if warning.code == "device_passed_over":
            yield Finding("note", "singing", warning.message)


_CHECKS = (
    check_python,
    check_dependencies,
    check_engines,
    check_folders,
    check_formats,
    check_japanese,
    check_voicebanks,
    check_singing,
)


def _run(check: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """Run a check; what it raises is a finding too."""
    try:
        yield from check()
    except Exception as error:
        remedy = getattr(error, "hint", "") or "Mend what fails above first."
        message = getattr(error, "message", f"{type(error).__name__}: {error}")
        yield Finding("fails", check.__name__.removeprefix("check_"), message, remedy)


def _requirements() -> Iterator[tuple[str, bool]]:
    """Yield the names of the packages that this one requires, and whether an extra does."""
    for line in metadata.requires("singsynth-mcp") or ():
        name = line.partition(";")[0]
        for mark in "<>=!~[ ":
            name = name.partition(mark)[0]
        yield name, "extra ==" in line


def _print(console: Console, finding: Finding) -> None:
    mark, style = {"works": ("ok  ", "green"), "note": ("note", "yellow"), "fails": ("FAIL", "bold red")}[finding.state]
    console.print(Text.assemble((mark, style), f"  {finding.what}: {finding.detail}"))
    if finding.remedy:
        console.print(Text(f"      {finding.remedy}"))
