"""A MIDI file → Score: a part for each channel of each track, the lyrics on the melody that they fit."""

from __future__ import annotations

from fractions import Fraction

from singsynth_mcp.score.assembly import WrittenPart, assemble, check_notes
from singsynth_mcp.score.findings import Findings
from singsynth_mcp.score.layout import Layout, Meter
from singsynth_mcp.score.midi.events import MidiFile, note_lists, parse_midi
from singsynth_mcp.score.midi.karaoke import SungText, sung_texts, track_title
from singsynth_mcp.score.midi.melody import Melody, timed_notes
from singsynth_mcp.score.model import Score

_DRUMS = 9
_MICROSECONDS = 60_000_000


def read_midi(data: bytes, name: str) -> Score:
    """Read a MIDI file. Raises InvalidScore (broken, too long) or NothingToSing."""
    midi = parse_midi(data, name)
    findings = Findings()
    parts: list[WrittenPart] = []
    melodies: list[Melody] = []
    for track, channel, notes in note_lists(midi):
        part = WrittenPart(f"P{len(parts) + 1}", _part_name(midi, track, channel))
        parts.append(part)
        if channel == _DRUMS:
            part.unpitched = len(notes)
        elif timed := timed_notes(notes, midi.ticks_per_quarter):
            melodies.append(Melody(part, track, timed, midi.ticks_per_quarter))
    language = None
    title = ""
    for text in sung_texts(midi):
        title, language = title or text.title, language or text.language
        _set_lyrics(text, melodies, findings)
    end = max((note.end for melody in melodies for note in melody.notes), default=Fraction(0))
    meters = [Meter(Fraction(tick, midi.ticks_per_quarter), *meter) for tick, *meter in midi.meters]
    layout = Layout(meters, end, name)
    for melody in melodies:
        melody.part.notes = layout.written(melody.notes)
    if unended := sum(track.unended for track in midi.tracks):
        findings.add("unended_note", f"{unended} notes never end: they sound until their track does")
    if len(midi.tracks) < midi.declared_tracks:
        findings.add("tracks_missing", f"The file tells of {midi.declared_tracks} tracks and has {len(midi.tracks)}")
    check_notes(parts, name, f"{len(midi.tracks)} tracks")
    for tick, microseconds in midi.tempos:
        if tick <= end * midi.ticks_per_quarter:
            # To a thousandth: 60 s are no whole number of microseconds a quarter at most tempos.
            tempo = round(_MICROSECONDS / microseconds, 3) if microseconds else 0.0
            layout.add_tempo(Fraction(tick, midi.ticks_per_quarter), tempo)
    title = title or (track_title(midi.tracks[0].name) if len(midi.tracks) > 1 and not midi.tracks[0].notes else "")
    return assemble(title, parts, layout.bars, findings, language)


def _part_name(midi: MidiFile, track: int, channel: int) -> str:
    """Return the track's name, with the channel where the track has several."""
    name = track_title(midi.tracks[track].name) or f"Track {track + 1}"
    return f"{name}, channel {channel + 1}" if len(midi.tracks[track].notes) > 1 else name


def _set_lyrics(text: SungText, melodies: list[Melody], findings: Findings) -> None:
    """Put a track's lyrics on its own notes where they fit as well as any, else on the melody they fit best."""
    free = [melody for melody in melodies if not melody.is_taken]
    fits = [(melody.fit(text.syllables), melody.track == text.track, -index) for index, melody in enumerate(free)]
    best = max(fits, key=lambda fit: (round(fit[0] * 20), *fit[1:]), default=None)
    if best is None or not best[0]:
        first = text.syllables[0].text
        message = f'{len(text.syllables)} syllables from "{first}" on fit no notes: give them with set_lyrics'
        findings.add("lyrics_without_notes", message)
        return
    melody = free[-best[2]]
    if lost := melody.take(text.syllables, text.language):
        message = f'{len(lost)} syllables stand where no note begins, the first "{lost[0].text}": they are not sung'
        findings.add("lyrics_without_notes", message, part=melody.part.id)
