"""sing: the whole chain from a score to an audio file, over any ToolCaller."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import anyio

from singsynth_mcp.contracts.calling import OnProgress, Progress, ToolCaller, ignore_progress
from singsynth_mcp.contracts.common import LIST_LIMIT, PassedOver, first_warnings
from singsynth_mcp.contracts.score import ScoreSource
from singsynth_mcp.contracts.sing import SingRequest, SingResult, SungPart, SungPartResult
from singsynth_mcp.errors import InvalidRequest, NothingToSing, SingSynthError, first_error
from singsynth_mcp.recipes.stages import Rendered, run_stages
from singsynth_mcp.recipes.windows import Window, windows_of

_OF_ALIGNMENT = (
    frozenset(SingRequest.model_fields) - {"performances", "parts", "format", "output", "loudness_lufs", "wait_seconds"}
)  # fmt: skip
"""Choices that a performance has made: the score, who sings, how."""
_PREPARED, _SUNG = 0.04, 0.94
"""Where the gpu stages begin and end in the whole progress."""
_IN_FLIGHT = 2


async def sing(
    request: SingRequest,
    caller: ToolCaller,
    on_progress: OnProgress = ignore_progress,
    clock: Callable[[], float] = time.perf_counter,
) -> SingResult:
    """Sing a score: parse, phonemize, align, predict, synthesize, vocode, save.

    The phrases go through the stages in windows, two in flight; `ready` in the progress names their audio in order.
    A stage that a dying upstream interrupts is repeated once.

    Raises SingSynthError: whatever a tool answered; NothingToSing when no part has lyrics.
    """
    started = clock()
    song = _Song(request, caller, on_progress)
    if request.performances:
        await song.take_performances()
    else:
        await song.read_score()
        await song.prepare_parts()
    await song.sing_windows()
    await song.gather_parts()
    saved = await song.save()
    seconds = saved.get("seconds") or 0.0
    return SingResult.model_validate(
        {
            **saved,
            "warnings": first_warnings(song.warnings),
            "score": song.score,
            "voicebank": song.parts[0].voicebank,
            "parts": [part.result() for part in song.parts[:LIST_LIMIT]],
            "performances": [part.performance for part in song.parts[:LIST_LIMIT]],
            "real_time_factor": round((clock() - started) / seconds, 4) if seconds else None,
            "device": ", ".join(song.devices) or None,
            "deterministic": all(part.deterministic for part in song.parts),
        }
    )


@dataclass
class _Part:
    """A part on its way through the stages."""

    choices: SungPart
    performance: str
    phrases: int
    seconds: float
    sung: list[str]
    """Phrases that have been sung before."""
    voicebank: str = ""
    audio: str = ""
    deterministic: bool = True

    def take(self, whole: Rendered) -> None:
        """Keep what all the part's phrases have become."""
        self.performance, self.audio, self.deterministic = whole.performance, whole.audio, whole.deterministic

    def result(self) -> SungPartResult:
        return SungPartResult(
            part=self.choices.part, voicebank=self.voicebank, performance=self.performance, audio=self.audio
        )


@dataclass
class _Song:
    request: SingRequest
    caller: ToolCaller
    on_progress: OnProgress
    score: str = ""
    parts: list[_Part] = field(default_factory=list)
    warnings: list[PassedOver] = field(default_factory=list)
    devices: dict[str, None] = field(default_factory=dict)
    """What models ran on, each once."""
    _summary: dict[str, Any] = field(default_factory=dict)
    _ready: dict[int, tuple[str, float]] = field(default_factory=dict)
    _reported: float = 0.0

    async def read_score(self) -> None:
        """Parse the score (or take its id) and apply the tempo."""
        source = self.request.model_dump(include=set(ScoreSource.model_fields), exclude_none=True)
        summary = await self._call("parse_score", source)
        if self.request.tempo is not None:
            operation = {"operation": "set_tempo", "quarters_per_minute": self.request.tempo}
            summary = await self._call("modify_score", {"score": summary["id"], "operations": [operation]})
        self.score, self._summary = summary["id"], summary

    async def take_performances(self) -> None:
        """Go on with performances that were aligned, and perhaps edited, before.

        Raises InvalidRequest for choices that are made when a performance is aligned.
        """
        request = self.request
        neutral = SingRequest()
        late = sorted(name for name in _OF_ALIGNMENT if getattr(request, name) != getattr(neutral, name))
        if late:
            hint = "Leave them out, change the performance with modify_performance, or sing the score again"
            raise InvalidRequest(f"a performance has its {', '.join(late)} already", hint=hint)
        choices = {part.part: part for part in request.parts or ()}
        for performance in request.performances or ():
            # Predicting is quick, and says what the performance is: whose part, how long.
            facts = await self._call("predict_durations", {"performance": performance})
            own = choices.pop(facts["part"], SungPart(part=facts["part"]))
            _check_mix_only(own)
            sung = facts.get("sung") or []
            self.parts.append(_Part(own, performance, facts["phrases"], facts["seconds"], sung, facts["voicebank"]))
            self.score = facts["score"]
        if choices:
            there = ", ".join(part.choices.part for part in self.parts)
            raise InvalidRequest(f"no performance sings part {', '.join(choices)}", hint=f"Parts: {there}")

    async def _parts_with_lyrics(self) -> list[str]:
        """Return the ids of all parts that can sing: a summary lists as many as fit, `next` names those after."""
        summary, found = self._summary, list[str]()
        while True:
            found += [part["id"] for part in summary["parts"] if part["sung_notes"] and part["verses"]]
            if not summary["parts"] or not summary.get("next"):
                return found
            summary = await self._call("parse_score", {"score": self.score, "range": summary["next"]})

    async def prepare_parts(self) -> None:
        """Phonemize and align every part that is to be sung."""
        for choices in await self._chosen_parts():
            await self._report(_PREPARED / 2, "phonemize", f"part {choices.part}")
            self.parts.append(await self._prepare(choices))

    async def _chosen_parts(self) -> list[SungPart]:
        request = self.request
        if request.parts and request.part:
            raise InvalidRequest("give part or parts, not both", hint="parts is for several singers with choices each.")
        if request.parts:
            return request.parts
        names = [request.part] if request.part else await self._parts_with_lyrics()
        if not names:
            raise NothingToSing(
                "no part of the score has lyrics",
                hint="Add some with modify_score and set_lyrics, or give a score with lyrics.",
            )
        return [SungPart(part=name) for name in names]

    async def _prepare(self, choices: SungPart) -> _Part:
        request = self.request
        phonemes = await self._call(
            "phonemize",
            {
                "score": self.score,
                "part": choices.part,
                "verse": request.verse,
                "language": choices.language or request.language,
                "voicebank": choices.voicebank or request.voicebank,
                "pronunciations": request.pronunciations or None,
            },
        )
        aligned = await self._call(
            "align_phonemes_to_notes",
            {
                "score": self.score,
                "phonemes": phonemes["id"],
                "speaker": choices.speaker or request.speaker,
                "controls": request.controls,
                "transpose": request.transpose + choices.transpose,
                "breaths": request.breaths,
                "seed": request.seed,
                "edits_of": request.edits_of,
            },
        )
        voicebank = phonemes.get("voicebank", choices.voicebank or request.voicebank or "")
        # The first phrase's durations are wanted first in any case; their result knows what was sung before.
        first = await self._answer("predict_durations", {"performance": aligned["id"], "phrases": "1"}, ignore_progress)
        sung = first.get("sung") or []
        return _Part(choices, aligned["id"], aligned["phrases"], aligned["seconds"], sung, voicebank)

    async def sing_windows(self) -> None:
        """Send the windows of all parts through the gpu stages in the order of the music, two in flight.

        A window that is all there is needs no gathering.
        """
        split = [windows_of(i, part.phrases, part.seconds, part.sung) for i, part in enumerate(self.parts)]
        windows = sorted(window for windows in split for window in windows)
        total = sum(window.size for window in windows)
        done = dict.fromkeys(range(len(windows)), 0.0)
        slots = anyio.Semaphore(_IN_FLIGHT)

        async def run(index: int, window: Window) -> None:
            async def on_fraction(fraction: float, stage: str) -> None:
                done[index] = fraction * window.size
                sung = sum(done.values()) / total
                await self._report(_PREPARED + (_SUNG - _PREPARED) * sung, stage, f"phrases {window.phrases}")

            try:
                part = self.parts[window.part]
                if len(windows) == 1:
                    part.take(rendered := await run_stages(self._call, part.performance, "all", on_fraction))
                else:
                    rendered = await run_stages(self._answer, part.performance, window.phrases, on_fraction)
                self._ready[index] = (rendered.audio, rendered.seconds)
            finally:
                slots.release()

        try:
            async with anyio.create_task_group() as group:
                for index, window in enumerate(windows):
                    await slots.acquire()
                    group.start_soon(run, index, window)
        except BaseExceptionGroup as errors:
            raise first_error(errors) from errors

    async def gather_parts(self) -> None:
        """Fill each performance whole, if it is not; every phrase's work is remembered by now.

        What there is to say of the stages is said here, of all phrases, and not of each window.
        """
        for part in self.parts:
            if not part.audio:
                part.take(await run_stages(self._call, part.performance, "all"))

    async def save(self) -> dict[str, Any]:
        """Mix the parts and write the file."""
        await self._report(_SUNG, "save_audio", "")
        request = self.request
        tracks: str | list[dict[str, Any]] = [
            {"audio": part.audio, "gain_db": part.choices.gain_db, "pan": part.choices.pan} for part in self.parts
        ]
        if len(self.parts) == 1 and not (self.parts[0].choices.gain_db or self.parts[0].choices.pan):
            tracks = self.parts[0].audio
        arguments = {
            "audio": tracks,
            "format": request.format,
            "output": request.output,
            "loudness_lufs": request.loudness_lufs,
        }
        saved = await self._call("save_audio", arguments, keep_null=("loudness_lufs",))
        await self._report(1.0, "save_audio", saved["path"])
        return {key: value for key, value in saved.items() if key not in ("job_id", "progress", "stage", "position")}

    async def _call(
        self,
        name: str,
        arguments: Mapping[str, Any],
        on_progress: OnProgress = ignore_progress,
        *,
        keep_null: tuple[str, ...] = (),
    ) -> dict[str, Any]:
        """Call a tool and keep what it says of devices and warnings."""
        given = {key: value for key, value in arguments.items() if value is not None or key in keep_null}
        result = await self._answer(name, given, on_progress)
        self.devices |= {result["device"]: None} if result.get("device") else {}
        self.warnings += [PassedOver.model_validate(warning) for warning in result.get("warnings") or ()]
        return result

    async def _answer(self, name: str, arguments: Mapping[str, Any], on_progress: OnProgress) -> dict[str, Any]:
        """Return a tool's result, asked once more where its upstream died."""
        try:
            return await self.caller.call(name, arguments, on_progress)
        except SingSynthError as error:
            if error.code != "upstream_died":
                raise
            return await self.caller.call(name, arguments, on_progress)

    async def _report(self, fraction: float, stage: str, message: str) -> None:
        self._reported = max(self._reported, fraction)
        ready = []
        for index in range(len(self._ready)):
            if index not in self._ready:
                break
            ready.append(self._ready[index])
        ids = tuple(audio for audio, _ in ready[-LIST_LIMIT:])
        seconds = sum(seconds for _, seconds in ready)
        await self.on_progress(Progress(self._reported, stage, message, ids, seconds))


def _check_mix_only(part: SungPart) -> None:
    """Raise InvalidRequest for choices of a part that its performance has made already."""
    mixed = SungPart(part=part.part, gain_db=part.gain_db, pan=part.pan)
    late = sorted(name for name in SungPart.model_fields if getattr(part, name) != getattr(mixed, name))
    if late:
        message = f"part {part.part}: its performance has its {', '.join(late)} already"
        raise InvalidRequest(message, hint="Of a performance's part only gain_db and pan can be chosen")
