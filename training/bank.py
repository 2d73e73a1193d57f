"""The voicebank folder: graphs, configurations, phoneme tables, dictionaries, card."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from singsynth_mcp.score.pitch import pitch_name
from training import nets
from training.examples import HOP_SIZE, MEL_BINS, SAMPLE_RATE
from training.export import export_all
from training.inventory import LANGUAGE_IDS, PHONEME_IDS, PHONEMES, VOICEBANK, Phoneme
from training.mel import HIGHEST_HZ, LOWEST_HZ, WINDOW_SIZE
from training.singers import SINGERS, SPEAKERS

VERSION = "0.12"
VOCODER_NAME = "aviary_vocoder"
GENDER_SEMITONES = 3
MORAE = Path(__file__).parent / "languages" / "japanese-morae.tsv"
CARD = Path(__file__).parent / "voicebank"
SHIPPED = Path(__file__).parent.parent / "assets" / "voicebanks" / VOICEBANK

CLOCK = {"sample_rate": SAMPLE_RATE, "hop_size": HOP_SIZE}
MEL = {
    **CLOCK,
    "win_size": WINDOW_SIZE,
    "fft_size": WINDOW_SIZE,
    "num_mel_bins": MEL_BINS,
    "mel_fmin": int(LOWEST_HZ),
    "mel_fmax": int(HIGHEST_HZ),
    "mel_base": "e",
    "mel_scale": "slaney",
}
STAGE = {
    "phonemes": "phonemes.json",
    "languages": "languages.json",
    "use_lang_id": True,
    "speakers": list(SPEAKERS),
    "hidden_size": nets.HIDDEN,
}
CONFIGS: dict[str, dict[str, Any]] = {
    "": {
        **STAGE,
        "acoustic": "acoustic.onnx",
        "vocoder": VOCODER_NAME,
        "use_key_shift_embed": True,
        "augmentation_args": {
            "random_pitch_shifting": {"range": [-GENDER_SEMITONES, GENDER_SEMITONES]},
            "random_time_stretching": {"range": [0.5, 2.0]},
        },
        "use_speed_embed": True,
        "use_energy_embed": False,
        "use_breathiness_embed": True,
        "use_voicing_embed": True,
        "use_tension_embed": True,
        "use_continuous_acceleration": True,
        "use_variable_depth": False,
        **MEL,
    },
    "dsdur": {
        **STAGE,
        "linguistic": "linguistic.onnx",
        "dur": "dur.onnx",
        "predict_dur": True,
        **CLOCK,
    },
    "dspitch": {
        **STAGE,
        "linguistic": "linguistic.onnx",
        "pitch": "pitch.onnx",
        "predict_dur": True,
        "use_expr": True,
        "use_note_rest": True,
        "use_continuous_acceleration": True,
        **CLOCK,
    },
    "dsvariance": {
        **STAGE,
        "linguistic": "linguistic.onnx",
        "variance": "variance.onnx",
        "predict_dur": True,
        "predict_energy": False,
        "predict_breathiness": True,
        "predict_voicing": True,
        "predict_tension": True,
        "use_continuous_acceleration": True,
        **CLOCK,
    },
}
REPLACEMENTS = {
    **{symbol.name: symbol.symbol for symbol in PHONEMES if symbol.language == "en"},
    "dx": "en/d",
}
"""What English phonemizers call a phoneme: the inventory's symbol; the flap is nearest to d."""
_GLIDES = frozenset(("liquid", "semivowel"))
"""What a renderer lets open a note after another consonant (format, section 3.3): pl, gr and tw would be held on l, r
and w. These singers have every vowel on its note's beat, so their l, r, w and y go by the wider name, approximant."""
CREDITS = (
    "made from Kokoro-82M by hexgrad (Apache-2.0), two of whose styles were made with the SIWIS"
    " French Speech Synthesis Database (CC BY 4.0) and with Koniwa (CC BY 3.0)"
)
CHARACTER: dict[str, Any] = {
    "name": "Aviary",
    "singer_type": "diffsinger",
    "text_file_encoding": "utf-8",
    "author": "the singsynth-mcp authors",
    "voice": "synthetic (made from the speech of Kokoro-82M)",
    "version": VERSION,
    "default_phonemizer": "OpenUtau.Core.DiffSinger.DiffSingerJapanesePhonemizer",
    "subbanks": [
        {"color": name.capitalize(), "prefix": "", "suffix": name, "tone_ranges": ["C1-B7"]} for name in SPEAKERS
    ],
    "license": "Apache-2.0",
    "range": [pitch_name(note) for note in SINGERS[SPEAKERS[0]].range],
    "ranges": {name: [pitch_name(note) for note in singer.range] for name, singer in SINGERS.items()},
    "credits": [
        f"Aviary ({', '.join(name.capitalize() for name in SPEAKERS)}), synthetic voices by the singsynth-mcp"
        " authors, Apache-2.0",
        CREDITS,
    ],
}


def assemble(*fits: Path, target: Path = SHIPPED) -> Path:
    """Export the nets of a folder of fits and write the whole voicebank to ``target``, replacing it at the end.

    Of several folders the mean of the weights is exported. Returns ``target``. Nothing half-written is ever there.
    """
    fresh = target.with_name(f".{target.name}.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    write_texts(fresh)
    export_all(fresh, *fits)
    old = target.with_name(f".{target.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if target.exists():
        target.rename(old)
    fresh.rename(target)
    shutil.rmtree(old, ignore_errors=True)
    return target


def write_texts(folder: Path) -> None:
    """Write everything but the graphs."""
    for stage, config in CONFIGS.items():
        home = folder / stage
        home.mkdir(exist_ok=True)
        _write_yaml(home / "dsconfig.yaml", config)
        _write_json(home / "phonemes.json", PHONEME_IDS)
        _write_json(home / "languages.json", LANGUAGE_IDS)
        for name, code in zip(SPEAKERS, nets.speaker_codes().numpy(), strict=True):
            (home / f"{name}.emb").write_bytes(code.astype("<f4").tobytes())
        if stage:
            _write_dictionary(home / "dsdict.yaml", [])
    _write_dictionary(folder / "dsdur" / "dsdict-ja.yaml", japanese_entries())
    _write_dictionary(folder / "dsdur" / "dsdict-en.yaml", [], REPLACEMENTS)
    vocoder = folder / "dsvocoder"
    vocoder.mkdir()
    _write_yaml(
        vocoder / "vocoder.yaml",
        # Its mel has to be of its F0: envelopes are read off above the harmonics of that.
        {"name": VOCODER_NAME, "model": "vocoder.onnx", **MEL, "pitch_controllable": False},
    )
    _write_yaml(folder / "character.yaml", CHARACTER)
    facts = {key: CHARACTER[key] for key in ("name", "author", "voice", "version")}
    text = "".join(f"{key}={value}\n" for key, value in facts.items())
    (folder / "character.txt").write_text(text, encoding="utf-8")
    for name in ("README.md", "LICENSE"):
        shutil.copyfile(CARD / name, folder / name)


def japanese_entries() -> list[tuple[str, list[str]]]:
    """Return (grapheme, symbols) of every mora, in kana and in each of its romanisations."""
    entries: dict[str, list[str]] = {}
    for line in MORAE.read_text(encoding="utf-8").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        kana, romaji, phonemes = line.split("\t")
        symbols = [f"ja/{name}" for name in phonemes.split()]
        for grapheme in (kana, *romaji.split()):
            entries.setdefault(grapheme, symbols)
    return list(entries.items())


def _type(phoneme: Phoneme) -> str:
    return "approximant" if phoneme.kind in _GLIDES else phoneme.kind


def _write_dictionary(
    path: Path, entries: list[tuple[str, list[str]]], replacements: Mapping[str, str] | None = None
) -> None:
    # One flow mapping a line, symbols first: entries may only use symbols listed before them.
    lines = ["symbols:"]
    lines += [f"- {{symbol: {_scalar(p.symbol)}, type: {_type(p)}}}" for p in PHONEMES]
    if replacements:
        lines += ["replacements:", *(f"- {{from: {_scalar(a)}, to: {_scalar(b)}}}" for a, b in replacements.items())]
    lines += ["entries:" if entries else "entries: []"]
    for grapheme, symbols in entries:
        joined = ", ".join(_scalar(symbol) for symbol in symbols)
        lines.append(f"- {{grapheme: {_scalar(grapheme)}, phonemes: [{joined}]}}")
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _scalar(text: str) -> str:
    """Return ``text`` as a YAML scalar, quoted where YAML would read something else (n, y, no)."""
    dumped: str = yaml.safe_dump([text], allow_unicode=True, default_flow_style=True)
    return dumped.strip()[1:-1]


def _write_yaml(path: Path, document: dict[str, Any]) -> None:
    text = yaml.safe_dump(document, allow_unicode=True, sort_keys=False)
    path.write_text(text, encoding="utf-8")


def _write_json(path: Path, document: dict[str, int]) -> None:
    path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
