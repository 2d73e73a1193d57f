"""phonemize and align_phonemes_to_notes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from anyio import to_thread

from singsynth_mcp.artifacts.base import Entry, Manifest, memo_key
from singsynth_mcp.contracts.common import LIST_LIMIT, PassedOver, first_warnings
from singsynth_mcp.contracts.performance import (
    AlignRequest,
    PerformanceResult,
    PhonemizeRequest,
    PhonemizeResult,
    WordRow,
)
from singsynth_mcp.cpu_server.coaching import carried_over
from singsynth_mcp.cpu_server.performances import performance_result, speaker_weights
from singsynth_mcp.cpu_server.recent import played
from singsynth_mcp.cpu_server.scores import load_score
from singsynth_mcp.cpu_server.services import CpuServices
from singsynth_mcp.cpu_server.voices import voicebank_of
from singsynth_mcp.errors import ArtifactError, InvalidRequest, UnknownName, VoicebankMismatch
from singsynth_mcp.performance.model import PerformanceHeader
from singsynth_mcp.score.model import PlayedNote, Score, ScoreWarning

if TYPE_CHECKING:
    from singsynth_mcp.lyrics.alignment import PlacedPhrase
    from singsynth_mcp.lyrics.model import Phonemes
    from singsynth_mcp.lyrics.pronunciations import Pronunciations
    from singsynth_mcp.performance.model import Curve
    from singsynth_mcp.voicebanks import Voicebank

PHONEMIZE_VERSION = 2
ALIGN_VERSION = 3
_WORDS_BYTES = 1800
"""Room that the words may take in a result of under 4 KB."""
_OTHERS_SHOWN = 3
_HEADER_WARNINGS = 100
_DEFAULT_RANGE = (35.9, 84.9)
"""MIDI; 65 Hz to 1100 Hz: where a voicebank does not say what it can sing."""


async def phonemize(request: PhonemizeRequest, services: CpuServices) -> PhonemizeResult:
    """Read the lyrics of a score's part, or a free text, in a voicebank's phonemes.

    Raises InvalidRequest unless exactly one of score and text is given; UnknownName for a part, verse or language that
    is not there; InvalidLyrics; UnknownVoicebank; what loading the score raises.
    """
    from singsynth_mcp.lyrics.pronunciations import pronunciations

    if (request.score is None) == (request.text is None):
        raise InvalidRequest("give either score or text", hint="score is an id that parse_score returned.")
    bank = await voicebank_of(request.voicebank, services)
    language = await to_thread.run_sync(_checked_language, request.language, bank)
    own = await to_thread.run_sync(pronunciations, request.pronunciations, services.settings.dictionaries, bank.id)
    key = memo_key(
        *("phonemize", PHONEMIZE_VERSION, request.score, request.part, request.verse, request.text),
        *(language, bank.id, bank.digest, *([own.digest()] if own.of_call or own.files else [])),
    )
    manifest = await _recall(key, services)
    if manifest is None:
        if request.text is not None:
            part, language, words = None, *await to_thread.run_sync(_read_text, request.text, bank, language, own)
        else:
            score = await load_score(request.score or "", services)
            part, language, words = await to_thread.run_sync(_read_score, score, request, bank, language, own)
        header = {"score": request.score, "part": part, "verse": request.verse, "language": language}
        header |= {"voicebank": bank.id, "voicebank_digest": bank.digest}
        manifest = Manifest("phonemes", header, (Entry(0.0, await services.store.put_blob(words.to_json())),))
        stored = await services.store.put(manifest)
        if all(warning["code"] != "g2p_missing" for warning in words.warnings):
            await services.store.remember(key, stored)  # What an installation lacks may come.
    return _phonemize_result(manifest, await _phonemes(manifest, services), request.range)


async def align_phonemes_to_notes(request: AlignRequest, services: CpuServices) -> PerformanceResult:
    """Put phonemes on the played notes of their score: a performance in phrases, without any prediction yet.

    Raises InvalidRequest when the phonemes were made for another score or for a free text; VoicebankMismatch when the
    voicebank has changed since; UnknownName for a speaker or control that is not there.
    """
    source = await services.store.get(request.phonemes, "phonemes")
    made_for = source.header["score"]
    if made_for != request.score:
        what = f"score {made_for}" if made_for else "a free text"
        raise InvalidRequest(
            f"{request.phonemes} was made for {what}, not for score {request.score}",
            hint=f"Call phonemize with score={request.score} and pass the id that it returns.",
        )
    bank = await voicebank_of(source.header["voicebank"], services)
    if bank.digest != source.header["voicebank_digest"]:
        raise VoicebankMismatch(
            f"{request.phonemes} was made with another version of voicebank {bank.id}",
            hint=f"Call phonemize with score={request.score} again: the voicebank's files have changed.",
        )
    arguments = request.model_dump(mode="json", exclude={"edits_of"})
    key = memo_key("align", ALIGN_VERSION, source.entries[0].blob, dict(source.header), arguments)
    manifest = await _recall(key, services)
    if manifest is None:
        score = await load_score(request.score, services)
        words = await _phonemes(source, services)
        aligned = await to_thread.run_sync(_align, score, words, request, source.header, bank)
        manifest = await _store_performance(aligned, request, source.header, services)
        await services.store.remember(key, await services.store.put(manifest))
    if not request.edits_of:
        return await performance_result(manifest, services.store)
    edited, lost = await carried_over(manifest, request.edits_of, services)
    result = await performance_result(edited, services.store)
    return result.model_copy(update={"warnings": first_warnings([*lost, *(result.warnings or [])])})


@dataclass(frozen=True)
class _Aligned:
    phrases: Sequence[PlacedPhrase]
    warnings: Sequence[Mapping[str, Any]]


async def _recall(key: str, services: CpuServices) -> Manifest | None:
    """Return the artifact of an earlier equal call, None where there is none or it was pruned."""
    artifact = await services.store.recall(key)
    try:
        manifest = await services.store.get(artifact) if artifact else None
    except ArtifactError:
        return None
    blobs = [entry.blob for entry in manifest.entries] if manifest else []
    return None if await services.store.missing_blobs(blobs) else manifest


async def _phonemes(manifest: Manifest, services: CpuServices) -> Phonemes:
    from singsynth_mcp.lyrics.model import Phonemes

    return Phonemes.from_json(await services.store.get_blob(manifest.entries[0].blob))


def _checked_language(wanted: str | None, bank: Voicebank) -> str | None:
    """Return the language asked for as the voicebank calls it. Raises UnknownName when nobody can read it."""
    from singsynth_mcp.lyrics.espeak import EspeakMissing
    from singsynth_mcp.lyrics.g2p import can_speak

    if wanted is None or not bank.languages or wanted in bank.languages:
        return wanted
    language = wanted.replace("_", "-").partition("-")[0].lower()
    try:
        if language in bank.languages or can_speak(language):
            return language
        why = "nothing here reads it"
    except EspeakMissing as missing:
        why = missing.message
    raise UnknownName(
        f"voicebank {bank.id} does not sing {wanted!r}, and {why}",
        hint=f"Its languages: {', '.join(bank.languages)}; list_voicebanks shows those of the others. Most others "
        "(ISO 639: de, fr, it …) are sung with its nearest phonemes.",
        languages=list(bank.languages),
    )


def _language_of(texts: Sequence[tuple[str, str]], wanted: str | None, bank: Voicebank) -> str:
    """Return the language asked for, else that of most texts, by their tags or their words, else the voicebank's first.

    texts: (text, language tag or "").
    """
    from singsynth_mcp.lyrics.recognise import recognised

    languages = bank.languages
    if wanted:
        return wanted
    tags = Counter(tag if tag in languages else tag.partition("-")[0] for _, tag in texts)
    if texts and (most := tags.most_common(1)[0][0]):
        return most
    return recognised([text for text, tag in texts if not tag], languages) or (languages[0] if languages else "")


def _read_text(text: str, bank: Voicebank, wanted: str | None, own: Pronunciations) -> tuple[str, Phonemes]:
    from singsynth_mcp.lyrics.model import Phonemes
    from singsynth_mcp.lyrics.reading import Reader
    from singsynth_mcp.lyrics.words import text_words

    reader = Reader(bank, _language_of([(word, "") for word in text_words(text)], wanted, bank), user=own)
    words = reader.read_text(text)
    return reader.language, Phonemes(tuple(words), tuple(_facts(reader.warnings)))


def _read_score(
    score: Score, request: PhonemizeRequest, bank: Voicebank, wanted: str | None, own: Pronunciations
) -> tuple[str, str, Phonemes]:
    from singsynth_mcp.lyrics.model import Phonemes
    from singsynth_mcp.lyrics.part import read_part
    from singsynth_mcp.lyrics.reading import Reader
    from singsynth_mcp.lyrics.words import written_words

    sung = played(score, request.part, request.verse)
    texts = [(word.text, word.language) for word in written_words(sung.notes)]
    reader = Reader(bank, _language_of(texts, wanted, bank), sung.line, own)
    words = read_part(sung.notes, reader)
    return sung.line, reader.language, Phonemes(tuple(words), tuple(_facts([*sung.warnings, *reader.warnings])))


def _facts(warnings: Sequence[ScoreWarning]) -> list[dict[str, Any]]:
    return [{key: value for key, value in asdict(warning).items() if value is not None} for warning in warnings]


def _phonemize_result(manifest: Manifest, phonemes: Phonemes, listed: str | None) -> PhonemizeResult:
    from singsynth_mcp.cpu_server.describing import list_window

    total = len(phonemes.words)
    first, last, _ = list_window(listed, total)
    rows: list[WordRow] = []
    room = _WORDS_BYTES
    for word in phonemes.words[first:last]:
        row = WordRow(
            text=word.text,
            phonemes=[symbol.symbol for symbol in word.phonemes],
            source=word.source,
            substituted=[f"{one.sound} → {one.symbol} ({one.distance:.2f})" for one in word.substitutions] or None,
            others=list(word.others[:_OTHERS_SHOWN]) or None,
        )
        room -= len(row.model_dump_json(exclude_none=True).encode())
        if rows and room < 0:
            break
        rows.append(row)
    reached = first + len(rows)
    return PhonemizeResult(
        id=manifest.id,
        voicebank=manifest.header["voicebank"],
        language=manifest.header["language"],
        words=rows,
        total=total,
        next=f"{reached + 1}-{min(reached + LIST_LIMIT, total)}" if reached < total else None,
        warnings=first_warnings([PassedOver.model_validate(warning) for warning in phonemes.warnings]),
    )


def _align(
    score: Score, phonemes: Phonemes, request: AlignRequest, header: Mapping[str, Any], bank: Voicebank
) -> _Aligned:
    from singsynth_mcp.lyrics.alignment import Rendition, align
    from singsynth_mcp.lyrics.syllables import sung_notes
    from singsynth_mcp.lyrics.timing import time_map
    from singsynth_mcp.performance.controls import check_controls
    from singsynth_mcp.score.played_loudness import played_loudness

    sung_part = played(score, header["part"], header["verse"])
    controls = check_controls(request.controls)
    wanted = request.speaker
    if wanted is None:
        wanted = bank.speaker_for([note.midi + request.transpose for note in sung_part.notes])
    rendition = Rendition(
        time_map=time_map(sung_part.notes),
        speaker=speaker_weights(wanted, bank),
        controls=controls,
        dynamics_db=played_loudness(score, sung_part.line) or 0.0,
        transpose=request.transpose,
        breaths=request.breaths,
        can_breathe=bank.symbols.get("AP") == "breath",
    )
    sung, warnings = sung_notes(sung_part.notes, phonemes.words, bank.glides, header["part"])
    span = bank.range_of(next(iter(rendition.speaker)) if len(rendition.speaker) == 1 else None) or _DEFAULT_RANGE
    warnings += _out_of_range([note.played for note in sung], request.transpose, span, header["part"])
    warnings += _unsupported(controls, bank)
    return _Aligned(align(sung, rendition), _facts(warnings))


def _out_of_range(
    notes: Sequence[PlayedNote], transpose: float, span: tuple[float, float], part: str
) -> list[ScoreWarning]:
    from singsynth_mcp.lyrics.foreign import warning
    from singsynth_mcp.score.pitch import pitch_name

    lowest, highest = span
    found = []
    for note in notes:
        midi = note.midi + transpose
        if not lowest <= midi <= highest:
            side = "below" if midi < lowest else "above"
            message = f"{pitch_name(midi)} is {side} the voice's range ({pitch_name(lowest)} to {pitch_name(highest)})"
            found.append(warning("out_of_range", message, part, note))
    return found


def _unsupported(controls: Mapping[str, Curve], bank: Voicebank) -> list[ScoreWarning]:
    there = ", ".join(bank.controls)
    return [
        ScoreWarning("control_not_supported", f"voicebank {bank.id} does not follow {name}; it follows {there}")
        for name in controls
        if name not in bank.controls
    ]


async def _store_performance(
    aligned: _Aligned, request: AlignRequest, source: Mapping[str, Any], services: CpuServices
) -> Manifest:
    from singsynth_mcp.performance.blobs import phrase_to_bytes

    header = PerformanceHeader(
        score=request.score,
        part=source["part"],
        verse=source["verse"],
        voicebank=source["voicebank"],
        voicebank_digest=source["voicebank_digest"],
        language=source["language"],
        seed=request.seed,
        warnings=tuple(aligned.warnings[:_HEADER_WARNINGS]),
    )
    entries = []
    for placed in aligned.phrases:
        blob = await services.store.put_blob(phrase_to_bytes(placed.phrase))
        entries.append(Entry(placed.start_s, blob))
    return Manifest("performance", asdict(header), tuple(entries))
