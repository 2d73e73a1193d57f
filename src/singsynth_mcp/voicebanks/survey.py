"""The files of a voicebank, looked at without opening a model: what is missing, contradicts or cannot be read."""

from __future__ import annotations

import math
from collections.abc import Collection
from pathlib import Path

from singsynth_mcp.voicebanks.character import UNKNOWN_LICENCE
from singsynth_mcp.voicebanks.config import MelDefinition, StageConfig, VocoderConfig
from singsynth_mcp.voicebanks.dictionary import read_dictionary
from singsynth_mcp.voicebanks.files import inside, read_mapping
from singsynth_mcp.voicebanks.findings import Finding, Findings, gravest_first
from singsynth_mcp.voicebanks.inventory import BREATH, SILENCE
from singsynth_mcp.voicebanks.stage import Stage, StageName
from singsynth_mcp.voicebanks.voicebank import Voicebank

STAGE_NAMES: tuple[StageName, ...] = ("acoustic", "durations", "pitch", "variance")
_MODELS: dict[StageName, tuple[str, ...]] = {
    "acoustic": ("acoustic",),
    "durations": ("linguistic", "dur"),
    "pitch": ("linguistic", "pitch"),
    "variance": ("linguistic", "variance"),
}
_SHOWN = 8
_MEL_KEYS = [key for key in MelDefinition.model_fields if key != "mel_base"]
_OTHER_KEYS = (
    *("use_lang_id", "use_variable_depth", "use_shallow_diffusion", "use_continuous_acceleration", "use_note_rest"),
    *("predict_dur", "predict_energy", "predict_breathiness", "predict_voicing", "predict_tension"),
)
"""Known keys that are not asked: what a model takes, its graph says."""


def survey_files(bank: Voicebank) -> list[Finding]:
    """Return what the voicebank's files tell, the gravest first; nothing is raised."""
    found = Findings(bank.root)
    found.attempt(lambda: _character(bank, found))
    for name in STAGE_NAMES:
        stage = bank.stage(name)
        if stage is not None:
            _stage(bank, stage, found)
    found.attempt(lambda: _phonemes_agree(bank, found))
    found.attempt(lambda: _dictionaries(bank, found))
    found.attempt(lambda: _vocoder(bank, found))
    return gravest_first(found.rows)


def mel_differences(made: MelDefinition, wanted: MelDefinition) -> list[tuple[str, object, object]]:
    """Return (key, made, wanted) of everything but the base in which two mels differ."""
    pairs = [(key, getattr(made, key), getattr(wanted, key)) for key in _MEL_KEYS]
    return [
        (key, ours, theirs)
        for key, ours, theirs in pairs
        if not (math.isclose(ours, theirs, abs_tol=1e-5) if isinstance(ours, float) else ours == theirs)
    ]


def _character(bank: Voicebank, found: Findings) -> None:
    if not (bank.folder / "character.txt").is_file():
        found.add("note", "no_character", "there is no character.txt: OpenUtau does not list the voicebank")
    if bank.licence == UNKNOWN_LICENCE:
        found.add("warning", "no_licence", "no licence text and no license key: ask the author before publishing")
    if bank.range is None:
        found.add("note", "no_range", "character.yaml has no range: the comfortable notes are not known", key="range")
    speakers = bank.speakers
    for label, speaker in bank.character.colours:
        if speaker not in speakers:
            found.add(
                "warning",
                "colour_without_speaker",
                f"the colour {label or speaker} names the speaker {speaker}, which the acoustic model lacks",
                bank.folder / "character.yaml",
                key="subbanks",
                found=speaker,
                expected=", ".join(speakers) or "no speaker",
            )


def _stage(bank: Voicebank, stage: Stage, found: Findings) -> None:
    config = stage.folder / "dsconfig.yaml"
    for key in _MODELS[stage.name]:
        found.attempt(lambda key=key: _model(stage, key))  # type: ignore[misc]
    found.attempt(lambda: _silence(stage, found))
    found.attempt(lambda: _languages(stage))
    for speaker in stage.config.speakers:
        found.attempt(lambda speaker=speaker: _embedding(stage, speaker, found))  # type: ignore[misc]
    for speaker in bank.speakers if stage.config.speakers else ():
        if stage.speaker(speaker, bank.speakers) is None:
            message = f"the {stage.name} stage has no speaker {speaker}: its first one stands in"
            there = ", ".join(stage.config.speakers)
            found.add("warning", "speaker_stands_in", message, config, key="speakers", found=there, expected=speaker)
    acoustic = bank.acoustic.config
    if (stage.config.hop_size, stage.config.sample_rate) != (acoustic.hop_size, acoustic.sample_rate):
        message = f"the {stage.name} stage has frames of {1000 * stage.config.frame_s:.2f} ms: its curves are resampled"
        found.add("note", "other_frames", message, config, key="hop_size")
    _keys(config, found)
    if stage.config.mel_base not in ("10", "e"):
        found.add("error", "mel_base", "mel_base is unknown", config, found=stage.config.mel_base, expected="10 or e")


def _model(stage: Stage, key: str) -> None:
    stage.model(key)  # type: ignore[arg-type]


def _silence(stage: Stage, found: Findings) -> None:
    table = stage.path(stage.config.phonemes)
    if SILENCE not in stage.phonemes:
        found.add("error", "no_silence", f"the {stage.name} stage has no {SILENCE}: every phrase needs it", table)
    if BREATH not in stage.phonemes:
        found.add("note", "no_breath", f"the {stage.name} stage has no {BREATH}: it cannot breathe", table)


def _languages(stage: Stage) -> None:
    _ = stage.languages


def _embedding(stage: Stage, speaker: str, found: Findings) -> None:
    path = stage.embedding(speaker)
    size = path.stat().st_size if path.is_file() else None
    expected = stage.config.hidden_size
    if size is None:
        found.add("error", "no_embedding", f"the embedding of speaker {speaker} is missing", path, key="speakers")
    elif not size or size % 4:
        found.add("error", "embedding_size", "an embedding is 32-bit floats", path, found=f"{size} bytes")
    elif expected is not None and size != 4 * expected:
        # The graph decides, and is asked when the model is opened; OpenUtau goes by the key.
        message = "hidden_size and the embedding disagree: OpenUtau reads hidden_size numbers of it"
        found.add(
            "warning", "embedding_size", message, path, key="hidden_size", found=str(size // 4), expected=str(expected)
        )


def _keys(config: Path, found: Findings) -> None:
    unknown = set(read_mapping(config)) - {*StageConfig.model_fields, *_OTHER_KEYS, "fmin", "fmax"}
    if unknown:
        found.add("note", "unknown_key", f"nothing reads {_listed(unknown, 'keys')}", config)


def _phonemes_agree(bank: Voicebank, found: Findings) -> None:
    if not bank.symbols:
        found.add("error", "no_phonemes", "the stages have no phoneme in common")
    if bank.symbols and "vowel" not in bank.symbols.values():
        found.add("error", "no_vowels", "no phoneme is known to be a vowel: the dictionaries have to type them")
    for name in STAGE_NAMES:
        stage = bank.stage(name)
        lacking = sorted(set(bank.symbols) - set(stage.phonemes)) if stage is not None else []
        if stage is not None and lacking:
            message = f"the {name} stage lacks {_listed(lacking, 'phonemes')}; words with them cannot be sung"
            found.add("warning", "phonemes_lacking", message, stage.path(stage.config.phonemes))


def _dictionaries(bank: Voicebank, found: Findings) -> None:
    untyped = set(bank.symbols)
    for folder in (bank.folder / "dsdur", bank.folder):
        for path in sorted(folder.glob("dsdict*.yaml")):
            found.attempt(lambda path=path: _dictionary(bank, path, untyped, found), "warning")  # type: ignore[misc]
    untyped -= {SILENCE, BREATH}
    if untyped:
        message = f"no dictionary types {_listed(untyped, 'phonemes')}; their names decide"
        found.add("note", "untyped_phonemes", message)


def _dictionary(bank: Voicebank, path: Path, untyped: set[str], found: Findings) -> None:
    dictionary = read_dictionary(path)
    untyped -= {symbol for typed in dictionary.types if (symbol := bank.resolve(typed)) is not None}
    language = path.stem.removeprefix("dsdict").removeprefix("-")
    unknown = {
        symbol
        for symbols in dictionary.entries.values()
        for symbol in symbols
        if bank.resolve(symbol, language) is None
    }
    if unknown:
        message = f"no phoneme table has {_listed(unknown, 'symbols')} of its entries"
        found.add("warning", "unknown_symbols", message, path)


def _vocoder(bank: Voicebank, found: Findings) -> None:
    folder, config = bank.vocoder
    path = folder / "vocoder.yaml"
    model = inside(folder, folder, config.model)
    if not model.is_file():
        found.add("error", "missing_file", "the vocoder's model is missing", model, key="model")
    if config.mel_base not in ("10", "e"):
        found.add("error", "mel_base", "mel_base is unknown", path, found=config.mel_base, expected="10 or e")
    for key, made, wanted in mel_differences(bank.acoustic.config, config):
        message = f"the vocoder wants {key} {wanted}, the acoustic model makes {made}"
        found.add("error", "mel_mismatch", message, path, key=key, found=str(wanted), expected=str(made))
    if {config.mel_base, bank.acoustic.config.mel_base} == {"10", "e"}:
        message = "the mel's logarithm is converted for the vocoder"
        found.add("note", "mel_base_converted", message, path, key="mel_base")
    if unknown := set(read_mapping(path)) - {*VocoderConfig.model_fields, "fmin", "fmax"}:
        found.add("note", "unknown_key", f"nothing reads {_listed(unknown, 'keys')}", path)


def _listed(names: Collection[str], what: str) -> str:
    """Return the names, or how many there are and the first ones."""
    shown = ", ".join(sorted(names)[:_SHOWN])
    return shown if len(names) <= _SHOWN else f"{len(names)} {what} ({shown}, …)"
