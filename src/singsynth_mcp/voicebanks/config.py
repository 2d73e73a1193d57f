"""dsconfig.yaml and vocoder.yaml as OpenUtau reads them (diffsinger-voicebank-format, sections 1.3 and 1.8)."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from singsynth_mcp.errors import InvalidVoicebank
from singsynth_mcp.voicebanks.files import read_mapping

_NOTHING = frozenset({"", "~", "null", "Null", "NULL"})


class MelDefinition(BaseModel):
    """What a mel is; the acoustic model's and the vocoder's must agree in all but the base."""

    model_config = ConfigDict(extra="ignore", frozen=True, coerce_numbers_to_str=True)

    sample_rate: int = Field(default=44100, gt=0)
    hop_size: int = Field(default=512, gt=0)
    win_size: int = 2048
    fft_size: int = 2048
    num_mel_bins: int = 128
    mel_fmin: float = 40
    mel_fmax: float = 16000
    mel_base: str = "10"
    mel_scale: str = "slaney"

    @property
    def frame_s(self) -> float:
        """Seconds of one frame."""
        return self.hop_size / self.sample_rate


class _PitchShifting(BaseModel):
    range: tuple[float, float] = (-5.0, 5.0)


class _Augmentation(BaseModel):
    random_pitch_shifting: _PitchShifting = _PitchShifting()


class StageConfig(MelDefinition):
    """One dsconfig.yaml. What its flags say of a model's inputs is a promise; what is fed goes by the graph alone."""

    phonemes: str = "phonemes.txt"
    languages: str | None = None
    acoustic: str | None = None
    vocoder: str | None = None
    linguistic: str | None = None
    dur: str | None = None
    pitch: str | None = None
    variance: str | None = None
    speakers: tuple[str, ...] = ()
    augmentation_args: _Augmentation = _Augmentation()
    hidden_size: int | None = None
    max_depth: float = 0
    use_key_shift_embed: bool = False
    use_speed_embed: bool = False
    use_energy_embed: bool = False
    use_breathiness_embed: bool = False
    use_voicing_embed: bool = False
    use_tension_embed: bool = False
    use_expr: bool = False


class VocoderConfig(MelDefinition):
    """vocoder.yaml of a dsvocoder folder or a vocoder package."""

    name: str = "vocoder"
    model: str = "model.onnx"
    pitch_controllable: bool = False
    force_on_cpu: bool = False


_Config = TypeVar("_Config", StageConfig, VocoderConfig)


def read_config(path: Path, kind: type[_Config]) -> _Config:
    """Read a config file. Raises InvalidVoicebank naming the file and the key that is wrong."""
    document = {key: value for key, value in _with_long_names(read_mapping(path)).items() if not _is_nothing(value)}
    try:
        return kind.model_validate(document)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        raise InvalidVoicebank(f"{path}: {key}: {first['msg']}", path=str(path), key=key) from error


def _with_long_names(document: dict[str, Any]) -> dict[str, Any]:
    """Accept `fmin` and `fmax`, as some vocoders spell the band edges."""
    short = {"fmin": "mel_fmin", "fmax": "mel_fmax"}
    return {short[key]: document[key] for key in short if key in document} | document


def _is_nothing(value: Any) -> bool:
    return value is None or (isinstance(value, str) and value in _NOTHING)
