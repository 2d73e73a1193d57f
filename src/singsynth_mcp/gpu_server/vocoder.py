"""vocode."""

from __future__ import annotations

from anyio import to_thread

from singsynth_mcp.artifacts.base import Entry, Manifest, memo_key
from singsynth_mcp.contracts.audio import AudioResult, VocodeRequest
from singsynth_mcp.contracts.common import first_warnings, phrase_indices
from singsynth_mcp.gpu_server.rendering import PhraseWork, Rendering, open_rendering
from singsynth_mcp.gpu_server.services import GpuServices
from singsynth_mcp.performance.blobs import audio_to_bytes, mel_from_bytes
from singsynth_mcp.performance.model import Phrase
from singsynth_mcp.synthesis.frames import phoneme_frames, start_of_frames
from singsynth_mcp.synthesis.seeds import phrase_seed
from singsynth_mcp.synthesis.vocoder import FULL_DYNAMICS, Gain
from singsynth_mcp.synthesis.vocoder import vocode as vocode_mel


async def vocode(request: VocodeRequest, services: GpuServices) -> AudioResult:
    """Turn a mel into audio that holds the phrases asked for, counted as in the performance.

    Raises UnknownArtifact, WrongArtifactKind, VoicebankMismatch, InvalidVoicebank, InvalidRequest, SynthesisFailed.
    """
    mel = await services.store.get(request.mel, "mel")
    rendering = await open_rendering("vocode", mel.header["performance"], services)
    first = mel.header["first_phrase"] - 1
    chosen = phrase_indices(request.phrases, range(first, first + len(mel.entries)))
    spans: list[tuple[float, float]] = []

    async def work_on(index: int) -> PhraseWork:
        phrase = await rendering.phrase(index)
        entry, frame_s = mel.entries[index - first], rendering.bank.acoustic.config.frame_s
        start_s = entry.start_seconds + start_of_frames(phrase, frame_s)
        spans.append((start_s, start_s + int(phoneme_frames(phrase, frame_s).sum()) * frame_s))
        return _work_on(rendering, entry, phrase)

    blobs = await rendering.blobs(chosen, work_on)
    sample_rate = rendering.bank.vocoder[1].sample_rate
    deterministic = await rendering.is_deterministic()
    header = {
        "mel": request.mel,
        "performance": rendering.performance_id,
        "voicebank": rendering.bank.id,
        "voicebank_digest": rendering.bank.digest,
        "sample_rate": sample_rate,
        "credits": list(rendering.bank.credits),
        "deterministic": deterministic,
        "first_phrase": chosen.start + 1,
    }
    entries = tuple(Entry(mel.entries[index - first].start_seconds, blobs[index]) for index in chosen)
    return AudioResult(
        id=await services.store.put(Manifest("audio", header, entries)),
        seconds=round(max(end for _, end in spans) - min(start for start, _ in spans), 3),
        sample_rate=sample_rate,
        device=await rendering.device(),
        deterministic=deterministic,
        warnings=first_warnings(await rendering.warnings()),
    )


def _work_on(rendering: Rendering, entry: Entry, phrase: Phrase) -> PhraseWork:
    bank, engine = rendering.bank, rendering.engine
    gain = Gain(
        phrase.controls.get("loudness", 0.0), phrase.dynamics_db, phrase.controls.get("dynamics", FULL_DYNAMICS)
    )
    seed = phrase_seed(phrase, rendering.seed)

    async def make() -> bytes:
        mel = mel_from_bytes(await rendering.services.store.get_blob(entry.blob))
        audio = await to_thread.run_sync(vocode_mel, mel, bank, engine, gain, seed)
        return audio_to_bytes(audio)

    return PhraseWork(memo_key(entry.blob, *gain.facts(), seed), make)
