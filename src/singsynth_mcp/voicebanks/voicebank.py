"""A voicebank as the rest of the package sees it, read lazily from its folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Literal

from singsynth_mcp.errors import InvalidVoicebank, UnknownName
from singsynth_mcp.voicebanks.character import Character, read_character
from singsynth_mcp.voicebanks.config import StageConfig, VocoderConfig, read_config
from singsynth_mcp.voicebanks.dictionary import (
    GLIDE_TYPES,
    PhonemeDictionary,
    read_dictionary,
    read_replacements,
    read_symbol_types,
)
from singsynth_mcp.voicebanks.files import text_digest
from singsynth_mcp.voicebanks.inventory import BREATH, BUILT_IN_VOWELS, SILENCE, language_of
from singsynth_mcp.voicebanks.stage import Stage, StageName

SymbolRole = Literal["vowel", "consonant", "rest", "breath"]
_FOLDERS: dict[StageName, str] = {"durations": "dsdur", "pitch": "dspitch", "variance": "dsvariance"}
_MODELS: dict[StageName, Literal["dur", "pitch", "variance"]] = {
    "durations": "dur",
    "pitch": "pitch",
    "variance": "variance",
}

_AS_GOOD_AS_ALL = 0.9
"""The share of a part's notes in a singer's range beyond which more of them say nothing."""


@dataclass(frozen=True)
class Voicebank:
    """A folder in OpenUtau's DiffSinger format. Reading a broken file of it raises InvalidVoicebank."""

    id: str
    root: Path
    """The folder that holds everything of the voicebank."""
    folder: Path
    """Where the acoustic stage's dsconfig.yaml lies: the root, or a folder in it."""
    acoustic: Stage
    packages: tuple[Path, ...] = ()
    """Folders in which a vocoder's package may lie, beside the one that the voicebank lies in."""

    @property
    def name(self) -> str:
        """Display name."""
        return self.character.name or self.id

    @property
    def credits(self) -> tuple[str, ...]:
        """Lines that name whom the voice is owed to."""
        return self.character.credits

    @property
    def licence(self) -> str:
        """What the voicebank says of its terms; never guessed."""
        return self.character.licence

    @property
    def range(self) -> tuple[float, float] | None:
        """Lowest and highest comfortable MIDI note, where the voicebank says."""
        return self.character.range

    def range_of(self, speaker: str | None) -> tuple[float, float] | None:
        """Return the comfortable notes of a speaker; those of the whole voicebank where it says no others."""
        return self.character.ranges.get(speaker or "", self.range)

    def speaker_for(self, notes: Sequence[float]) -> str | None:
        """Return who sings `notes` (MIDI) when nobody is named.

        Whose comfortable range holds most of them, of equals whose middle is nearest to theirs, of equals the first.
        Nine notes in ten are as good as all: one note that is changed does not change the singer.
        """
        middle = sorted(notes)[len(notes) // 2] if notes else 0.0

        def fit(speaker: str) -> tuple[float, float]:
            lowest, highest = self.range_of(speaker) or (0.0, 127.0)
            held = sum(lowest <= note <= highest for note in notes) / max(len(notes), 1)
            return min(held, _AS_GOOD_AS_ALL), -abs(middle - (lowest + highest) / 2)

        return max(self.speakers, key=fit, default=None)

    @cached_property
    def character(self) -> Character:
        """Names, credits, licence, colours."""
        return read_character(self.folder)

    @cached_property
    def digest(self) -> str:
        """SHA-256 over the paths and bytes of the text files: what phonemes and performances depend on."""
        return text_digest(self.root)

    def stage(self, name: StageName) -> Stage | None:
        """Return a stage, None where the voicebank has no such folder or its config names no model."""
        return self.acoustic if name == "acoustic" else self._predictors.get(name)

    def without(self, name: StageName) -> Voicebank:
        """Return the voicebank as if it had no such predictor: what it is for is then made by rule."""
        bare = replace(self)
        predictors = {stage: found for stage, found in self._predictors.items() if stage != name}
        bare.__dict__.update(self.__dict__ | {"_predictors": predictors})  # what has been read stays read
        return bare

    @cached_property
    def _predictors(self) -> dict[StageName, Stage]:
        found: dict[StageName, Stage] = {}
        for name, folder_name in _FOLDERS.items():
            path = self.folder / folder_name / "dsconfig.yaml"
            if path.is_file():
                stage = Stage(name, self.root, path.parent, read_config(path, StageConfig))
                if getattr(stage.config, _MODELS[name]):
                    found[name] = stage
        return found

    @cached_property
    def vocoder(self) -> tuple[Path, VocoderConfig]:
        """Folder and config of the vocoder: its own `dsvocoder`, else the package that it names."""
        package = self.acoustic.config.vocoder or ""
        candidates = [self.folder / "dsvocoder"]
        if package and package == Path(package).name:
            candidates += [folder / package for folder in (self.root.parent, *self.packages)]
        for folder in candidates:
            if (folder / "vocoder.yaml").is_file():
                return folder, read_config(folder / "vocoder.yaml", VocoderConfig)
        raise InvalidVoicebank(
            f"voicebank {self.id} has no vocoder: neither {candidates[0]} nor a package {package or '(unnamed)'}",
            hint=f"Install it (singsynth-mcp voicebanks install FILE.oudep) or unpack it into {candidates[-1]}",
            path=str(candidates[0]),
        )

    @cached_property
    def languages(self) -> tuple[str, ...]:
        """Languages it can sing, as its own files call them."""
        singing = self.stage("durations") or self.acoustic
        prefixes = {language_of(symbol) for symbol in singing.phonemes} - {""}
        named = dict.fromkeys((*singing.languages, *self.acoustic.languages))
        if named:
            return tuple(name for name in named if not prefixes or name in prefixes)
        if prefixes:
            return tuple(sorted(prefixes))
        language = self.character.default_language
        return (language,) if language else tuple(sorted(set(self._dictionary_files) - {""}))

    def sings(self, language: str) -> bool:
        """Tell whether it sings a language; one that does not say what it sings may sing any."""
        return language in self.languages or not self.languages

    @property
    def speakers(self) -> tuple[str, ...]:
        """Speakers of the acoustic model; empty where it has one voice."""
        return self.acoustic.config.speakers

    def speaker(self, name: str) -> str:
        """Return the speaker meant by a speaker's name, its last path part, or a colour's label.

        Raises UnknownName with those there are.
        """
        for speaker in self.speakers:
            short = speaker.replace("\\", "/").rsplit("/", 1)[-1]
            if name in (speaker, short) or name.lower() == short.lower():
                return speaker
        suffix = dict(self.character.colours).get(name)
        meant = self.acoustic.speaker(suffix, ()) if suffix else None
        if meant is not None:
            return meant
        there = ", ".join(self.speakers) or "none: it has one voice; leave speaker out"
        raise UnknownName(
            f"voicebank {self.id} has no speaker {name}", hint=f"Speakers: {there}", speakers=list(self.speakers)
        )

    @cached_property
    def controls(self) -> tuple[str, ...]:
        """Controls that the configs promise; "vibrato" only where the pitch is drawn and not predicted."""
        acoustic, pitch = self.acoustic.config, self.stage("pitch")
        promised = {
            "gender": acoustic.use_key_shift_embed,
            "velocity": acoustic.use_speed_embed,
            "energy": acoustic.use_energy_embed,
            "breathiness": acoustic.use_breathiness_embed,
            "voicing": acoustic.use_voicing_embed,
            "tension": acoustic.use_tension_embed,
            "expressiveness": True,
            "vibrato": pitch is None,
            "tone_shift": self._can_shift,
            "loudness": True,
            "dynamics": True,
        }
        return tuple(name for name, there in promised.items() if there)

    @property
    def _can_shift(self) -> bool:
        """Whether the vocoder sings another pitch than the mel was made for; a machine without models may lack it."""
        try:
            return self.vocoder[1].pitch_controllable
        except InvalidVoicebank:
            return False

    @cached_property
    def symbols(self) -> Mapping[str, SymbolRole]:
        """Symbol → role, of every symbol that both the duration and the acoustic model know."""
        durations = self.stage("durations")
        known = self.acoustic.phonemes if durations is None else durations.phonemes
        return {symbol: self._role(symbol) for symbol in known if symbol in self.acoustic.phonemes}

    @cached_property
    def glides(self) -> frozenset[str]:
        """Symbols between a consonant and a vowel that open the note (semivowels and liquids)."""
        return frozenset(symbol for symbol, type_ in self._types.items() if type_ in GLIDE_TYPES)

    @property
    def types(self) -> Mapping[str, str]:
        """Symbol → stop, nasal, fricative, … as its dictionaries say."""
        return self._types

    def resolve(self, symbol: str, language: str = "") -> str | None:
        """Return the inventory's own symbol for one written with or without its language; None where there is none."""
        candidates = (symbol, f"{language}/{symbol}", symbol.rpartition("/")[2])
        return next((candidate for candidate in candidates if candidate in self.symbols), None)

    def dictionary(self, language: str = "") -> PhonemeDictionary:
        """Return the dictionary of a language: its own file, else the general one, else an empty one.

        Raises InvalidVoicebank when that file is no dictionary; the other languages' files are not read.
        """
        path = self._dictionary_files.get(language) or self._dictionary_files.get("")
        if path is None:
            return PhonemeDictionary()
        if path not in self._dictionaries:
            self._dictionaries[path] = read_dictionary(path)
        return self._dictionaries[path]

    @cached_property
    def conventions(self) -> Mapping[str, tuple[str, str]]:
        """Symbol → (language, its name in that language's convention), of the symbols that replacements lead to.

        A dictionary that cannot be read names nothing.
        """
        named: dict[str, tuple[str, str]] = {}
        for language in self.languages:
            path = self._dictionary_files.get(language) or self._dictionary_files.get("")
            try:
                replacements = read_replacements(path) if path is not None else {}
            except InvalidVoicebank:
                continue
            for name, written in replacements.items():
                symbol = self.resolve(written, language)
                if symbol is not None:
                    named.setdefault(symbol, (language, name))
        return named

    @cached_property
    def _dictionaries(self) -> dict[Path, PhonemeDictionary]:
        return {}

    @cached_property
    def _dictionary_files(self) -> dict[str, Path]:
        """Language ("" for dsdict.yaml) → file of the duration stage, where OpenUtau keeps them."""
        folders = [self.folder / "dsdur", self.folder]
        files: dict[str, Path] = {}
        for folder in folders:
            for path in sorted(folder.glob("dsdict*.yaml")):
                files.setdefault(path.stem.removeprefix("dsdict").removeprefix("-"), path)
        for name in [name for name in files if "-" in name]:
            files.setdefault(name.partition("-")[0], files[name])
        return files

    @cached_property
    def _types(self) -> dict[str, str]:
        """Symbol → dictionary type; a dictionary that cannot be read types nothing."""
        types: dict[str, str] = {}
        for folder in (self.folder / "dsdur", self.folder, *(self.folder / name for name in _FOLDERS.values())):
            for path in sorted(folder.glob("dsdict*.yaml")):
                try:
                    found = read_symbol_types(path)
                except InvalidVoicebank:
                    continue
                types = found | types
        return types

    def _role(self, symbol: str) -> SymbolRole:
        if symbol == SILENCE:
            return "rest"
        if symbol == BREATH:
            return "breath"
        bare = symbol.rpartition("/")[2]
        type_ = self._types.get(symbol) or self._types.get(bare)
        is_vowel = type_ == "vowel" if type_ else bare in BUILT_IN_VOWELS
        return "vowel" if is_vowel else "consonant"


def bank_root(folder: Path) -> Path:
    """Return the folder that names the bank whose acoustic config lies in `folder`: some keep it in `configs`."""
    return folder.parent if folder.name == "configs" else folder


def read_voicebank(folder: Path, packages: tuple[Path, ...] = ()) -> Voicebank:
    """Open the voicebank in `folder`; its vocoder's package may lie in one of `packages`.

    Raises InvalidVoicebank when it has no dsconfig.yaml with an acoustic model.
    """
    folder = folder.absolute()
    root = bank_root(folder)
    config = read_config(folder / "dsconfig.yaml", StageConfig)
    if not config.acoustic:
        raise InvalidVoicebank(f"{folder / 'dsconfig.yaml'} names no acoustic model", path=str(folder))
    return Voicebank(root.name, root, folder, Stage("acoustic", root, folder, config), packages)
