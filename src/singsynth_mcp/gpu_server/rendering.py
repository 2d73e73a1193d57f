"""What the stages share: open a performance, go phrase by phrase through the memo, say what went wrong where."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property

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
from singsynth_mcp.side_by_side import side_by_side
from singsynth_mcp.synthesis.engines.files import file_facts
from singsynth_mcp.synthesis.engines.onnx import OnnxEngine, shared_engine
from singsynth_mcp.synthesis.predictors import wants_languages
from singsynth_mcp.synthesis.stages import STAGES, placements, stage_files
from singsynth_mcp.voicebanks import Stage, Voicebank, get_voicebank
from singsynth_mcp.voicebanks.stage import StageName

_IN_FLIGHT = 2
"""Phrases of one call that are worked on at a time."""


@dataclass(frozen=True)
class PhraseFacts:
    """What a result says of a stage's work on a phrase."""

    unused_controls: tuple[str, ...] = ()
    """Controls that the phrase sets and the voicebank cannot follow."""
    stood_in: tuple[str, ...] = ()
    """Speakers that the stage's own model lacks."""
    start_s: float = 0.0
    """Where frame 0 lies, from the phrase's origin."""
    frames: int = 0


@dataclass(frozen=True)
class PhraseWork:
    """A stage's work on one phrase: the hash of what it reads, and what makes the blob where the memo has none."""

    reads: str
    make: Callable[[], Awaitable[bytes]]
    facts: PhraseFacts = PhraseFacts()
    look_at: Callable[[str, bytes], Awaitable[None]] | None = None
    """What is to be done with the blob that was made, its SHA-256 and bytes, while the next phrase is in the model."""


@dataclass(frozen=True)
class StageRun:
    """What a stage's result depends on beside the phrase, and what is to be said of it."""

    key: str
    device: str
    is_deterministic: bool


_outcomes: OrderedDict[tuple[str, ...], tuple[str, PhraseFacts]] = OrderedDict()
"""(stage's key, seed, the blobs it reads) → (blob, facts), used last at the end: what was done before in this process.

The memo says the same of a phrase that has been read; here it need not be read.
"""
_MOST_OUTCOMES = 50_000


def known_outcome(key: str, seed: int, blob: str, beside: str = "") -> str | None:
    """Return the blob that a stage made of a phrase's in this process, None where it made none.

    key: of the stage's StageRun. beside: what it reads beside the phrase.
    """
    outcome = _outcomes.get(_outcome_key(key, seed, blob, beside))
    return outcome and outcome[0]


def _outcome_key(key: str, seed: int, blob: str, beside: str) -> tuple[str, ...]:
    return key, str(seed), blob, beside


@dataclass(frozen=True)
class Rendering:
    """A performance in the hands of one stage."""

    tool: str
    performance_id: str
    performance: Manifest
    bank: Voicebank
    engine: OnnxEngine
    services: GpuServices
    facts: dict[int, PhraseFacts] = field(default_factory=dict)
    """Of the phrases that `blobs` has been through."""

    async def blobs(
        self,
        indices: Sequence[int],
        prepare: Callable[[int, Phrase], PhraseWork],
        beside: Mapping[int, str] | None = None,
    ) -> dict[int, str]:
        """Return each phrase's blob: remembered, from the memo, or made now.

        prepare: runs in a worker thread. beside: blobs that the stage reads beside the performance's.
        Raises the stage's errors with the tool's name and the phrase's number put before the message.
        """
        run = self.run
        entries, besides = self.performance.entries, beside or {}
        keys = {
            index: _outcome_key(run.key, self.seed, entries[index].blob, besides.get(index, "")) for index in indices
        }
        blobs = await self._remembered(keys)
        making: dict[str, anyio.Event] = {}

        async def work(index: int) -> None:
            with _naming(self.tool, index):
                data = await self.services.store.get_blob(self.performance.entries[index].blob)
                phrase = await to_thread.run_sync(_prepared, prepare, index, data)
                blob = await self._blob(memo_key(run.key, phrase.reads), phrase, making)
            blobs[index], self.facts[index] = blob, phrase.facts
            _outcomes[keys[index]] = blob, phrase.facts
            await self._report(len(blobs), len(indices))

        # While one phrase is in a model (whose runs take turns) the next is made ready and the one before is stored.
        # `sing` has two calls at work, in different stages.
        await side_by_side(work, [index for index in indices if index not in blobs], _IN_FLIGHT)
        while len(_outcomes) > _MOST_OUTCOMES:
            _outcomes.popitem(last=False)
        return blobs

    @property
    def seed(self) -> int:
        """What the performance's noise is drawn from, phrase by phrase."""
        return int(self.performance.header.get("seed", 0))

    @cached_property
    def run(self) -> StageRun:
        """What the stage runs on.

        It is deterministic where no model up to this stage draws noise that a seed cannot decide. Nor may this stage
        run where equal inputs do not give equal bits.
        """
        bank = self.bank
        placed = placements(self.tool, bank, self.engine).values()
        names = list(STAGES)
        until = names[: names.index(self.tool) + 1]
        read = [path for name in until for path in stage_files(name, bank)]
        key = memo_key(
            *(self.tool, STAGES[self.tool].version, bank.digest),
            *([file_facts(path).sha256 for path in stage_files(self.tool, bank)], list(map(str, placed))),
        )
        device = f"{'; '.join(dict.fromkeys(map(str, placed))) or 'no model'} ({self.engine.choice.reason})"
        repeats = all(place.repeats for place in placed) and all(file_facts(path).is_repeatable for path in read)
        return StageRun(key, device, repeats)

    def lacking(self, stage: Stage | None, phrase: Phrase) -> tuple[str, ...]:
        """Return the phrase's speakers that a stage's own model lacks."""
        if stage is None or not stage.config.speakers:
            return ()
        return tuple(name for name in phrase.speaker if stage.speaker(name, self.bank.speakers) is None)

    def warnings(self, stage: StageName | None = None) -> list[PassedOver]:
        """Return a warning for each control passed over, speaker and language not known, device not used.

        To be asked for in a worker thread: it may open models.
        stage: whose model may take languages; the vocoder takes none.
        """
        unused = Counter(name for facts in self.facts.values() for name in facts.unused_controls)
        controls = [
            PassedOver(
                code="control_not_supported",
                message=f"{self.tool}: voicebank {self.bank.id} has no {name}; passed over in {count} phrases",
            )
            for name, count in sorted(unused.items())
        ]
        speakers = [
            PassedOver(
                code="speaker_stood_in",
                message=f"{self.tool}: voicebank {self.bank.id} has no speaker {name} here; its first stood in",
            )
            for name in sorted({name for facts in self.facts.values() for name in facts.stood_in})
        ]
        model = wants_languages(self.bank, stage, self.engine) if stage else None
        message = f"{self.tool}: {model} takes languages and no languages.json says their ids; it got 0 for all"
        languages = [PassedOver(code="languages_unknown", message=message)] if model else []
        return controls + speakers + languages + self._devices_passed_over()

    def _devices_passed_over(self) -> list[PassedOver]:
        placed = placements(self.tool, self.bank, self.engine).values()
        problems = [*self.engine.choice.warnings, *(problem for place in placed for problem in place.warnings)]
        return [PassedOver(code="device_passed_over", message=problem) for problem in problems]

    async def _remembered(self, keys: Mapping[int, tuple[str, ...]]) -> dict[int, str]:
        """Return the blobs of phrases that this process has been through, those that the store still holds."""
        found = {index: _outcomes[key] for index, key in keys.items() if key in _outcomes}
        if not found:
            return {}
        lost = set(await self.services.store.missing_blobs([blob for blob, _ in found.values()]))
        kept = {index: outcome for index, outcome in found.items() if outcome[0] not in lost}
        for index, (_, facts) in kept.items():
            self.facts[index] = facts
            _outcomes.move_to_end(keys[index])
        if kept:
            await self._report(len(kept), len(keys))
        return {index: blob for index, (blob, _) in kept.items()}

    async def _report(self, done: int, total: int) -> None:
        await self.services.on_progress(Progress(done / total, self.tool, f"phrase {done} of {total}"))

    async def _blob(self, key: str, phrase: PhraseWork, making: dict[str, anyio.Event]) -> str:
        """Return a phrase's blob, from the memo or made now; of equal phrases the second waits for the first."""
        if key in making:
            await making[key].wait()
        made = making[key] = anyio.Event()
        blob = await self._recalled(key)
        if blob is None:
            data = await phrase.make()
            blob = await self._stored(key, data)
            if phrase.look_at is not None:
                await phrase.look_at(blob, data)
        made.set()
        return blob

    async def _recalled(self, key: str) -> str | None:
        store = self.services.store
        blob = await store.recall(key)
        return None if blob is None or await store.missing_blobs([blob]) else blob

    async def _stored(self, key: str, made: bytes) -> str:
        blob = await self.services.store.put_blob(made)
        await self.services.store.remember(key, blob)
        return blob


def _prepared(prepare: Callable[[int, Phrase], PhraseWork], index: int, data: bytes) -> PhraseWork:
    return prepare(index, phrase_from_bytes(data))


async def open_rendering(
    tool: str, performance_id: str, services: GpuServices, without: StageName | None = None
) -> Rendering:
    """Load a performance's manifest and its voicebank, one of whose models may be passed over.

    Raises UnknownArtifact, WrongArtifactKind, UnknownVoicebank, InvalidVoicebank, VoicebankMismatch.
    """
    performance = await services.store.get(performance_id, "performance")
    header, settings = performance.header, services.settings

    def opened() -> Rendering:
        bank = get_voicebank(header["voicebank"], settings.voicebank_folders)
        if header["voicebank_digest"] != bank.digest:
            raise VoicebankMismatch(
                f"{performance_id} was made for another version of voicebank {bank.id}",
                hint="Call phonemize and align_phonemes_to_notes again, or install the same version everywhere",
                voicebank=bank.id,
                expected=header["voicebank_digest"],
                found=bank.digest,
            )
        used = bank if without is None else bank.without(without)
        rendering = Rendering(tool, performance_id, performance, used, engine_of(settings), services)
        _ = rendering.run  # here, since it may open models
        return rendering

    return await to_thread.run_sync(opened)


def engine_of(settings: Settings) -> OnnxEngine:
    """Return the process's engine for its settings."""
    return shared_engine(settings.threads, settings.device, settings.models_max_bytes)


def replaced(entries: Sequence[Entry], blobs: Mapping[int, str]) -> tuple[Entry, ...]:
    """Return the entries with new blobs, those not in `blobs` as they were."""
    return tuple(Entry(entry.start_seconds, blobs.get(index, entry.blob)) for index, entry in enumerate(entries))


@contextmanager
def _naming(tool: str, index: int) -> Iterator[None]:
    try:
        yield
    except SingSynthError as error:
        error.message = f"{tool}, phrase {index + 1}: {error.message}"
        error.details.setdefault("phrase", index + 1)
        raise
