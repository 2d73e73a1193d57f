"""One stage of a voicebank: its folder, config, phoneme table, languages and speakers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from singsynth_mcp.errors import InvalidVoicebank
from singsynth_mcp.voicebanks.config import StageConfig
from singsynth_mcp.voicebanks.files import inside, read_ids
from singsynth_mcp.voicebanks.inventory import read_phonemes

StageName = Literal["durations", "pitch", "variance", "acoustic"]


@dataclass(frozen=True)
class Stage:
    """What one model pair (encoder and predictor) or the acoustic model goes by."""

    name: StageName
    root: Path
    """Folder that the stage's files may not leave."""
    folder: Path
    config: StageConfig

    def path(self, relative: str) -> Path:
        """Return the path of a file that the config names."""
        return inside(self.root, self.folder, relative)

    def model(self, key: Literal["acoustic", "linguistic", "dur", "pitch", "variance"]) -> Path:
        """Return the path of a model. Raises InvalidVoicebank when the config or the disk lacks it."""
        named: str | None = getattr(self.config, key)
        if not named:
            raise InvalidVoicebank(f"{self.folder / 'dsconfig.yaml'} names no {key} model", path=str(self.folder))
        path = self.path(named)
        if not path.is_file():
            raise InvalidVoicebank(
                f"{path} is missing", hint="Reinstall the voicebank: its dsconfig.yaml names this file", path=str(path)
            )
        return path

    @cached_property
    def phonemes(self) -> dict[str, int]:
        """Symbol → token id of this stage; stages differ."""
        return read_phonemes(self.path(self.config.phonemes))

    @cached_property
    def languages(self) -> dict[str, int]:
        """Language → id; empty where the stage has none."""
        return read_ids(self.path(self.config.languages)) if self.config.languages else {}

    def tokens(self, symbols: Sequence[str]) -> list[int]:
        """Return the symbols' ids. Raises InvalidVoicebank naming stage, symbol and file for one it lacks."""
        lacking = sorted({symbol for symbol in symbols if symbol not in self.phonemes})
        if lacking:
            table = self.path(self.config.phonemes)
            raise InvalidVoicebank(
                f"the {self.name} stage has no phoneme {', '.join(lacking)} in {table}",
                hint="Sing with phonemes that every stage of the voicebank has",
                path=str(table),
            )
        return [self.phonemes[symbol] for symbol in symbols]

    def speaker(self, name: str, all_names: Sequence[str]) -> str | None:
        """Return this stage's name of the voicebank's speaker `name`, None where it has no such speaker.

        Exact, else the same last path part, else the same last dot part, else the same place in lists of equal
        length (section 1.2).
        """
        own = self.config.speakers
        if name in own:
            return name
        for separator in ("/", "."):
            last = name.replace("\\", "/").rsplit(separator, 1)[-1]
            for candidate in own:
                if candidate.replace("\\", "/").rsplit(separator, 1)[-1] == last:
                    return candidate
        same_place = len(own) == len(all_names) and name in all_names
        return own[list(all_names).index(name)] if same_place else None

    def embedding(self, speaker: str) -> Path:
        """Return the path of a speaker's embedding: the name with `.emb` put after it, dots and all."""
        return self.path(f"{speaker}.emb")
