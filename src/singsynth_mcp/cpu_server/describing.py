"""A score in words and numbers that fit a language model's context."""

from __future__ import annotations

from collections.abc import Sequence

from singsynth_mcp.contracts.common import LIST_LIMIT, PassedOver, first_warnings
from singsynth_mcp.contracts.score import NoteRow, PartSummary, ScoreResult
from singsynth_mcp.cpu_server.recent import played
from singsynth_mcp.errors import InvalidRequest, NothingToSing
from singsynth_mcp.score.lookup import find_line, find_part, verses_of
from singsynth_mcp.score.model import Line, Note, Part, Score, ScoreWarning
from singsynth_mcp.score.pitch import pitch_name
from singsynth_mcp.score.played import PlayedPart
from singsynth_mcp.score.timeline import Timeline, played_length

_FIRST_LYRICS = 80
"""Characters."""


def describe(score: Score, part: str | None = None, window: str | None = None) -> ScoreResult:
    """Return what parse_score says of a score, without its id.

    With `part`, that part alone and a window of its notes; otherwise a window of the parts. Raises UnknownName (part)
    or InvalidRequest (a window that begins after the end).
    """
    quarters, seconds = played_length(score)
    result = ScoreResult(
        title=score.title,
        duration_seconds=round(seconds, 3),
        duration_quarters=float(quarters),
        tempo=score.tempos[0].quarters_per_minute,
        measures=len(score.measures),
    )
    timeline = Timeline(score)
    sung = {part.id: _played(score, part, timeline) for part in score.parts}
    warnings = [*score.warnings, *(warning for one in sung.values() if one for warning in one.warnings)]
    result.warnings = first_warnings([_warning(warning) for warning in warnings])
    parts = score.parts
    notes: Sequence[Note] = ()
    if part is not None:
        notes = find_line(score, part)[1].notes
        parts = (find_part(score, part.rpartition("/")[0] if "/" in part else part),)
    total = len(score.parts) if part is None else len(notes)
    first, last, following = list_window(window, total)
    if part is None:
        parts = parts[first:last]
    else:
        result.notes = [_note_row(note) for note in notes[first:last]]
    result.parts = [_summary(one, sung[one.id]) for one in parts]
    result.total, result.next = total, following
    return result


def _played(score: Score, part: Part, timeline: Timeline) -> PlayedPart | None:
    if not part.lines or not verses_of(part.lines[0]):
        return None
    try:
        return played(score, part.id, timeline=timeline)
    except NothingToSing:
        return None


def list_window(window: str | None, total: int) -> tuple[int, int, str | None]:
    """Return a list's window of at most 40 from `first` to before `last`, and the next one as an argument."""
    first, last = (int(number) for number in window.split("-")) if window else (1, LIST_LIMIT)
    if first < 1 or last < first or first > max(total, 1):
        raise InvalidRequest(f'range "{window}" of a list of {total}', hint=f"Give 1-{min(total, LIST_LIMIT)}")
    last = min(last, first + LIST_LIMIT - 1, total)
    following = f"{last + 1}-{min(last + LIST_LIMIT, total)}" if last < total else None
    return first - 1, last, following


def _summary(part: Part, sung: PlayedPart | None) -> PartSummary:
    top = part.lines[0] if part.lines else Line(part.id, ())
    pitches = [note.midi for note in (sung.notes if sung else top.notes)]
    verses = verses_of(top)
    return PartSummary(
        id=part.id,
        name=part.name,
        lines=len(part.lines),
        sung_notes=sum(not (note.grace or note.tied) for note in top.notes) if verses else 0,
        played_notes=len(sung.notes) if sung else 0,
        verses=verses,
        lowest=pitch_name(min(pitches)) if pitches else None,
        highest=pitch_name(max(pitches)) if pitches else None,
        first_lyrics=_first_words(top, verses[0]) if verses else "",
    )


def _first_words(line: Line, verse: int) -> str:
    """Return the verse's beginning, syllables joined to words."""
    text = ""
    for note in line.notes:
        for lyric in note.lyrics:
            if lyric.verse == verse:
                text += "".join(lyric.syllables) + ("" if lyric.syllabic in ("begin", "middle") else " ")
        if len(text) > _FIRST_LYRICS:
            return text[: text.rstrip().rfind(" ") + 1 or _FIRST_LYRICS].rstrip() + " …"
    return text.strip()


def _note_row(note: Note) -> NoteRow:
    return NoteRow(
        id=note.id,
        measure=note.measure,
        beat=round(float(note.beat), 4),
        pitch=pitch_name(note.midi),
        duration=round(float(note.duration), 4),
        lyric=note.lyrics[0].text if note.lyrics else "",
    )


def _warning(warning: ScoreWarning) -> PassedOver:
    return PassedOver(
        code=warning.code, message=warning.message, part=warning.part, measure=warning.measure, beat=warning.beat
    )
