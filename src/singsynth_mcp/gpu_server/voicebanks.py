"""list_voicebanks and get_voicebank_info."""

from __future__ import annotations

from anyio import to_thread

from singsynth_mcp.artifacts.texts import store_texts
from singsynth_mcp.contracts.common import LIST_LIMIT
from singsynth_mcp.contracts.voicebanks import (
    ListVoicebanksRequest,
    ListVoicebanksResult,
    SurveyedStage,
    VoicebankInfoRequest,
    VoicebankInfoResult,
    VoicebankRow,
)
from singsynth_mcp.errors import InvalidVoicebank, SingSynthError
from singsynth_mcp.gpu_server.rendering import engine_of
from singsynth_mcp.gpu_server.services import GpuServices
from singsynth_mcp.settings import Settings
from singsynth_mcp.synthesis.controls import supported_controls
from singsynth_mcp.synthesis.engines.files import file_stat
from singsynth_mcp.synthesis.stages import STAGES, stage_files
from singsynth_mcp.voicebanks import BrokenVoicebank, Voicebank, get_voicebank
from singsynth_mcp.voicebanks import list_voicebanks as find_voicebanks
from singsynth_mcp.voicebanks.files import text_files
from singsynth_mcp.voicebanks.stage import StageName

_MOST_BYTES = 3500
"""Of a listing: results stay under 4 KB."""
_NOTE_NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
_STAGE_NAMES: tuple[StageName, ...] = ("durations", "pitch", "variance", "acoustic")


async def list_voicebanks(request: ListVoicebanksRequest, services: GpuServices) -> ListVoicebanksResult:
    """List the voices that can sing here, and those that cannot with the reason."""
    settings = services.settings
    rows = await to_thread.run_sync(
        lambda: [_row(bank, settings) for bank in find_voicebanks(settings.voicebank_folders)]
    )
    return ListVoicebanksResult(voicebanks=_short(rows), total=len(rows))


async def get_voicebank_info(request: VoicebankInfoRequest, services: GpuServices) -> VoicebankInfoResult:
    """Describe one voicebank. Raises UnknownVoicebank with those there are, InvalidVoicebank."""
    if request.stage == "texts":
        return await _texts(request.voicebank, services)
    if request.stage is not None:
        return await to_thread.run_sync(_survey, request.voicebank, request.stage, services.settings)
    return await to_thread.run_sync(_info, request.voicebank, services.settings)


def _row(bank: Voicebank | BrokenVoicebank, settings: Settings) -> VoicebankRow:
    default = bank.id == settings.default_voicebank
    try:
        if isinstance(bank, BrokenVoicebank):
            raise bank.error
        check_files(bank)
        return VoicebankRow(
            id=bank.id, name=bank.name, languages=list(bank.languages), speakers=list(bank.speakers), default=default
        )
    except SingSynthError as error:
        return VoicebankRow(id=bank.id, name=bank.id, languages=[], speakers=[], default=default, error=error.message)


def _short(rows: list[VoicebankRow]) -> list[VoicebankRow]:
    """Return the first rows that together keep a result small, those that can sing before those that cannot."""
    kept: list[VoicebankRow] = []
    room = _MOST_BYTES
    for row in sorted(rows, key=lambda row: (not row.default, row.error is not None)):
        room -= len(row.model_dump_json().encode())
        if room < 0 or len(kept) == LIST_LIMIT:
            break
        kept.append(row)
    return kept


def check_files(bank: Voicebank) -> None:
    """Raise InvalidVoicebank for a phoneme table that cannot be read or a model that is missing; opens no model."""
    if not bank.symbols:
        raise InvalidVoicebank(f"the stages of {bank.id} have no phoneme in common")
    for name in _STAGE_NAMES:
        if (predictor := bank.stage(name)) is not None:
            _ = predictor.phonemes, predictor.languages
    for tool in STAGES:
        for path in stage_files(tool, bank):
            file_stat(path)


async def _texts(voicebank_id: str | None, services: GpuServices) -> VoicebankInfoResult:
    settings = services.settings
    name = voicebank_id or settings.default_voicebank
    bank = await to_thread.run_sync(get_voicebank, name, settings.voicebank_folders)

    def read() -> dict[str, bytes]:
        return {path.relative_to(bank.root).as_posix(): path.read_bytes() for path in text_files(bank.root)}

    texts = await store_texts(services.store, bank.id, bank.digest, await to_thread.run_sync(read))
    return VoicebankInfoResult(id=bank.id, digest=bank.digest, texts=texts)


def _survey(voicebank_id: str | None, stage: SurveyedStage, settings: Settings) -> VoicebankInfoResult:
    from singsynth_mcp.gpu_server.surveying import survey

    bank = get_voicebank(voicebank_id or settings.default_voicebank, settings.voicebank_folders)
    return survey(bank, stage, engine_of(settings))


def _info(voicebank_id: str | None, settings: Settings) -> VoicebankInfoResult:
    bank = get_voicebank(voicebank_id or settings.default_voicebank, settings.voicebank_folders)
    lowest, highest = bank.range or (None, None)
    symbols = list(bank.symbols)
    _, vocoder = bank.vocoder
    return VoicebankInfoResult(
        id=bank.id,
        name=bank.name,
        digest=bank.digest,
        languages=list(bank.languages),
        speakers=list(bank.speakers),
        colours=[label for label, _ in bank.character.colours if label],
        controls=supported_controls(bank, engine_of(settings)),
        lowest=note_name(lowest),
        highest=note_name(highest),
        ranges={
            speaker: f"{note_name(low)} to {note_name(high)}" for speaker, (low, high) in bank.character.ranges.items()
        }
        or None,
        sample_rate=vocoder.sample_rate,
        stages=[*(name for name in _STAGE_NAMES if bank.stage(name)), "vocoder"],
        phonemes=symbols[:LIST_LIMIT],
        total=len(symbols),
        licence=bank.licence,
        credits=list(bank.credits),
    )


def note_name(midi: float | None) -> str | None:
    """Return C4 for 60; None for None."""
    return None if midi is None else f"{_NOTE_NAMES[round(midi) % 12]}{round(midi) // 12 - 1}"
