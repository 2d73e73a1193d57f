"""synthesize_audio."""

from __future__ import annotations

from dataclasses import replace

from anyio import to_thread

from singsynth_mcp.artifacts.base import Entry, Manifest, memo_key, sha256
from singsynth_mcp.contracts.audio import MelResult, SynthesizeRequest
from singsynth_mcp.contracts.common import first_warnings, phrase_indices
from singsynth_mcp.gpu_server.rendering import PhraseWork, Rendering, open_rendering
from singsynth_mcp.gpu_server.services import GpuServices
from singsynth_mcp.performance.blobs import mel_to_bytes, phrase_to_bytes
from singsynth_mcp.performance.model import Phrase, unedited
from singsynth_mcp.synthesis.acoustic import (
    CONTROLS,
    follows_tone_shift,
    synthesize,
    unused_acoustic_controls,
)
from singsynth_mcp.synthesis.seeds import phrase_seed


async def synthesize_audio(request: SynthesizeRequest, services: GpuServices) -> MelResult:
    """Turn a performance with durations, pitch and variance into a mel that holds the phrases asked for.

    Raises UnknownArtifact, WrongArtifactKind, VoicebankMismatch, InvalidVoicebank, InvalidRequest, StageMissing,
    SynthesisFailed.
    """
    rendering = await open_rendering("synthesize_audio", request.performance, services)
    entries, config = rendering.performance.entries, rendering.bank.acoustic.config
    chosen = phrase_indices(request.phrases, range(len(entries)))
    frames: dict[int, int] = {}

    async def work_on(index: int) -> PhraseWork:
        phrase = await rendering.phrase(index)
        frames[index] = 0 if phrase.pitch is None else len(phrase.pitch)
        return await _work_on(rendering, phrase)

    blobs = await rendering.blobs(chosen, work_on)
    deterministic = await rendering.is_deterministic()
    header = {
        "performance": request.performance,
        "voicebank": rendering.bank.id,
        "voicebank_digest": rendering.bank.digest,
        "sample_rate": config.sample_rate,
        "hop_size": config.hop_size,
        "bins": config.num_mel_bins,
        "deterministic": deterministic,
        "first_phrase": chosen.start + 1,
    }
    mel = Manifest("mel", header, tuple(Entry(entries[index].start_seconds, blobs[index]) for index in chosen))
    return MelResult(
        id=await services.store.put(mel),
        frames=sum(frames.values()),
        bins=config.num_mel_bins,
        device=await rendering.device(),
        deterministic=deterministic,
        warnings=first_warnings(await rendering.warnings("acoustic")),
    )


async def _work_on(rendering: Rendering, phrase: Phrase) -> PhraseWork:
    bank, engine = rendering.bank, rendering.engine
    unused = await to_thread.run_sync(unused_acoustic_controls, phrase, bank, engine)
    rendering.note(bank.acoustic, phrase, unused)
    shifts = await to_thread.run_sync(follows_tone_shift, phrase, bank)
    followed = (*CONTROLS, *(("tone_shift",) if shifts else ()))
    controls = {name: curve for name, curve in phrase.controls.items() if name in followed}
    read = replace(unedited(phrase), notes=(), controls=controls)
    seed = phrase_seed(phrase, rendering.seed)

    async def make() -> bytes:
        return mel_to_bytes(await to_thread.run_sync(synthesize, read, bank, engine, seed))

    return PhraseWork(memo_key(sha256(phrase_to_bytes(read)), seed), make)
