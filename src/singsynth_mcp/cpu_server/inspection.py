"""inspect_performance."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from anyio import to_thread

from singsynth_mcp.artifacts.base import Entry, Kind, Manifest, memo_key
from singsynth_mcp.contracts.audio import InspectRequest, InspectResult, PhonemesRow, PhraseRow, SungNoteRow
from singsynth_mcp.contracts.calling import Progress
from singsynth_mcp.contracts.common import LIST_LIMIT, phrase_indices
from singsynth_mcp.cpu_server.outputs import output_path
from singsynth_mcp.cpu_server.performances import note_rows
from singsynth_mcp.cpu_server.reading import run_on_loop, song_title
from singsynth_mcp.cpu_server.services import CpuServices
from singsynth_mcp.cpu_server.voices import voicebank_of
from singsynth_mcp.errors import ArtifactError, InvalidRequest

if TYPE_CHECKING:
    from singsynth_mcp.cpu_server.scenes import SceneBuilder
    from singsynth_mcp.performance.model import AudioPhrase, Phrase

_ROWS_BYTES = 2200
_NOTES_BYTES = 1700
"""Of those, where notes are listed."""
_LYRICS_LETTERS = 40
_SUNG_ROWS = 32
_Row = TypeVar("_Row", PhraseRow, PhonemesRow)


async def inspect_performance(request: InspectRequest, services: CpuServices) -> InspectResult:
    """Measure and draw a performance, mel or audio; of a mel and an audio also the performance they were made of.

    Raises InvalidRequest, UnknownArtifact, WrongArtifactKind, ArtifactsMissing, UnknownVoicebank, StorageProblem.
    """
    subject = await _subject(request, services)
    chosen = subject.chosen(request.phrases)
    title = await song_title(subject.main, services.store)
    result, scene = await to_thread.run_sync(_inspect, subject, chosen, title, services, request.notes)
    if not request.picture:
        return result
    name = f"{title or subject.main.kind}-{memo_key(subject.main.id, request.phrases)[:8]}"
    path = output_path(None, "png", name, services)

    def paint() -> bytes:
        from singsynth_mcp.media.encoding import replacing
        from singsynth_mcp.media.pictures import draw

        png = draw(scene.scene())
        with replacing(path) as file:
            file.write(png)
        return png

    blob = await services.store.put_blob(await to_thread.run_sync(paint))
    picture = Manifest("picture", {"of": subject.main.id, "phrases": request.phrases}, (Entry(0.0, blob),))
    result.id, result.picture = await services.store.put(picture), str(path)
    result.sha256 = blob if services.serves_files else None
    return result


@dataclass(frozen=True)
class _Subject:
    """The artifacts looked at; those that were not given are followed from the last to the first."""

    performance: Manifest | None
    mel: Manifest | None
    audio: Manifest | None
    frame_s: float
    """Of pitch and mel."""

    @property
    def main(self) -> Manifest:
        """What was asked about: the last stage there is."""
        found = self.audio or self.mel or self.performance
        assert found is not None
        return found

    def chosen(self, phrases: str) -> range:
        """Return the indices of the phrases asked for. Raises InvalidRequest."""
        first = self.main.header.get("first_phrase", 1) - 1
        there = range(first, first + len(self.main.entries))
        return phrase_indices(phrases, there)

    def start_seconds(self, index: int) -> float:
        """Return where phrase `index` lies in the song."""
        entry = self.entry(self.main, index)
        assert entry is not None
        return entry.start_seconds

    def entry(self, manifest: Manifest | None, index: int) -> Entry | None:
        """Return the entry of phrase `index`, or None where the artifact does not hold it."""
        if manifest is None:
            return None
        place = index - (manifest.header.get("first_phrase", 1) - 1)
        return manifest.entries[place] if 0 <= place < len(manifest.entries) else None


async def _subject(request: InspectRequest, services: CpuServices) -> _Subject:
    if not (request.performance or request.mel or request.audio):
        raise InvalidRequest("nothing to inspect", hint="Give the id of a performance, a mel or an audio.")
    store = services.store
    audio = await store.get(request.audio, "audio") if request.audio else None
    mel = await _given_or_followed(request.mel, "mel", audio, services)
    performance = await _given_or_followed(request.performance, "performance", mel or audio, services)
    return _Subject(performance, mel, audio, await _frame_seconds(performance, mel, services))


async def _given_or_followed(
    given: str | None, kind: Kind, later: Manifest | None, services: CpuServices
) -> Manifest | None:
    if given:
        return await services.store.get(given, kind)
    try:
        return await services.store.get(later.header[kind], kind) if later and kind in later.header else None
    except ArtifactError:  # pruned since: the later stage is shown alone
        return None


async def _frame_seconds(performance: Manifest | None, mel: Manifest | None, services: CpuServices) -> float:
    if mel is not None:
        return float(mel.header["hop_size"] / mel.header["sample_rate"])
    if performance is None:
        return 0.0
    bank = await voicebank_of(performance.header["voicebank"], services)
    return bank.acoustic.config.frame_s


def _inspect(
    subject: _Subject, chosen: range, title: str, services: CpuServices, list_notes: bool
) -> tuple[InspectResult, SceneBuilder]:
    """Go through the phrases once, in a worker thread: numbers, rows and what is to be drawn."""
    from singsynth_mcp.cpu_server.scenes import SceneBuilder
    from singsynth_mcp.media.findings import AudioFindings, MelFindings, PerformanceFindings
    from singsynth_mcp.performance.blobs import audio_from_bytes, mel_from_bytes, phrase_from_bytes

    def read(manifest: Manifest | None, index: int, decode: Any) -> Any:
        entry = subject.entry(manifest, index)
        return None if entry is None else decode(run_on_loop(services.store.get_blob, entry.blob))

    scene = SceneBuilder(f"{title or subject.main.id} · {subject.main.header['voicebank']}", subject.frame_s)
    notes, mels = PerformanceFindings(), MelFindings()
    sounds = AudioFindings(subject.audio.header["sample_rate"]) if subject.audio else None
    rows: list[PhraseRow] = []
    sung: list[SungNoteRow] = []
    listed_notes: list[PhonemesRow] = []
    for done, index in enumerate(chosen, start=1):
        start_s = subject.start_seconds(index)
        phrase = read(subject.performance, index, phrase_from_bytes)
        mel = read(subject.mel, index, mel_from_bytes)
        audio = read(subject.audio, index, audio_from_bytes)
        if phrase is not None:
            notes.add(phrase, subject.frame_s)
            rows.append(_row(index, start_s, phrase))
            listed_notes += note_rows(phrase) if list_notes and subject.audio is None else []
        if mel is not None:
            mels.add(mel)
        if audio is not None and sounds is not None:
            sounds.add(audio, phrase)
            sung += _sung_rows(audio, phrase) if list_notes and phrase is not None else []
        scene.add(start_s, phrase, mel, audio)
        run_on_loop(services.on_progress, Progress(0.9 * done / len(chosen), "inspect_performance"))
    measures = notes.measures() if subject.performance else {}
    measures |= mels.measures() if subject.mel else {}
    measures |= sounds.measures() if sounds else {}
    measures |= {"picture_from_s": scene.start_s, "picture_to_s": scene.stop_s}
    listed = _within(rows, _ROWS_BYTES if not listed_notes else _ROWS_BYTES - _NOTES_BYTES)
    result = InspectResult(
        seconds=round(scene.end_s - scene.start_s, 3),
        phrases=listed or None,
        total=len(rows) or None,
        next=f"{listed[-1].phrase + 1}-{chosen.stop}" if len(listed) < len(rows) else None,
        measures={name: round(value, 3) for name, value in measures.items()},
        notes=_within(listed_notes, _NOTES_BYTES) or None,
        sung=sung[:_SUNG_ROWS] or None,
    )
    return result, scene


def _sung_rows(audio: AudioPhrase, phrase: Phrase) -> list[SungNoteRow]:
    from singsynth_mcp.media.sung import sung_notes
    from singsynth_mcp.score.pitch import pitch_name

    return [
        SungNoteRow(
            pitch=pitch_name(heard.note.midi),
            seconds=round(heard.note.start_s, 3),
            cents=None if heard.cents is None else round(heard.cents, 1),
            onset_ms=None if heard.onset_s is None else round(1000 * heard.onset_s, 1),
            level_db=round(heard.level_db, 1),
        )
        for heard in sung_notes(audio, phrase)
    ]


def _row(index: int, start_s: float, phrase: Phrase) -> PhraseRow:
    from singsynth_mcp.lyrics.kana import is_japanese
    from singsynth_mcp.score.pitch import pitch_name

    lyrics = "".join(
        note.syllable + ("" if note.goes_on or is_japanese(note.syllable) else " ")
        for note in phrase.notes
        if note.syllable
    ).strip()
    if len(lyrics) > _LYRICS_LETTERS:
        lyrics = lyrics[: _LYRICS_LETTERS - 1] + "…"
    return PhraseRow(
        phrase=index + 1,
        start_seconds=round(start_s, 3),
        seconds=round(phrase.end_s, 3),
        lyrics=lyrics,
        lowest=pitch_name(min(note.midi for note in phrase.notes)),
        highest=pitch_name(max(note.midi for note in phrase.notes)),
    )


def _within(rows: list[_Row], room: int) -> list[_Row]:
    """Return the first rows, 40 at most and as many as there is room for in bytes."""
    listed = 0
    for row in rows[:LIST_LIMIT]:
        room -= len(row.model_dump_json().encode())
        if room < 0:
            break
        listed += 1
    return rows[: max(listed, 1)]
