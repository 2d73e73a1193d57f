"""synthesize_audio."""

from __future__ import annotations

from dataclasses import replace

from anyio import to_thread

from singsynth_mcp.artifacts.base import Entry, Manifest, memo_key, sha256
from singsynth_mcp.contracts.audio import MelResult, SynthesizeRequest
from singsynth_mcp.contracts.common import first_warnings, phrase_indices
from singsynth_mcp.gpu_server.rendering import PhraseFacts, PhraseWork, Rendering, open_rendering
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
    blobs = await rendering.blobs(chosen, lambda index, phrase: _work_on(rendering, phrase))
    warnings = await to_thread.run_sync(rendering.warnings, "acoustic")
    header = {
        "performance": request.performance,
        "voicebank": rendering.bank.id,
        "voicebank_digest": rendering.bank.digest,
        "sample_rate": config.sample_rate,
        "hop_size": config.hop_size,
        "bins": config.num_mel_bins,
        "deterministic": rendering.run.is_deterministic,
        "first_phrase": chosen.start + 1,
    }
    mel = Manifest("mel", header, tuple(Entry(entries[index].start_seconds, blobs[index]) for index in chosen))
    return MelResult(
        id=await services.store.put(mel),
        frames=sum(facts.frames for facts in rendering.facts.values()),
        bins=config.num_mel_bins,
        device=rendering.run.device,
        deterministic=rendering.run.is_deterministic,
        warnings=first_warnings(warnings),
    )


def _work_on(rendering: Rendering, phrase: Phrase) -> PhraseWork:
    bank, engine = rendering.bank, rendering.engine
    unused = unused_acoustic_controls(phrase, bank, engine)
    followed = (*CONTROLS, *(("tone_shift",) if follows_tone_shift(phrase, bank) else ()))
    controls = {name: curve for name, curve in phrase.controls.items() if name in followed}
    read = replace(unedited(phrase), notes=(), controls=controls)
    seed = phrase_seed(phrase, rendering.seed)

    async def make() -> bytes:
        return await to_thread.run_sync(lambda: mel_to_bytes(synthesize(read, bank, engine, seed)))

    frames = 0 if phrase.pitch is None else len(phrase.pitch)
    facts = PhraseFacts(tuple(unused), rendering.lacking(bank.acoustic, phrase), frames=frames)
    return PhraseWork(memo_key(sha256(phrase_to_bytes(read)), seed), make, facts)
