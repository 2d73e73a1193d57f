"""Six pictures: a line as the voice sings it, above the same line as its teacher does."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace
from itertools import product
from pathlib import Path

import numpy as np

from singsynth_mcp.media.pictures import DrawnPhoneme, Scene, draw, plain_symbol
from training.report.bars import REGISTERS
from training.report.gathering import Gathering
from training.report.singing import Singing

PICTURES = 6
_WIDTH = 900


def draw_pictures(gatherings: Sequence[Gathering], folder: Path) -> list[tuple[str, str]]:
    """Write the pictures and return (file name, caption) of each."""
    folder.mkdir(parents=True, exist_ok=True)
    drawn = []
    for gathering, title, register, line in chosen(gatherings):
        song, where = gathering.sung[title, register]
        alone = song.line_alone(line)
        sung, taught = gathering.sing(alone, where.transpose), gathering.teach(alone, where.transpose)
        speaker, language = gathering.findings.speaker, song.language
        caption = f"{speaker or 'voice'}, {language}, {register}, {song.tempo} bpm: {alone.lines[0].text}"
        name = f"{speaker or 'voice'}-{language}-{register}-{song.tempo}.png"
        images = [draw(scene(sung, f"{speaker or 'voice'}, {register}, {song.tempo} bpm", notes=True))]
        if taught is not None:
            images.append(draw(scene(taught, "teacher", notes=False)))
        temporary = folder / f".{name}"
        temporary.write_bytes(_stacked(images))
        temporary.replace(folder / name)
        drawn.append((name, caption))
    return drawn


def chosen(gatherings: Sequence[Gathering]) -> list[tuple[Gathering, str, str, int]]:
    """Return (gathering, song, register, line) of what is drawn: singers and languages, slow and fast, by turns."""
    places = []
    for turn, (gathering, register) in enumerate(product(gatherings, REGISTERS)):
        titles = sorted(
            {title for title, where in gathering.sung if where == register},
            key=lambda title, gathering=gathering, register=register: gathering.sung[title, register][0].tempo,
        )
        # the slowest and the fastest song, then those between
        titles = [title for pair in zip(titles, reversed(titles), strict=True) for title in pair][: len(titles)]
        places += [(rank, turn, gathering, title, register) for rank, title in enumerate(titles)]
    places.sort(key=lambda place: place[:2])
    return [(gathering, title, register, 0) for _, _, gathering, title, register in places[:PICTURES]]


def scene(sung: Singing, title: str, *, notes: bool) -> Scene:
    """Return what is to be drawn of a line."""
    start, stop = sung.lines[0][0] - 0.3, sung.lines[0][1] + 0.3
    mixed, rate = sung.mix(), sung.sample_rate
    first = round((start + sung.lead_s) * rate)
    audio = np.pad(mixed, (max(0, -first), 0))[max(0, first) : round((stop + sung.lead_s) * rate)]
    inside = [phrase for phrase in sung.phrases if phrase.start_s < stop and phrase.stop_s > start]
    phonemes = [
        DrawnPhoneme(
            plain_symbol(phoneme.symbol),
            phoneme.role,
            phrase.start_s + phoneme.first * phrase.frame_s,
            phrase.start_s + phoneme.stop * phrase.frame_s,
        )
        for phrase in inside
        for phoneme in phrase.phonemes
    ]
    chosen_notes = [note for note in sung.notes if start <= note.start_s < stop]
    spoken = [_spoken(note.start_s, phonemes) for note in chosen_notes]
    pitch = [
        (
            phrase.start_s + (np.arange(len(phrase.f0)) + 0.5) * phrase.frame_s,
            69.0 + 12.0 * np.log2(phrase.f0 / 440.0),
        )
        for phrase in inside
    ]
    whole = Scene(title, start, stop, chosen_notes, spoken, phonemes, pitch, audio, rate)
    return whole if notes else replace(whole, notes=(), spoken=(), pitch=())


def _spoken(start_s: float, phonemes: Sequence[DrawnPhoneme]) -> str:
    """Return the vowel that begins with a note, and the consonants before it."""
    at = min(range(len(phonemes)), key=lambda i: abs(phonemes[i].start_s - start_s), default=-1)
    symbols = [phonemes[at].symbol] if at >= 0 else []
    while at > 0 and phonemes[at - 1].role == "consonant":
        at -= 1
        symbols.insert(0, phonemes[at].symbol)
    return "".join(symbols)


def _stacked(images: Sequence[bytes]) -> bytes:
    """Return pictures one under the other, as wide as a page needs."""
    from PIL import Image

    opened = [Image.open(io.BytesIO(image)).convert("RGB") for image in images]
    whole = Image.new("RGB", (opened[0].width, sum(image.height for image in opened)), "white")
    top = 0
    for image in opened:
        whole.paste(image, (0, top))
        top += image.height
    small = whole.resize((_WIDTH, round(whole.height * _WIDTH / whole.width)), Image.Resampling.LANCZOS)
    data = io.BytesIO()
    small.quantize(128, dither=Image.Dither.NONE).save(data, format="PNG", optimize=True)
    return data.getvalue()
