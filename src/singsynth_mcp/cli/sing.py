"""`singsynth-mcp sing SCORE -o OUT.wav`: a score becomes an audio file, here or on a running proxy."""

from __future__ import annotations

import json as json_format
from pathlib import Path
from typing import Annotated

import anyio
from cyclopts import Parameter

from singsynth_mcp.api import Choices, sing_async
from singsynth_mcp.cli.printing import print_table
from singsynth_mcp.cli.waiting import progress_bar
from singsynth_mcp.contracts.audio import AudioFormat
from singsynth_mcp.contracts.common import PassedOver
from singsynth_mcp.contracts.sing import SingResult


def sing(
    score: Annotated[Path, Parameter(help="MusicXML, MuseScore, MIDI, ABC, .ustx, .ds, or a note list (.json).")],
    /,
    *,
    output: Annotated[
        Path | None, Parameter(name=("--output", "-o"), help="The file to write; the extension chooses the format.")
    ] = None,
    part: Annotated[str | None, Parameter(help="Sing this part alone; every part with lyrics otherwise.")] = None,
    verse: Annotated[int | None, Parameter(help="Sing this verse in every pass.")] = None,
    voicebank: Annotated[str | None, Parameter(help="See `singsynth-mcp voicebanks`.")] = None,
    speaker: Annotated[str | None, Parameter(help="One of the voicebank's speakers.")] = None,
    language: Annotated[str | None, Parameter(help="The lyrics' language where they do not show it, e.g. ja.")] = None,
    transpose: Annotated[float, Parameter(help="Semitones.")] = 0,
    tempo: Annotated[float | None, Parameter(help="Quarters a minute, instead of the score's.")] = None,
    seed: Annotated[int, Parameter(help="Another seed, another take.")] = 0,
    format: Annotated[AudioFormat | None, Parameter(help="Instead of the extension's.")] = None,
    breaths: Annotated[bool, Parameter(help="Breathe in the rests.")] = True,
    url: Annotated[str | None, Parameter(help="Sing on the proxy at this URL, e.g. http://127.0.0.1:8765/mcp.")] = None,
    json: Annotated[bool, Parameter(negative=(), help="Print the result as JSON.")] = False,
) -> None:
    """Sing a score into an audio file and print what was sung and measured."""
    choices = Choices(
        part=part,
        verse=verse,
        voicebank=voicebank,
        speaker=speaker,
        language=language,
        transpose=transpose,
        tempo=tempo,
        seed=seed,
        format=format,
        breaths=breaths,
    )
    if url is None:
        result = anyio.run(_sing_here, score, output, choices)
    else:
        result = anyio.run(_sing_there, url, score, output, choices)
    if json:
        print(json_format.dumps(result.model_dump(mode="json", exclude_none=True), indent=2, ensure_ascii=False))
    else:
        _print_summary(result)


async def _sing_here(score: Path, output: Path | None, choices: Choices) -> SingResult:
    async with progress_bar("parse_score") as on_progress:
        return await sing_async(score, output, on_progress, **choices)


async def _sing_there(url: str, score: Path, output: Path | None, choices: Choices) -> SingResult:
    from singsynth_mcp.cli.remote import sing_remotely

    async with progress_bar("parse_score") as on_progress:
        return await sing_remotely(url, score, output, choices, on_progress)


def _print_summary(result: SingResult) -> None:
    facts = [
        ("file", result.path or result.url),
        ("length", f"{result.seconds:.1f} s at {result.sample_rate} Hz"),
        ("peak", _figure(result.peak_dbfs, "{:.1f} dBFS")),
        ("loudness", _figure(result.loudness_lufs, "{:.1f} LUFS")),
        ("work", _figure(result.real_time_factor, "{:.2f} s for a second of audio")),
        ("voicebank", result.voicebank),
        ("parts", ", ".join(part.part for part in result.parts or ())),
        *(("credits", line) for line in result.credits or ()),
        *(("warning", f"{_place(warning)}{warning.message}") for warning in result.warnings or ()),
    ]
    print_table(("", ""), [(name, value) for name, value in facts if value])


def _figure(value: float | None, words: str) -> str:
    """Return a figure in words; nothing where there is none, as of the loudness of silence."""
    return "" if value is None else words.format(value)


def _place(warning: PassedOver) -> str:
    steps = (("part", warning.part), ("measure", warning.measure), ("beat", warning.beat))
    place = ", ".join(
        f"{name} {value:g}" if isinstance(value, float) else f"{name} {value}"
        for name, value in steps
        if value is not None
    )
    return f"{place}: " if place else ""
