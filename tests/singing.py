"""Phrases for tests, written as people would sing them: notes with their phonemes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from singsynth_mcp.artifacts.base import ArtifactStore, Entry, Manifest
from singsynth_mcp.performance.blobs import phrase_to_bytes
from singsynth_mcp.performance.model import Curve, Group, Phoneme, Phrase, PhraseNote, Role
from singsynth_mcp.voicebanks import Voicebank

VOWELS = frozenset("aiueoN")
Sung = tuple[float, float, float, str]
"""Start and length in seconds, MIDI number, phonemes: "k a"; "SP" is a rest, "+~" holds the vowel before."""


def phrase_of(
    sung: Sequence[Sung],
    *,
    prefix: str = "ja/",
    speaker: Mapping[str, Curve] | None = None,
    controls: Mapping[str, Curve] | None = None,
) -> Phrase:
    """Return a phrase as align_phonemes_to_notes makes it: a group from each vowel or rest to the next."""
    notes: list[PhraseNote] = []
    phonemes: list[Phoneme] = []
    groups = [Group(0, 0.0, sung[0][2])]
    for start_s, length_s, midi, text in sung:
        if text != "SP":
            lyric = text if text.startswith("+") else text.replace(" ", "")
            notes.append(PhraseNote(f"n{len(notes) + 1}", 1, start_s, length_s, midi, lyric))
        for index, name in enumerate([] if text.startswith("+") else text.split()):
            role: Role = {"SP": "rest", "AP": "breath"}.get(name, "vowel" if name in VOWELS else "consonant")
            if role != "consonant":
                groups.append(Group(len(phonemes), start_s, midi))
            symbol = name if role in ("rest", "breath") else prefix + name
            phonemes.append(Phoneme(symbol, "ja" if prefix else "", role, len(notes) - 1, index))
    end_s = sung[-1][0] + sung[-1][1]
    return Phrase(tuple(notes), tuple(phonemes), tuple(groups), end_s, speaker=speaker or {}, controls=controls or {})


async def store_performance(
    store: ArtifactStore, bank: Voicebank, phrases: Sequence[tuple[float, Phrase]], seed: int = 0
) -> str:
    """Store phrases with their starts as a performance of `bank`; returns its id."""
    header = {
        "score": "score-000000000000",
        "part": "P1",
        "verse": None,
        "voicebank": bank.id,
        "voicebank_digest": bank.digest,
        "language": "ja",
        "seed": seed,
        "warnings": [],
    }
    entries = [Entry(start_s, await store.put_blob(phrase_to_bytes(phrase))) for start_s, phrase in phrases]
    return await store.put(Manifest("performance", header, tuple(entries)))
