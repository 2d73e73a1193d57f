"""check_voicebank: a voicebank's files and models examined, then sung with and measured, over any ToolCaller."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, get_args

from singsynth_mcp.contracts.calling import OnProgress, Progress, ToolCaller, ignore_progress
from singsynth_mcp.contracts.voicebanks import (
    CheckVoicebankRequest,
    CheckVoicebankResult,
    FindingRow,
    Level,
    ModelRow,
    ProbeRow,
    RangeRow,
    SurveyedStage,
)
from singsynth_mcp.errors import SingSynthError
from singsynth_mcp.recipes.probes import USUAL_RANGE, ProbeSong, melody, range_walk
from singsynth_mcp.recipes.verdicts import Heard, judge_probe, judge_range

_SURVEYED: tuple[SurveyedStage, ...] = get_args(SurveyedStage)
_BROKEN = ("invalid_voicebank", "synthesis_failed", "invalid_lyrics", "nothing_to_sing")
"""Codes of errors that are the voicebank's: findings, and the check goes on."""
_EXPECTED = ("control_not_supported", "speaker_stood_in", "more_warnings")
"""Codes of warnings that say nothing new of the voicebank."""
_RESULT_BYTES = 3600
WRITTEN, PREDICTED, RANGE = "written notes", "pitch model", "range"


async def check_voicebank(
    request: CheckVoicebankRequest, caller: ToolCaller, on_progress: OnProgress = ignore_progress
) -> CheckVoicebankResult:
    """Examine a voicebank and sing with it; what is wrong with it is a finding.

    The result holds everything; `shortened` makes it a tool's. Raises SingSynthError: an unknown voicebank, an upstream
    that does not answer.
    """
    check = _Check(request.voicebank, caller, on_progress)
    await check.examine()
    await check.sing()
    return check.result()


def shortened(result: CheckVoicebankResult) -> CheckVoicebankResult:
    """Return a result under 4 KB: the models' inputs left out, the gravest findings and first probes kept."""
    short = result.model_copy(update={"models": None, "findings": [], "credits": (result.credits or [])[:3]})
    short.probes = (result.probes or [])[:6] or None
    for findings in range(len(result.findings or []), -1, -1):
        short.findings = [_cut(row) for row in (result.findings or [])[:findings]]
        if len(short.model_dump_json(exclude_none=True).encode()) <= _RESULT_BYTES:
            break
    return short


def _level(code: str) -> Level:
    """Return how grave a tool's warning is: what is made by rule is as the format means it."""
    return "note" if code == "made_by_rule" else "warning"


def _cut(row: FindingRow) -> FindingRow:
    return row.model_copy(update={"message": row.message[:200]})


@dataclass
class _Check:
    voicebank: str | None
    caller: ToolCaller
    on_progress: OnProgress
    facts: dict[str, Any] = field(default_factory=dict)
    models: list[ModelRow] = field(default_factory=list)
    findings: list[FindingRow] = field(default_factory=list)
    probes: list[ProbeRow] = field(default_factory=list)
    levels: list[RangeRow] = field(default_factory=list)
    deterministic: bool = True
    unlisted: int = 0

    async def examine(self) -> None:
        """Gather what the voicebank declares, its files' and its models' findings."""
        await self._guarded(self._info(), "")
        for done, stage in enumerate(_SURVEYED):
            await self.on_progress(Progress(0.2 * done / len(_SURVEYED), "get_voicebank_info", stage))
            await self._guarded(self._survey(stage), "")

    async def sing(self) -> None:
        """Sing the probes that the voicebank can, mode by mode."""
        syllables = self.facts.get("syllables")
        if not syllables:
            return
        speakers: list[str | None] = list(self.facts.get("speakers") or []) or [None]
        has_pitch = "pitch" in self.facts.get("stages", ())
        modes = [(WRITTEN, speaker) for speaker in (speakers[:1] if has_pitch else speakers)]
        modes += [(PREDICTED, speaker) for speaker in speakers if has_pitch]
        for done, (mode, speaker) in enumerate(modes):
            await self.on_progress(Progress(0.2 + 0.6 * done / len(modes), "sing", f"{mode} {speaker or ''}".strip()))
            song = melody(syllables, *self._range(speaker))
            await self._guarded(self._probe(mode, speaker, song), f"{mode}, {speaker or 'the voice'}: ")
        for done, speaker in enumerate(speakers):
            lowest, highest = self._range(speaker)
            await self.on_progress(Progress(0.8 + 0.2 * done / len(speakers), "sing", f"{lowest} to {highest}"))
            walk = range_walk(syllables[0], lowest, highest)
            await self._guarded(self._probe(RANGE, speaker, walk), f"range, {speaker or 'the voice'}: ")
        await self.on_progress(Progress(1.0, "check_voicebank"))

    def _range(self, speaker: str | None) -> tuple[str, str]:
        own = (self.facts.get("ranges") or {}).get(speaker)
        if own:
            lowest, _, highest = own.partition(" to ")
            return lowest, highest
        return self.facts.get("lowest") or USUAL_RANGE[0], self.facts.get("highest") or USUAL_RANGE[1]

    def result(self) -> CheckVoicebankResult:
        """Return what was gathered, the gravest findings first."""
        order = ("error", "warning", "note")
        findings = sorted(self.findings, key=lambda row: order.index(row.level))
        inputs = [(model.file, item) for model in self.models for item in model.inputs]
        known = {name: value for name, value in self.facts.items() if name in CheckVoicebankResult.model_fields}
        return CheckVoicebankResult.model_validate(
            known
            | {
                "voicebank": self.facts.get("id", self.voicebank),
                "passed": not any(row.level == "error" for row in findings),
                "models": self.models,
                "probes": self.probes,
                "range": self.levels or None,
                "findings": findings,
                "total": len(findings) + self.unlisted,
                "inputs_fed": sum(item.fed is not None for _, item in inputs),
                "inputs_not_fed": [f"{file}: {item.name}" for file, item in inputs if item.fed is None] or None,
                "deterministic": self.deterministic if self.probes else None,
            }
        )

    async def _info(self) -> None:
        self.facts |= await self._call("get_voicebank_info", {"voicebank": self.voicebank})

    async def _survey(self, stage: SurveyedStage) -> None:
        looked = await self._call("get_voicebank_info", {"voicebank": self.voicebank, "stage": stage})
        self.facts = {name: looked[name] for name in ("id", "digest", "syllables") if name in looked} | self.facts
        self.models += [ModelRow.model_validate(model) for model in looked.get("models") or ()]
        rows = [FindingRow.model_validate(row) for row in looked.get("findings") or ()]
        self.unlisted += looked.get("findings_total", len(rows)) - len(rows)
        self._add(rows)

    async def _probe(self, mode: str, speaker: str | None, song: ProbeSong) -> None:
        heard = await self._heard(mode, speaker, song)
        self.deterministic = self.deterministic and heard.deterministic
        row = heard.row(mode, speaker)
        self.probes.append(row)
        self._add(judge_probe(row, strict=mode != PREDICTED))
        if mode == RANGE:
            levels = heard.levels()
            self.levels = self.levels or levels
            self._add(judge_range(levels))

    async def _heard(self, mode: str, speaker: str | None, song: ProbeSong) -> Heard:
        """Sing a song through all stages and measure every phrase on its audio."""
        score = await self._call("parse_score", {"text": song.musicxml})
        phonemes = await self._call("phonemize", {"score": score["id"], "voicebank": self.voicebank})
        drawn = mode != PREDICTED
        words = {"score": score["id"], "phonemes": phonemes["id"], "speaker": speaker}
        words |= {"controls": {"expressiveness": 0}} if drawn else {}
        performance = await self._call("align_phonemes_to_notes", words)
        phrases = performance["phrases"]
        performance = await self._call("predict_durations", {"performance": performance["id"]})
        performance = await self._call("predict_pitch", {"performance": performance["id"], "drawn": drawn})
        performance = await self._call("predict_variance", {"performance": performance["id"]})
        mel = await self._call("synthesize_audio", {"performance": performance["id"]})
        audio = await self._call("vocode", {"mel": mel["id"]})
        heard = Heard(song.notes, bool(audio.get("deterministic", True)))
        for phrase in range(1, phrases + 1):
            question = {"audio": audio["id"], "phrases": str(phrase), "picture": False, "notes": True}
            heard.add(await self._call("inspect_performance", question))
        return heard

    async def _call(self, name: str, arguments: Mapping[str, Any]) -> dict[str, Any]:
        given = {key: value for key, value in arguments.items() if value is not None}
        result = await self.caller.call(name, given, ignore_progress)
        told = [warning for warning in result.get("warnings") or () if warning["code"] not in _EXPECTED]
        self._add([FindingRow(level=_level(w["code"]), code=w["code"], message=w["message"]) for w in told])
        return result

    async def _guarded(self, work: Any, where: str) -> None:
        """Do something; an error that is the voicebank's becomes a finding."""
        try:
            await work
        except SingSynthError as error:
            if error.code not in _BROKEN:
                raise
            path = error.details.get("path")
            file = str(path).replace("\\", "/").rsplit("/", 1)[-1] if path else None
            key = error.details.get("input") or error.details.get("key")
            self._add(
                [FindingRow(level="error", code=error.code, message=f"{where}{error.message}", file=file, key=key)]
            )

    def _add(self, rows: list[FindingRow]) -> None:
        self.findings += [row for row in rows if row not in self.findings]
