"""What the stages share: open a performance, go phrase by phrase through the memo, say what went wrong where."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import anyio
from anyio import to_thread

from singsynth_mcp.artifacts.base import Entry, Manifest, memo_key
from singsynth_mcp.contracts.calling import Progress
from singsynth_mcp.contracts.common import PassedOver
from singsynth_mcp.errors import SingSynthError, VoicebankMismatch
from singsynth_mcp.gpu_server.services import GpuServices
from singsynth_mcp.performance.blobs import phrase_from_bytes
from singsynth_mcp.performance.model import Phrase
from singsynth_mcp.settings import Settings
from singsynth_mcp.synthesis.engines.files import file_facts
from singsynth_mcp.synthesis.engines.onnx import OnnxEngine, shared_engine
from singsynth_mcp.synthesis.predictors import wants_languages
from singsynth_mcp.synthesis.stages import STAGES, placements
from singsynth_mcp.voicebanks import Stage, Voicebank, get_voicebank
from singsynth_mcp.voicebanks.stage import StageName

_IN_FLIGHT = 2
"""Phrases of one call that are worked on at a time."""


@dataclass(frozen=True)
class PhraseWork:
    """A stage's work on one phrase: the hash of what it reads, and what makes the blob where the memo has none."""

    reads: str
    make: Callable[[], Awaitable[bytes]]


@dataclass(frozen=True)
class Rendering:
    """A performance in the hands of one stage."""

    tool: str
    performance_id: str
    performance: Manifest
    bank: Voicebank
    engine: OnnxEngine
    services: GpuServices
    passed_over: Counter[str] = field(default_factory=Counter)
    """Control that the voicebank cannot follow → in how many phrases."""
    stood_in: set[str] = field(default_factory=set)
    """Speakers that the stage's own model lacks."""

    async def phrase(self, index: int) -> Phrase:
        """Return a phrase of the performance. Raises ArtifactsMissing."""
        data = await self.services.store.get_blob(self.performance.entries[index].blob)
        return phrase_from_bytes(data)

    async def blobs(self, indices: Sequence[int], work_on: Callable[[int], Awaitable[PhraseWork]]) -> dict[int, str]:
        """Return each phrase's blob, from the memo or made now.

        Raises the stage's errors with the tool's name and the phrase's number put before the message.
        """
        facts = await to_thread.run_sync(self._facts)
        blobs: dict[int, str] = {}
        waiting, in_models = iter(indices), anyio.Lock()

        async def work() -> None:
            for index in waiting:
                with _naming(self.tool, index):
                    phrase = await work_on(index)
                    key = memo_key(self.tool, facts, phrase.reads)
                    async with in_models:
                        blobs[index] = await self._recalled(key) or await self._made(key, phrase.make)
                done = len(blobs)
                progress = Progress(done / len(indices), self.tool, f"phrase {done} of {len(indices)}")
                await self.services.on_progress(progress)

        # While one phrase is in a model the next is made ready. `sing` has two calls at work, in different stages.
        try:
            async with anyio.create_task_group() as group:
                for _ in range(min(_IN_FLIGHT, len(indices))):
                    group.start_soon(work)
        except BaseExceptionGroup as errors:
            raise _first_error(errors) from errors
        return blobs

    @property
    def seed(self) -> int:
        """What the performance's noise is drawn from, phrase by phrase."""
        return int(self.performance.header.get("seed", 0))

    async def device(self) -> str:
        """Say what the stage's models ran on, and why."""
        placed = await to_thread.run_sync(placements, self.tool, self.bank, self.engine)
        return f"{'; '.join(dict.fromkeys(map(str, placed.values()))) or 'no model'} ({self.engine.choice.reason})"

    async def is_deterministic(self) -> bool:
        """Return whether no model up to this stage draws noise that a seed cannot decide.

        Nor may this stage run where equal inputs do not give equal bits.
        """
        placed = await to_thread.run_sync(placements, self.tool, self.bank, self.engine)
        if not all(place.repeats for place in placed.values()):
            return False
        names = list(STAGES)
        until = names[: names.index(self.tool) + 1]
        files = [path for name in until for path in STAGES[name].files(self.bank)]
        return await to_thread.run_sync(lambda: all(file_facts(path).is_repeatable for path in files))

    def note(self, stage: Stage | None, phrase: Phrase, unused_controls: Iterable[str]) -> None:
        """Keep in mind what `warnings` is to say of a phrase."""
        self.passed_over.update(unused_controls)
        if stage is not None and stage.config.speakers:
            lacking = (name for name in phrase.speaker if stage.speaker(name, self.bank.speakers) is None)
            self.stood_in.update(lacking)

    async def warnings(self, stage: StageName | None = None) -> list[PassedOver]:
        """Return a warning for each control passed over, speaker and language not known, device not used.

        stage: whose model may take languages; the vocoder takes none.
        """
        controls = [
            PassedOver(
                code="control_not_supported",
                message=f"{self.tool}: voicebank {self.bank.id} has no {name}; passed over in {count} phrases",
            )
            for name, count in sorted(self.passed_over.items())
        ]
        speakers = [
            PassedOver(
                code="speaker_stood_in",
                message=f"{self.tool}: voicebank {self.bank.id} has no speaker {name} here; its first stood in",
            )
            for name in sorted(self.stood_in)
        ]
        return controls + speakers + await to_thread.run_sync(self._of_models, stage)

    def _of_models(self, stage: StageName | None) -> list[PassedOver]:
        model = wants_languages(self.bank, stage, self.engine) if stage else None
        message = f"{self.tool}: {model} takes languages and no languages.json says their ids; it got 0 for all"
        languages = [PassedOver(code="languages_unknown", message=message)] if model else []
        return languages + self._devices_passed_over()

    def _devices_passed_over(self) -> list[PassedOver]:
        placed = placements(self.tool, self.bank, self.engine).values()
        problems = [*self.engine.choice.warnings, *(problem for place in placed for problem in place.warnings)]
        return [PassedOver(code="device_passed_over", message=problem) for problem in problems]

    def _facts(self) -> dict[str, Any]:
        stage = STAGES[self.tool]
        return {
            "version": stage.version,
            "voicebank": self.bank.digest,
            "files": [file_facts(path).sha256 for path in stage.files(self.bank)],
            "engine": [str(place) for place in placements(self.tool, self.bank, self.engine).values()],
        }

    async def _recalled(self, key: str) -> str | None:
        store = self.services.store
        blob = await store.recall(key)
        return None if blob is None or await store.missing_blobs([blob]) else blob

    async def _made(self, key: str, make: Callable[[], Awaitable[bytes]]) -> str:
        blob = await self.services.store.put_blob(await make())
        await self.services.store.remember(key, blob)
        return blob


async def open_rendering(tool: str, performance_id: str, services: GpuServices) -> Rendering:
    """Load a performance's manifest and its voicebank.

    Raises UnknownArtifact, WrongArtifactKind, UnknownVoicebank, InvalidVoicebank, VoicebankMismatch.
    """
    performance = await services.store.get(performance_id, "performance")
    header, settings = performance.header, services.settings
    bank = await to_thread.run_sync(get_voicebank, header["voicebank"], settings.voicebank_folders)
    if header["voicebank_digest"] != bank.digest:
        raise VoicebankMismatch(
            f"{performance_id} was made for another version of voicebank {bank.id}",
            hint="Call phonemize and align_phonemes_to_notes again, or install the same version everywhere",
            voicebank=bank.id,
            expected=header["voicebank_digest"],
            found=bank.digest,
        )
    return Rendering(tool, performance_id, performance, bank, engine_of(settings), services)


def engine_of(settings: Settings) -> OnnxEngine:
    """Return the process's engine for its settings."""
    return shared_engine(settings.threads, settings.device, settings.models_max_bytes)


def replaced(entries: Sequence[Entry], blobs: Mapping[int, str]) -> tuple[Entry, ...]:
    """Return the entries with new blobs, those not in `blobs` as they were."""
    return tuple(Entry(entry.start_seconds, blobs.get(index, entry.blob)) for index, entry in enumerate(entries))


def _first_error(group: BaseExceptionGroup[BaseException]) -> BaseException:
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


@contextmanager
def _naming(tool: str, index: int) -> Iterator[None]:
    try:
        yield
    except SingSynthError as error:
        error.message = f"{tool}, phrase {index + 1}: {error.message}"
        error.details.setdefault("phrase", index + 1)
        raise
