"""vocode."""

from __future__ import annotations

from collections.abc import Mapping

from anyio import to_thread

from singsynth_mcp.artifacts.base import Entry, Manifest, memo_key
from singsynth_mcp.contracts.audio import AudioResult, VocodeRequest
from singsynth_mcp.contracts.common import first_warnings, phrase_indices
from singsynth_mcp.gpu_server.rendering import PhraseFacts, PhraseWork, Rendering, open_rendering
from singsynth_mcp.gpu_server.services import GpuServices
from singsynth_mcp.media.levels import LEVELS, levels_to_bytes, measure_phrase, recent_levels
from singsynth_mcp.performance.blobs import audio_from_bytes, audio_to_bytes, mel_from_bytes
from singsynth_mcp.performance.model import Phrase
from singsynth_mcp.synthesis.frames import phoneme_frames, start_of_frames
from singsynth_mcp.synthesis.seeds import phrase_seed
from singsynth_mcp.synthesis.vocoder import FULL_DYNAMICS, Gain
from singsynth_mcp.synthesis.vocoder import vocode as vocode_mel


async def vocode(request: VocodeRequest, services: GpuServices) -> AudioResult:
    """Turn a mel into audio that holds the phrases asked for, counted as in the performance.

    What save_audio has to know of a new phrase is measured here, while the next one is in the model.

    Raises UnknownArtifact, WrongArtifactKind, VoicebankMismatch, InvalidVoicebank, InvalidRequest, SynthesisFailed.
    """
    mel = await services.store.get(request.mel, "mel")
    rendering = await open_rendering("vocode", mel.header["performance"], services)
    first = mel.header["first_phrase"] - 1
    chosen = phrase_indices(request.phrases, range(first, first + len(mel.entries)))
    mels = {index: mel.entries[index - first].blob for index in chosen}
    blobs = await rendering.blobs(chosen, lambda index, phrase: _work_on(rendering, mels[index], phrase), beside=mels)
    warnings = await to_thread.run_sync(rendering.warnings)
    sample_rate = rendering.bank.vocoder[1].sample_rate
    header = {
        "mel": request.mel,
        "performance": rendering.performance_id,
        "voicebank": rendering.bank.id,
        "voicebank_digest": rendering.bank.digest,
        "sample_rate": sample_rate,
        "credits": list(rendering.bank.credits),
        "deterministic": rendering.run.is_deterministic,
        "first_phrase": chosen.start + 1,
    }
    entries = {index: Entry(mel.entries[index - first].start_seconds, blobs[index]) for index in chosen}
    return AudioResult(
        id=await services.store.put(Manifest("audio", header, tuple(entries.values()))),
        seconds=_seconds(rendering, entries),
        sample_rate=sample_rate,
        device=rendering.run.device,
        deterministic=rendering.run.is_deterministic,
        warnings=first_warnings(warnings),
    )


def _work_on(rendering: Rendering, mel_blob: str, phrase: Phrase) -> PhraseWork:
    bank, engine, store = rendering.bank, rendering.engine, rendering.services.store
    gain = Gain(
        phrase.controls.get("loudness", 0.0), phrase.dynamics_db, phrase.controls.get("dynamics", FULL_DYNAMICS)
    )
    seed = phrase_seed(phrase, rendering.seed)
    frame_s = bank.acoustic.config.frame_s

    async def make() -> bytes:
        data = await store.get_blob(mel_blob)
        return await to_thread.run_sync(
            lambda: audio_to_bytes(vocode_mel(mel_from_bytes(data), bank, engine, gain, seed))
        )

    async def look_at(blob: str, made: bytes) -> None:
        levels = await to_thread.run_sync(lambda: measure_phrase(audio_from_bytes(made)))
        recent_levels.keep(blob, levels)
        await store.remember(memo_key(*LEVELS, blob), await store.put_blob(levels_to_bytes(levels)))

    start_s, frames = start_of_frames(phrase, frame_s), int(phoneme_frames(phrase, frame_s).sum())
    return PhraseWork(
        memo_key(mel_blob, *gain.facts(), seed), make, PhraseFacts(start_s=start_s, frames=frames), look_at
    )


def _seconds(rendering: Rendering, entries: Mapping[int, Entry]) -> float:
    """Return the time from the first phrase's first frame to the last one's last."""
    frame_s = rendering.bank.acoustic.config.frame_s
    starts = {index: entry.start_seconds + rendering.facts[index].start_s for index, entry in entries.items()}
    ends = [start + rendering.facts[index].frames * frame_s for index, start in starts.items()]
    return round(max(ends) - min(starts.values()), 3)
