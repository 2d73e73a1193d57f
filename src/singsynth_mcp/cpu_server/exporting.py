"""export."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from anyio import to_thread

from singsynth_mcp.artifacts.base import Manifest, memo_key
from singsynth_mcp.contracts.common import PassedOver, first_warnings
from singsynth_mcp.contracts.export import ExportRequest, ExportResult
from singsynth_mcp.cpu_server.outputs import delivered, output_format, output_path
from singsynth_mcp.cpu_server.reading import run_on_loop, song_title
from singsynth_mcp.cpu_server.scores import load_score
from singsynth_mcp.cpu_server.services import CpuServices
from singsynth_mcp.cpu_server.voices import voicebank_of
from singsynth_mcp.errors import InvalidRequest, StageMissing

if TYPE_CHECKING:
    from singsynth_mcp.performance.model import Phrase
    from singsynth_mcp.performance.timing import Timed
    from singsynth_mcp.score.model import Score

EXTENSIONS = {
    "musicxml": "musicxml", "midi": "mid", "ustx": "ustx", "ds": "ds", "lrc": "lrc", "srt": "srt",
    "textgrid": "TextGrid", "lab": "lab",
}  # fmt: skip
_OF_SCORES = ("musicxml", "midi", "ustx")
_OF_PERFORMANCES = ("ds", "lab")
_NAMED = {"xml": "musicxml", "mid": "midi"}


async def export(request: ExportRequest, services: CpuServices) -> ExportResult:
    """Write a score or performance to a file of another program.

    Raises InvalidRequest, PathNotAllowed, FileProblem, UnknownArtifact, WrongArtifactKind, StageMissing, UnknownName.
    """
    if (request.score is None) == (request.performance is None):
        raise InvalidRequest("export takes a score or a performance", hint="Give exactly one of the two ids.")
    format = _format(request)
    manifest = (
        await services.store.get(request.score, "score")
        if request.score is not None
        else await services.store.get(request.performance or "", "performance")
    )
    title = await song_title(manifest, services.store) or manifest.id
    name = f"{title}-{memo_key(manifest.id, format, request.part, request.verse, request.offset_seconds)[:8]}"
    path = output_path(request.output, EXTENSIONS[format], name, services)
    data, warnings = await _content(request, format, manifest, title, services)

    def write() -> None:
        from singsynth_mcp.media.encoding import replacing

        with replacing(path) as file:
            file.write(data)

    await to_thread.run_sync(write)
    return ExportResult(
        id=manifest.id, path=str(path), **await delivered(path, services), format=format, bytes=len(data),
        warnings=first_warnings(warnings),
    )  # fmt: skip


def _format(request: ExportRequest) -> str:
    """Return the format that the request names. Raises InvalidRequest where what is given cannot be written so."""
    output = request.output
    stem, dot, extension = (output or "").rpartition(".")
    named = _NAMED.get(extension.lower(), extension.lower())
    known = {extension.lower(): name for name, extension in EXTENSIONS.items()} | {name: name for name in EXTENSIONS}
    canonical = f"{stem}{dot}{known.get(named, named)}" if output and dot else output
    default = "musicxml" if request.score is not None else "ds"
    format = output_format(canonical, request.format, tuple(EXTENSIONS), default)
    if request.score is not None and format in _OF_PERFORMANCES:
        hint = "Call phonemize and align_phonemes_to_notes, then predict_durations, and give the performance."
        raise InvalidRequest(f"A score has no phonemes for {format}", hint=hint)
    return format


async def _content(
    request: ExportRequest, format: str, manifest: Manifest, title: str, services: CpuServices
) -> tuple[bytes, list[PassedOver]]:
    if request.performance is not None and format not in _OF_SCORES:
        phrases = await to_thread.run_sync(_phrases, manifest, services)
        frame_s = await _frame_s(manifest, services) if format == "ds" else 0.0
        return await to_thread.run_sync(_of_performance, request, format, title, phrases, manifest.id, frame_s), []
    score_id = manifest.id if request.score is not None else str(manifest.header["score"])
    score = await load_score(score_id, services)
    return await to_thread.run_sync(_of_score, request, format, score)


def _of_score(request: ExportRequest, format: str, score: Score) -> tuple[bytes, list[PassedOver]]:
    from singsynth_mcp.performance.timing import lrc_of, srt_of, textgrid_of

    if format == "musicxml":
        from singsynth_mcp.score.writing.musicxml import musicxml_of

        return musicxml_of(score), []
    if format == "midi":
        from singsynth_mcp.score.writing.midi import midi_of_score

        return midi_of_score(score), []
    if format == "ustx":
        from singsynth_mcp.score.writing.ustx import ustx_of

        return ustx_of(score), []
    from singsynth_mcp.score.played import played_part

    played = played_part(score, request.part, request.verse)
    shift = request.offset_seconds
    notes = [
        (note.start_s + shift, note.start_s + note.duration_s + shift,
         "" if note.lyric is None else " ".join(note.lyric.syllables),
         note.lyric is not None and note.lyric.syllabic in ("middle", "end"))
        for note in played.notes
    ]  # fmt: skip
    words, syllables = _words(notes)
    warnings = [PassedOver(**vars(warning)) for warning in played.warnings]
    if format == "lrc":
        return lrc_of(score.title, words).encode(), warnings
    if format == "srt":
        return srt_of(words).encode(), warnings
    return textgrid_of([("words", words), ("syllables", syllables)]).encode(), warnings


def _words(notes: list[tuple[float, float, str, bool]]) -> tuple[list[Timed], list[Timed]]:
    """Return words and syllables in time; a held vowel prolongs its own."""
    from singsynth_mcp.performance.timing import Timed

    words: list[Timed] = []
    syllables: list[Timed] = []
    for start, end, text, goes_on in notes:
        if not text:
            for tier in (words, syllables):
                if tier:
                    tier[-1] = Timed(tier[-1].start_s, end, tier[-1].text)
            continue
        syllables.append(Timed(start, end, text))
        if goes_on and words:
            words[-1] = Timed(words[-1].start_s, end, words[-1].text + text)
        else:
            words.append(Timed(start, end, text))
    return words, syllables


def _phrases(manifest: Manifest, services: CpuServices) -> list[tuple[float, Phrase]]:
    from singsynth_mcp.performance.blobs import phrase_from_bytes

    return [
        (entry.start_seconds, phrase_from_bytes(run_on_loop(services.store.get_blob, entry.blob)))
        for entry in sorted(manifest.entries, key=lambda entry: entry.start_seconds)
    ]


def _of_performance(
    request: ExportRequest, format: str, title: str, phrases: list[tuple[float, Phrase]], id: str, frame_s: float
) -> bytes:
    from singsynth_mcp.performance.timing import Timed, labels_of, lrc_of, srt_of, textgrid_of

    shift = request.offset_seconds
    phrases = [(start + shift, phrase) for start, phrase in phrases]
    has_durations = all(phrase.boundaries_s is not None for _, phrase in phrases)
    if format in (*_OF_PERFORMANCES, "textgrid") and not has_durations:
        message = f"The performance {id} has no durations yet, which {format} holds"
        raise StageMissing(message, hint="Call predict_durations first.")
    if format == "ds":
        from singsynth_mcp.performance.ds import ds_of

        return ds_of(phrases, frame_s).encode()
    words, syllables = _words(list(_sung_syllables(phrases)))
    if format == "lrc":
        return lrc_of(title, words).encode()
    if format == "srt":
        return srt_of(words).encode()
    phonemes = [
        Timed(start + float(bounds[index]), start + float(bounds[index + 1]), one.symbol)
        for start, phrase in phrases
        if (bounds := phrase.boundaries_s) is not None
        for index, one in enumerate(phrase.phonemes)
    ]
    if format == "lab":
        return labels_of(phonemes).encode()
    return textgrid_of([("words", words), ("syllables", syllables), ("phonemes", phonemes)]).encode()


def _sung_syllables(phrases: list[tuple[float, Phrase]]) -> Iterator[tuple[float, float, str, bool]]:
    """Yield what `_words` takes: start, end, syllable, and whether it goes on with the word before."""
    goes_on = False
    for origin, phrase in phrases:
        for note in phrase.notes:
            start = origin + note.start_s
            yield start, start + note.duration_s, note.syllable, goes_on
            goes_on = note.goes_on if note.syllable else goes_on


async def _frame_s(manifest: Manifest, services: CpuServices) -> float:
    bank = await voicebank_of(manifest.header["voicebank"], services)
    return bank.acoustic.config.frame_s
