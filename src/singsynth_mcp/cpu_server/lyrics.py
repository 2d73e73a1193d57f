"""phonemize."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from anyio import to_thread

from singsynth_mcp.artifacts.base import Entry, Manifest, memo_key
from singsynth_mcp.contracts.common import LIST_LIMIT, PassedOver, first_warnings
from singsynth_mcp.contracts.performance import (
    PhonemizeRequest,
    PhonemizeResult,
    WordRow,
)
from singsynth_mcp.cpu_server.recent import played, recent_phonemes
from singsynth_mcp.cpu_server.scores import load_score
from singsynth_mcp.cpu_server.services import CpuServices
from singsynth_mcp.cpu_server.voices import voicebank_of
from singsynth_mcp.errors import ArtifactError, InvalidRequest, UnknownName
from singsynth_mcp.score.model import Score, ScoreWarning

if TYPE_CHECKING:
    from singsynth_mcp.lyrics.model import Phonemes
    from singsynth_mcp.lyrics.pronunciations import Pronunciations
    from singsynth_mcp.voicebanks import Voicebank

PHONEMIZE_VERSION = 3
_WORDS_BYTES = 1800
"""Room that the words may take in a result of under 4 KB."""
_OTHERS_SHOWN = 3


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
    manifest = await recalled(key, services)
    if manifest is not None:
        words = await phonemes_of(manifest, services)
    else:
        if request.text is not None:
            part, language, words = None, *await to_thread.run_sync(_read_text, request.text, bank, language, own)
        else:
            score = await load_score(request.score or "", services)
            part, language, words = await to_thread.run_sync(_read_score, score, request, bank, language, own)
        header = {"score": request.score, "part": part, "verse": request.verse, "language": language}
        header |= {"voicebank": bank.id, "voicebank_digest": bank.digest}
        blob = await services.store.put_blob(words.to_json())
        recent_phonemes.keep(blob, words)
        manifest = Manifest("phonemes", header, (Entry(0.0, blob),))
        stored = await services.store.put(manifest)
        if all(warning["code"] != "g2p_missing" for warning in words.warnings):
            await services.store.remember(key, stored)  # What an installation lacks may come.
    return _phonemize_result(manifest, words, request.range)


async def recalled(key: str, services: CpuServices) -> Manifest | None:
    """Return the artifact of an earlier equal call, None where there is none or it was pruned."""
    artifact = await services.store.recall(key)
    try:
        manifest = await services.store.get(artifact) if artifact else None
    except ArtifactError:
        return None
    blobs = [entry.blob for entry in manifest.entries] if manifest else []
    return None if await services.store.missing_blobs(blobs) else manifest


async def phonemes_of(manifest: Manifest, services: CpuServices) -> Phonemes:
    """Return the words that a manifest of phonemes holds. Raises ArtifactsMissing."""
    from singsynth_mcp.lyrics.model import Phonemes

    blob = manifest.entries[0].blob
    recent = recent_phonemes.get(blob)
    if recent is not None:
        return recent
    read = await to_thread.run_sync(Phonemes.from_json, await services.store.get_blob(blob))
    return recent_phonemes.keep(blob, read)


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
    return reader.language, Phonemes(tuple(words), tuple(warning_facts(reader.warnings)))


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
    return sung.line, reader.language, Phonemes(tuple(words), tuple(warning_facts([*sung.warnings, *reader.warnings])))


def warning_facts(warnings: Sequence[ScoreWarning]) -> list[dict[str, Any]]:
    """Return warnings as JSON values, without what they do not say."""
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
