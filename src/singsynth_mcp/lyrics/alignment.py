"""Sung notes → phrases with anchored groups (diffsinger-voicebank-format, section 3.3).

Consonants before a vowel belong to the group before it and take their time from that; a group starts exactly on the
written onset of its note. Within a group the duration model decides.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from singsynth_mcp.errors import InvalidRequest
from singsynth_mcp.lyrics.model import Symbol
from singsynth_mcp.lyrics.syllables import SungNote
from singsynth_mcp.performance.curves import TimeMap, phrase_curve
from singsynth_mcp.performance.model import Curve, Group, Phoneme, Phrase, PhraseNote
from singsynth_mcp.performance.phrases import MIN_REST_S, Span, is_rest, split_into_phrases, to_grid

BREATH_GAP_S = 0.25
"""A rest this long is breathed in; a breath mark makes that much room where it can."""
_MOST_TAKEN = 0.3
"""Share of a note that a breath or a consonant cluster without a rest before it may take from its end."""
_HEAD_S = 0.5
LONGEST_PHRASE_S = 300.0
"""A phrase goes through the models whole: a note of hours would take more memory than there is."""
_SILENCE = Symbol("SP", "", "rest")
_BREATH = Symbol("AP", "", "breath")


@dataclass(frozen=True)
class Rendition:
    """How the notes are to be sung."""

    time_map: TimeMap
    speaker: Mapping[str, Curve] = field(default_factory=dict)
    """Curves over played quarters, as the controls."""
    controls: Mapping[str, Curve] = field(default_factory=dict)
    dynamics_db: Curve = 0.0
    """Gain of the score's dynamics, over played quarters."""
    transpose: float = 0.0
    breaths: bool = True
    can_breathe: bool = True
    """False for a voicebank without AP."""


@dataclass(frozen=True)
class PlacedPhrase:
    """A phrase and where its origin lies in the song."""

    start_s: float
    phrase: Phrase


def align(sung: Sequence[SungNote], rendition: Rendition) -> list[PlacedPhrase]:
    """Return the phrases of sung notes, in order; every note lies in exactly one.

    Raises InvalidRequest for a phrase of minutes that no rest, breath mark or word parts.
    """
    spans = [Span(note.played.start_s, note.end_s, note.starts_word, note.played.breath_mark) for note in sung]
    joints = [_Joint.between(None, sung[0], rendition)] if sung else []
    joints += [_Joint.between(left, right, rendition) for left, right in pairwise(sung)]
    phrases = []
    for place in split_into_phrases(spans):
        after = joints[place.stop] if place.stop < len(sung) else None
        notes, inner = sung[place.start : place.stop], joints[place.start : place.stop]
        _check_length(notes)
        phrases.append(PlacedPhrase(notes[0].played.start_s, _PhraseBuilder(notes, inner, rendition).build(after)))
    return phrases


def _check_length(notes: Sequence[SungNote]) -> None:
    first, seconds = notes[0].played, notes[-1].end_s - notes[0].played.start_s
    if seconds > LONGEST_PHRASE_S:
        raise InvalidRequest(
            f"a vowel is held for {seconds:.0f} seconds from measure {first.measure}, beat {float(first.beat):g} "
            f"(note {first.note_id}) on; at most {LONGEST_PHRASE_S:g} are sung",
            hint="Shorten the note or give notes after it syllables with modify_score (change_note)",
            measure=first.measure,
            beat=float(first.beat),
            note=first.note_id,
        )


@dataclass(frozen=True)
class _Joint:
    """What lies between a note and the one before it."""

    gap_s: float
    filler: Symbol | None
    """SP or AP; None where the notes touch."""
    taken_s: float
    """What a breath, or consonants at the head of a phrase, take from the end of the note before."""

    @classmethod
    def between(cls, left: SungNote | None, right: SungNote, rendition: Rendition) -> _Joint:
        if left is None:
            gap = right.played.start_s
            breathes = rendition.can_breathe and rendition.breaths and gap >= BREATH_GAP_S
            return cls(to_grid(max(gap, _HEAD_S)), _BREATH if breathes else None, 0.0)
        gap = to_grid(right.played.start_s - left.end_s)
        marked = left.played.breath_mark and bool(right.symbols)
        breathes = rendition.can_breathe and (marked or (rendition.breaths and gap >= BREATH_GAP_S))
        filler = _BREATH if breathes else _SILENCE if is_rest(gap) else None
        wanted = BREATH_GAP_S if breathes else MIN_REST_S if right.onset else 0.0
        taken = min(max(wanted - gap, 0.0), _MOST_TAKEN * left.played.duration_s)
        return cls(gap, filler, to_grid(taken))


class _PhraseBuilder:
    def __init__(self, notes: Sequence[SungNote], joints: Sequence[_Joint], rendition: Rendition) -> None:
        self._notes = notes
        self._joints = joints
        self._rendition = rendition
        self._origin_s = notes[0].played.start_s
        self._phonemes: list[Phoneme] = []
        self._groups: list[Group] = []
        self._counts = [0] * len(notes)

    def build(self, after: _Joint | None) -> Phrase:
        """Return the phrase; `after` is the joint to the next phrase's first note."""
        head_s = min(_HEAD_S, to_grid(self._joints[0].gap_s + self._joints[0].taken_s))
        self._open_group(-head_s, 0)
        for i, joint in enumerate(self._joints):
            if joint.filler is not None:
                self._add_filler(i, joint)
            self._add_note(i)
        end_s = self._end_s(len(self._notes) - 1) - (after.taken_s if after is not None else 0.0)
        return Phrase(
            notes=tuple(self._phrase_note(i) for i in range(len(self._notes))),
            phonemes=tuple(self._phonemes),
            groups=tuple(self._groups),
            end_s=end_s,
            head_s=head_s,
            speaker=self._curves(self._rendition.speaker, head_s, end_s),
            controls=self._curves(self._rendition.controls, head_s, end_s),
            dynamics_db=self._curves({"": self._rendition.dynamics_db}, head_s, end_s)[""],
        )

    def _add_filler(self, i: int, joint: _Joint) -> None:
        if i == 0:
            # Before the first note only a breath is worth a phoneme: synthesis pads with silence.
            if joint.filler == _BREATH:
                self._add([_BREATH], 0)
            return
        self._open_group(self._end_s(i - 1) - joint.taken_s, i - 1)
        assert joint.filler is not None
        self._add([joint.filler], i - 1)

    def _add_note(self, i: int) -> None:
        note = self._notes[i]
        if note.symbols:
            self._add(note.symbols[: note.onset], i)
            self._open_group(self._start_s(i), i)
            self._add(note.symbols[note.onset :], i)

    def _open_group(self, start_s: float, note: int) -> None:
        self._groups.append(Group(len(self._phonemes), start_s, self._midi(note)))

    def _add(self, symbols: Sequence[Symbol], note: int) -> None:
        for symbol in symbols:
            self._phonemes.append(Phoneme(symbol.symbol, symbol.language, symbol.role, note, self._counts[note]))
            self._counts[note] += 1

    def _start_s(self, i: int) -> float:
        return to_grid(self._notes[i].played.start_s - self._origin_s)

    def _end_s(self, i: int) -> float:
        return to_grid(self._notes[i].end_s - self._origin_s)

    def _midi(self, i: int) -> float:
        return self._notes[i].played.midi + self._rendition.transpose

    def _phrase_note(self, i: int) -> PhraseNote:
        note, start_s = self._notes[i], self._start_s(i)
        return PhraseNote(
            note_id=note.played.note_id,
            pass_number=note.played.pass_number,
            start_s=start_s,
            duration_s=self._end_s(i) - start_s,
            midi=self._midi(i),
            lyric=note.lyric,
        )

    def _curves(self, curves: Mapping[str, Curve], head_s: float, end_s: float) -> dict[str, Curve]:
        time_map = self._rendition.time_map
        return {name: phrase_curve(curve, time_map, self._origin_s, -head_s, end_s) for name, curve in curves.items()}
