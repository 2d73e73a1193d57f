"""modify_performance, and the edits that align carries over from an earlier performance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from anyio import to_thread

from singsynth_mcp.artifacts.base import ArtifactStore, Entry, Manifest
from singsynth_mcp.contracts.coaching import ModifiedPerformanceResult, ModifyPerformanceRequest
from singsynth_mcp.contracts.common import LIST_LIMIT, PassedOver, first_warnings
from singsynth_mcp.cpu_server.performances import in_ranges, performance_result, phrases_of, speaker_weights
from singsynth_mcp.cpu_server.recent import played
from singsynth_mcp.cpu_server.scores import load_score
from singsynth_mcp.cpu_server.services import CpuServices
from singsynth_mcp.cpu_server.voices import voicebank_of
from singsynth_mcp.errors import UnknownArtifact, VoicebankMismatch

if TYPE_CHECKING:
    from singsynth_mcp.performance.curves import TimeMap
    from singsynth_mcp.performance.edits import Coach, Edit, Places
    from singsynth_mcp.performance.model import Curve, Phrase, Role
    from singsynth_mcp.score.model import Score
    from singsynth_mcp.voicebanks import Voicebank

_CHANGES_BYTES = 1500


async def modify_performance(request: ModifyPerformanceRequest, services: CpuServices) -> ModifiedPerformanceResult:
    """Edit a performance: a new one, whose touched phrases wait for the stages that the edits change.

    Raises UnknownArtifact, WrongArtifactKind, VoicebankMismatch, UnknownVoicebank, InvalidRequest, UnknownName,
    InvalidLyrics, StageMissing.
    """
    performance = await services.store.get(request.performance, "performance")
    coach = await open_coach(performance, services)
    changes = await to_thread.run_sync(coach.apply, request.operations)
    base = performance.header.get("base", performance.id)
    edited = await with_edits(performance, coach, base, services.store)
    result = await performance_result(edited, services.store)
    touched = [
        number
        for number, (new, old) in enumerate(zip(edited.entries, performance.entries, strict=True), 1)
        if new.blob != old.blob
    ]
    return ModifiedPerformanceResult(
        **result.model_dump(exclude={"warnings"}),
        warnings=first_warnings([*_lost(coach), *(result.warnings or [])]),
        changes=_within(changes),
        touched=in_ranges(touched),
        edits=len(coach.edits),
    )


async def open_coach(performance: Manifest, services: CpuServices) -> Coach:
    """Return what edits a performance.

    Raises UnknownArtifact (also for the score or the unedited performance, where they were pruned), VoicebankMismatch,
    UnknownVoicebank.
    """
    from singsynth_mcp.performance.edits import Coach, Edit, PlacedPhrase

    header, store = performance.header, services.store
    bank = await voicebank_of(header["voicebank"], services)
    if bank.digest != header["voicebank_digest"]:
        hint = "Call phonemize and align_phonemes_to_notes again; edits_of carries these edits over"
        raise VoicebankMismatch(f"{performance.id} was made with another version of voicebank {bank.id}", hint=hint)
    base = performance if "base" not in header else await _base(performance, store)
    phrases, bases = await phrases_of(performance, store), await phrases_of(base, store)
    score = await load_score(header["score"], services)
    places, time_map = await to_thread.run_sync(_places, score, header, bases)
    placed = [
        PlacedPhrase(entry.start_seconds, base, current)
        for entry, base, current in zip(performance.entries, bases, phrases, strict=True)
    ]
    edits = [Edit.from_json(row) for row in header.get("edits", ())]
    voice = _BankVoice(bank, header["language"])
    return Coach(placed, places, time_map, voice, bank.acoustic.config.frame_s, edits)


async def with_edits(performance: Manifest, coach: Coach, base: str, store: ArtifactStore) -> Manifest:
    """Store a performance with what a coach made of it. base: the id of its phrases as they were aligned."""
    from singsynth_mcp.performance.blobs import phrase_to_bytes

    entries = []
    for entry, phrase in zip(performance.entries, coach.phrases, strict=True):
        entries.append(Entry(entry.start_seconds, await store.put_blob(phrase_to_bytes(phrase))))
    header = {name: value for name, value in performance.header.items() if name not in ("base", "edits")}
    if coach.edits:
        header |= {"base": base, "edits": [edit.to_json() for edit in coach.edits]}
    edited = Manifest("performance", header, tuple(entries))
    await store.put(edited)
    return edited


async def carried_over(
    performance: Manifest, edits_of: Sequence[str], services: CpuServices
) -> tuple[Manifest, list[PassedOver]]:
    """Return a newly aligned performance with the edits of the first of `edits_of` that sings its part; warnings."""
    from singsynth_mcp.performance.edits import Edit

    earlier = [await services.store.get(one, "performance") for one in edits_of]
    rows = [one.header.get("edits", ()) for one in earlier if one.header["part"] == performance.header["part"]]
    if not rows:
        message = f"none of {', '.join(edits_of[:4])} sings part {performance.header['part']}: it has no edits to keep"
        return performance, [PassedOver(code="no_edits", message=message, part=performance.header["part"])]
    edits: list[Edit] = [Edit.from_json(row) for row in rows[0]]
    if not edits:
        return performance, []
    coach = await open_coach(performance, services)
    await to_thread.run_sync(coach.carry_over, edits)
    return await with_edits(performance, coach, performance.id, services.store), _lost(coach)


def _within(changes: Sequence[str]) -> list[str]:
    """Return as many sentences as a result has room for; the last says how many more there are."""
    shown, room = list[str](), _CHANGES_BYTES
    for change in changes[:LIST_LIMIT]:
        room -= len(change.encode())
        if room < 0:
            break
        shown.append(change)
    more = len(changes) - len(shown)
    return [*shown, f"… and {more} more operations"] if more else shown


def _lost(coach: Coach) -> list[PassedOver]:
    return [PassedOver(code="pin_lost", message=str(lost)) for lost in coach.lost]


async def _base(performance: Manifest, store: ArtifactStore) -> Manifest:
    try:
        return await store.get(performance.header["base"], "performance")
    except UnknownArtifact as error:
        hint = "It was pruned from the store: align again, with edits_of to keep the edits"
        raise UnknownArtifact(f"{performance.id} was edited from {performance.header['base']}", hint=hint) from error


def _places(score: Score, header: Mapping[str, Any], phrases: Sequence[Phrase]) -> tuple[Places, TimeMap]:
    from singsynth_mcp.lyrics.timing import time_map
    from singsynth_mcp.performance.edits import places_of

    notes = played(score, header["part"], header["verse"]).notes
    numbers = [measure.number for measure in score.measures]
    index = {number: place for place, number in reversed(list(enumerate(numbers)))}
    facts = {
        (note.note_id, note.pass_number): (index[note.measure], float(note.beat), float(note.start_quarters))
        for note in notes
    }
    return places_of(phrases, facts, numbers), time_map(notes)


@dataclass(frozen=True)
class _BankVoice:
    """What edits ask of a voicebank: the protocol Voice."""

    bank: Voicebank
    language: str

    def symbols(self, text: str, language: str | None, note: str) -> tuple[list[tuple[str, str, Role]], int]:
        from singsynth_mcp.lyrics.dictionary import Lexicon
        from singsynth_mcp.lyrics.syllables import onset_of

        lexicon = Lexicon(self.bank, language or self.language)
        symbols = lexicon.hint(text, word=f"note {note.removesuffix('@1')}", where="")
        return [(one.symbol, one.language, one.role) for one in symbols], onset_of(symbols, self.bank.glides)

    def pitch(self, name: str) -> float:
        from singsynth_mcp.score.pitch import midi_of

        return midi_of(name)

    def speaker(self, wanted: str | Mapping[str, Any]) -> dict[str, Curve]:
        return speaker_weights(wanted if isinstance(wanted, str) else dict(wanted), self.bank)
