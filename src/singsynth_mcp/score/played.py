"""A part as one singer sings it: repeats unfolded, grace notes and fermatas in time, the pass's verse chosen."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence, Set
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise

from singsynth_mcp.errors import NothingToSing, UnknownName
from singsynth_mcp.score.alternatives import notes_of_verse
from singsynth_mcp.score.findings import Findings
from singsynth_mcp.score.lookup import find_line, verses_of
from singsynth_mcp.score.model import Line, Lyric, Measure, Note, Part, PlayedNote, Score, ScoreWarning
from singsynth_mcp.score.roadmap import PlayedMeasure
from singsynth_mcp.score.timeline import Timeline
from singsynth_mcp.score.verses import Sounding, choose_lyrics

_GRACE_QUARTERS = Fraction(1, 4)
"""Length of a grace note; all of a group together take at most half of the note that gives them its time."""
_STACCATO = Fraction(2, 5)
"""Share that a staccato note leaves silent, at most a fifth of a quarter: longer would be a breath."""


@dataclass(frozen=True)
class PlayedPart:
    """What one singer sings of a part."""

    line: str
    """"P1", "P1/2"."""
    notes: tuple[PlayedNote, ...]
    """Those with a syllable or a held vowel, in the order in which they are sung, never overlapping."""
    warnings: tuple[ScoreWarning, ...] = ()


def played_part(
    score: Score, part: str | None = None, verse: int | None = None, timeline: Timeline | None = None
) -> PlayedPart:
    """Return a part as played; None takes the first part with lyrics, and of the verses pass n sings verse n.

    `timeline` saves making the score's again for each of many parts.

    Raises UnknownName (part, verse) or NothingToSing.
    """
    owner, line = find_line(score, part)
    _check_lyrics(owner, line, verse)
    findings = Findings()
    timeline = timeline or Timeline(score)
    soundings = _soundings(score, owner, line, timeline.order, verse)
    lyrics, borrowed = choose_lyrics(soundings, verse)
    _report_borrowed(findings, line, soundings, borrowed, verse)
    notes: list[PlayedNote] = []
    unsung: list[Sounding] = []
    end: Fraction | None = None
    for index, (sounding, lyric) in enumerate(zip(soundings, lyrics, strict=True)):
        if lyric is not None or sounding.start == end:
            is_held = index + 1 < len(soundings) and lyrics[index + 1] is None
            notes.append(_played(sounding, lyric, timeline, is_held=is_held))
            end = sounding.end
        elif sounding.pass_number == 1:
            unsung.append(sounding)
    if not notes:
        raise NothingToSing(f"Part {line.id} has no syllable to sing", hint="Add lyrics with modify_score (set_lyrics)")
    _report_unsung(findings, line, unsung)
    _report_other_lines(findings, owner, line, {sounding.note.id for sounding in soundings})
    _report_unreached(findings, line, notes, verse)
    return PlayedPart(line.id, tuple(notes), findings.warnings())


def _played(sounding: Sounding, lyric: Lyric | None, timeline: Timeline, *, is_held: bool) -> PlayedNote:
    """Return a sounding note in time; a staccato one is shortened unless its vowel is held on the next (`is_held`)."""
    note, duration = sounding.note, sounding.duration
    if "staccato" in note.articulations and not is_held:
        duration -= min(duration * _STACCATO, Fraction(1, 5))
    start_s = timeline.seconds_at(sounding.start)
    return PlayedNote(
        note.id, sounding.pass_number, sounding.start, duration, start_s,
        timeline.seconds_at(sounding.start + duration) - start_s, note.midi, lyric, note.measure, note.beat,
        note.breath_mark,
    )  # fmt: skip


def _check_lyrics(part: Part, line: Line, verse: int | None) -> None:
    verses = verses_of(line)
    if not verses:
        others = [other.id for other in part.lines if verses_of(other)]
        hint = f"Its words stand in {', '.join(others)}" if others else "Add lyrics with modify_score (set_lyrics)"
        raise NothingToSing(f"Part {line.id} ({part.name}) has no lyrics", hint=hint, part=line.id)
    if verse is not None and verse not in verses:
        listing = ", ".join(map(str, verses))
        raise UnknownName(f"Part {line.id} has no verse {verse}", hint=f"Verses: {listing}", part=line.id, verse=verse)


def _soundings(
    score: Score, part: Part, line: Line, order: Sequence[PlayedMeasure], verse: int | None
) -> list[Sounding]:
    """Return the line's notes in playing order; none reaches into the next. A verse may have notes of its own."""
    by_measure = _by_measure(score, line)
    others = [_by_measure(score, other) for other in part.lines if other is not line and verses_of(other)]
    soundings: list[Sounding] = []
    measure_start = Fraction(0)
    for played in order:
        measure = score.measures[played.index]
        beside = [other[played.index] for other in others if other[played.index]]
        notes = by_measure[played.index]
        for note in notes_of_verse(notes, beside, verse or played.pass_number) if beside else notes:
            start, duration = _in_measure(measure, note)
            soundings.append(Sounding(note, played.pass_number, measure_start + start, duration, note.lyrics))
        measure_start += measure.duration
    soundings = _with_grace_notes(soundings)
    for index, (sounding, following) in enumerate(pairwise(soundings)):
        if sounding.end > following.start:
            soundings[index] = replace(sounding, duration=following.start - sounding.start)
    return soundings


def _in_measure(measure: Measure, note: Note) -> tuple[Fraction, Fraction]:
    """Return where in its measure a note is played, and how long."""
    start = note.position - measure.position
    if measure.swing is None:
        return start, note.duration
    played = _swung(start, measure.duration, measure.swing)
    return played, _swung(start + note.duration, measure.duration, measure.swing) - played


def _swung(offset: Fraction, duration: Fraction, swing: Fraction) -> Fraction:
    """Return where a place in a measure that swings is played: the second of two eighths comes late."""
    if offset % 1 != Fraction(1, 2) or offset > duration:
        return offset
    return offset - Fraction(1, 2) + swing


def _by_measure(score: Score, line: Line) -> list[list[Note]]:
    """Return the line's notes measure by measure; grace notes at a measure's very end stay in it."""
    starts = [measure.position for measure in score.measures]
    by_measure: list[list[Note]] = [[] for _ in starts]
    for note in line.notes:
        index = bisect_right(starts, note.position) - 1
        if note.grace and index and note.position == starts[index] and note.measure != score.measures[index].number:
            index -= 1
        by_measure[index].append(note)
    return by_measure


def _with_grace_notes(soundings: Sequence[Sounding]) -> list[Sounding]:
    """Give grace notes time: of the note they lead to, else of the one before; the first of them takes the syllable."""
    timed: list[Sounding] = []
    graces: list[Sounding] = []
    for sounding in soundings:
        if sounding.note.grace:
            graces.append(sounding)
            continue
        if graces and sounding.start == graces[0].start and sounding.note.measure == graces[0].note.measure:
            share = min(_GRACE_QUARTERS, sounding.duration / (2 * len(graces)))
            taken = share * len(graces)
            if sounding.lyrics and not any(grace.lyrics for grace in graces):
                graces[0] = replace(graces[0], lyrics=sounding.lyrics)
                sounding = replace(sounding, lyrics=())
            timed += _in_a_row(graces, sounding.start, share)
            sounding = replace(sounding, start=sounding.start + taken, duration=sounding.duration - taken)
        elif graces:
            _add_after(timed, graces)
        graces = []
        timed.append(sounding)
    if graces:
        _add_after(timed, graces)
    return timed


def _add_after(timed: list[Sounding], graces: Sequence[Sounding]) -> None:
    """Put grace notes that lead nowhere at the end of the note before them, where it touches them."""
    if not timed or timed[-1].end != graces[0].start:
        return
    share = min(_GRACE_QUARTERS, timed[-1].duration / (2 * len(graces)))
    timed[-1] = replace(timed[-1], duration=timed[-1].duration - share * len(graces))
    timed += _in_a_row(graces, timed[-1].end, share)


def _in_a_row(graces: Sequence[Sounding], start: Fraction, share: Fraction) -> list[Sounding]:
    return [replace(grace, start=start + share * index, duration=share) for index, grace in enumerate(graces)]


def _report_borrowed(
    findings: Findings, line: Line, soundings: Sequence[Sounding], borrowed: Sequence[int], verse: int | None
) -> None:
    """Warn where another verse stood in; a line with one verse alone sings it in every pass, as singers do."""
    if not borrowed or (verse is None and len(verses_of(line)) == 1):
        return
    first = soundings[borrowed[0]]
    wanted = verse or first.pass_number
    message = f"Verse {wanted} has no words here: those of another verse are sung ({len(borrowed)} notes in all)"
    note = first.note
    findings.add("verse_missing", message, part=line.id, measure=note.measure, beat=float(note.beat))


def _report_unsung(findings: Findings, line: Line, unsung: Sequence[Sounding]) -> None:
    """Warn of notes that no syllable reaches, each run of them once."""
    for index, sounding in enumerate(unsung):
        if index and unsung[index - 1].end == sounding.start:
            continue
        note = sounding.note
        message = "Notes from here on have no syllable and are not sung: give them one with modify_score (change_note)"
        findings.add("note_without_syllable", message, part=line.id, measure=note.measure, beat=float(note.beat))


def _report_other_lines(findings: Findings, part: Part, sung: Line, sounding: Set[str]) -> None:
    """Warn of words in the part's other voices, at places where the line that is sung has none."""
    covered = {note.position for note in sung.notes if note.lyrics}
    for line in part.lines:
        missed = [
            note for note in line.notes if note.lyrics and note.position not in covered and note.id not in sounding
        ]
        if missed:
            message = f"{len(missed)} syllables stand in {line.id} alone and are not sung: sing part {line.id} as well"
            measure, beat = missed[0].measure, float(missed[0].beat)
            findings.add("words_in_other_line", message, part=sung.id, measure=measure, beat=beat)


def _report_unreached(findings: Findings, line: Line, notes: Sequence[PlayedNote], verse: int | None) -> None:
    """Warn of verses that the repeats never come to."""
    sung = {note.lyric.verse for note in notes if note.lyric}
    unreached = [number for number in verses_of(line) if number not in sung]
    if verse is None and unreached:
        listing = ", ".join(map(str, unreached))
        message = f"The repeats do not come to verse {listing}: sing it with verse={unreached[0]}"
        findings.add("verse_not_reached", message, part=line.id)
