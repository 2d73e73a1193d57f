"""`singsynth-mcp voicebanks check FOLDER|ID`: a report on a voicebank, with an exit status for scripts."""

from __future__ import annotations

import json as json_format
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import anyio
from cyclopts import Parameter

from singsynth_mcp.cli.printing import print_table
from singsynth_mcp.cli.waiting import progress_bar
from singsynth_mcp.contracts.voicebanks import CheckVoicebankRequest, CheckVoicebankResult, FindingRow, ProbeRow
from singsynth_mcp.errors import InvalidRequest, InvalidVoicebank
from singsynth_mcp.recipes.check_voicebank import check_voicebank
from singsynth_mcp.recipes.local import LocalCaller
from singsynth_mcp.settings import Settings
from singsynth_mcp.voicebanks.find import bank_roots


def check(
    voicebank: Annotated[str | None, Parameter(help="A voicebank's folder, or the id of one that is found.")] = None,
    /,
    *,
    json: Annotated[bool, Parameter(negative=(), help="Print the whole report as JSON.")] = False,
) -> int:
    """Examine a voicebank, the default one when left out, sing a probe in each of its modes and measure it.

    The exit status is 0 when nothing is an error, 1 otherwise.
    """
    name, settings = _chosen(voicebank, Settings())
    result = anyio.run(_check, name, settings)
    if json:
        print(json_format.dumps(result.model_dump(mode="json", exclude_none=True), indent=2, ensure_ascii=False))
    else:
        _print_report(result)
    return 0 if result.passed else 1


def _chosen(voicebank: str | None, settings: Settings) -> tuple[str | None, Settings]:
    """Return an id, and settings under which it is the folder's that was given."""
    folder = Path(voicebank).expanduser().absolute() if voicebank else None
    if folder is None or not folder.is_dir():
        return voicebank, settings
    there = bank_roots((folder,), shipped=False)
    if not there:
        raise InvalidVoicebank(
            f"{folder} holds no voicebank: no dsconfig.yaml", hint="Give the folder with dsconfig.yaml in it."
        )
    if len(there) > 1:
        raise InvalidRequest(f"{folder} holds {len(there)} voicebanks: {', '.join(there)}", hint="Give one's folder.")
    [(name, root)] = there.items()
    folders = (root, *settings.voicebanks)
    first = bank_roots(folders)[name]
    if first.resolve() != root.resolve():
        hint = "Rename the folder: its name is its id."
        raise InvalidRequest(f"{root} has the id of the voicebank {first}, which is found first", hint=hint)
    return name, settings.model_copy(update={"voicebanks": folders})


async def _check(name: str | None, settings: Settings) -> CheckVoicebankResult:
    async with progress_bar("get_voicebank_info") as on_progress:
        return await check_voicebank(CheckVoicebankRequest(voicebank=name), LocalCaller(settings), on_progress)


def _print_report(result: CheckVoicebankResult) -> None:
    facts = [
        ("voicebank", f"{result.voicebank} ({result.name or 'no name'})"),
        ("digest", (result.digest or "")[:12]),
        ("languages", ", ".join(result.languages or ())),
        ("speakers", ", ".join(result.speakers or ()) or "one voice"),
        ("colours", ", ".join(result.colours or ())),
        ("range", f"{result.lowest} to {result.highest}" if result.lowest else "not stated"),
        ("stages", ", ".join(result.stages or ())),
        ("sample rate", f"{result.sample_rate} Hz" if result.sample_rate else ""),
        ("licence", result.licence or ""),
        *(("credits", line) for line in result.credits or ()),
    ]
    print_table(("", ""), [(name, value) for name, value in facts if value])
    print()
    _print_models(result)
    if result.probes:
        _print_probes(result.probes)
    if result.range:
        print("\nlevel and tuning by pitch")
        rows = [(row.pitch, f"{row.level_db:.1f} dB", _cents(row.cents)) for row in result.range]
        print_table(("pitch", "level", "off by"), rows)
    _print_findings(result.findings or ())
    print(f"\n{_verdict(result)}")


def _print_models(result: CheckVoicebankResult) -> None:
    rows = [
        (model.file if first else "", item.name, f"{item.type} {item.shape}", item.fed or "NOTHING")
        for model in result.models or ()
        for first, item in ((item is model.inputs[0], item) for item in model.inputs)
    ]
    print_table(("model", "input", "type", "fed from"), rows)
    lacking = len(result.inputs_not_fed or ())
    print(f"{result.inputs_fed} inputs are fed, {lacking} are not\n")


def _print_probes(probes: Iterable[ProbeRow]) -> None:
    rows = [
        (
            row.mode,
            row.speaker or "",
            f"{row.tracked} of {row.notes}",
            f"{_number(row.cents_median)} / {_number(row.cents_worst)}",
            f"{_number(row.onset_ms_median, '+')} / {_number(row.onset_ms_worst, '+')}",
            f"{row.peak_dbfs:.1f}",
            _number(row.level_spread_db),
            str(row.clicks),
            f"{row.not_finite} / {row.clipped}",
        )
        for row in probes
    ]
    print("sung and measured (median / worst)")
    names = ("mode", "speaker", "pitch heard", "cents", "onset ms", "peak dBFS", "spread dB", "clicks", "NaN / clipped")
    print_table(names, rows)


def _print_findings(findings: Iterable[FindingRow]) -> None:
    rows = [
        (
            row.level,
            f"{row.file}: {row.key}" if row.file and row.key else row.file or row.key or "",
            row.message,
            "; ".join(f"{name} {value}" for name, value in (("found", row.found), ("expected", row.expected)) if value),
        )
        for row in findings
    ]
    if rows:
        print("\nfindings")
        print_table(("", "where", "", ""), rows)


def _verdict(result: CheckVoicebankResult) -> str:
    levels = [row.level for row in result.findings or ()]
    counts = [(levels.count(level), level) for level in ("error", "warning", "note") if level in levels]
    told = ", ".join(f"{count} {level}{'s' * (count > 1)}" for count, level in counts) or "no findings"
    noisy = "; its models draw noise: no two takes are equal" if result.deterministic is False else ""
    return f"{'passed' if result.passed else 'FAILED'}: {told}{noisy}"


def _cents(cents: float | None) -> str:
    return "no pitch" if cents is None else f"{cents:+.1f} cents"


def _number(value: float | None, sign: str = "") -> str:
    return "-" if value is None else f"{value:{sign}.1f}"
