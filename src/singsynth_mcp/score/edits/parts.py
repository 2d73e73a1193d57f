"""Edits of parts: voices out of parts, parts together, parts removed."""

from __future__ import annotations

from dataclasses import replace

from singsynth_mcp.contracts.edits import CombineParts, ExtractVoice, RemovePart, SplitDivisi
from singsynth_mcp.errors import InvalidRequest, NothingToSing
from singsynth_mcp.score.edits.draft import Draft, DraftLine, DraftPart
from singsynth_mcp.score.model import Lyric, Note


def extract_voice(draft: Draft, operation: ExtractVoice) -> str:
    """Make a line a part of its own, after the part that it was in."""
    line = draft.line_named(operation.part)
    owner = _owner(draft, line)
    if len(owner.lines) == 1:
        message = f"{operation.part} is the only line of {owner.id} ({owner.name})"
        raise InvalidRequest(message, hint="It is a part of its own already; remove_part removes the others")
    label = draft.label(line)
    owner.lines.remove(line)
    made = DraftPart(_new_id(draft), operation.name or f"{owner.name} {label}", [line], loudness=list(owner.loudness))
    draft.parts.insert(draft.parts.index(owner) + 1, made)
    return f"{label} is part {made.id} ({made.name}) now, with {len(line.notes)} notes"


def split_divisi(draft: Draft, operation: SplitDivisi) -> str:
    """Make every line of a part a part; a line without words takes those of the top line on the same onsets."""
    owner = draft.part_named(operation.part)
    if len(owner.lines) < 2:
        message = f"{owner.id} ({owner.name}) has {len(owner.lines)} line"
        raise InvalidRequest(message, hint="parse_score tells the lines of each part")
    top, *others = owner.lines
    words = {note.position: note.lyrics for note in top.notes if note.lyrics and not note.grace}
    owner.lines = [top]
    name = owner.name
    owner.name = f"{name} 1"
    place = draft.parts.index(owner) + 1
    made: list[DraftPart] = []
    for number, line in enumerate(others, 2):
        if not any(note.lyrics for note in line.notes):
            line.notes[:] = [_with_words(note, words.get(note.position, ())) for note in line.notes]
            line.is_touched = True
        made.append(DraftPart(_new_id(draft, len(made)), f"{name} {number}", [line], loudness=list(owner.loudness)))
    draft.parts[place:place] = made
    listing = ", ".join(f"{part.id} ({part.name})" for part in (owner, *made)[:8])
    return f"{owner.id} is {len(made) + 1} parts now: {listing}"


def _with_words(note: Note, lyrics: tuple[Lyric, ...]) -> Note:
    return replace(note, lyrics=lyrics) if not note.grace else note


def combine_parts(draft: Draft, operation: CombineParts) -> str:
    """Make parts the lines of the first of them."""
    parts = [draft.part_named(name) for name in operation.parts]
    if len({part.id for part in parts}) < len(parts):
        raise InvalidRequest("A part is named twice", hint="Name each part once")
    first, *others = parts
    for part in others:
        first.lines += part.lines
        first.percussion &= part.percussion
        first.loudness = first.loudness or part.loudness
        draft.parts.remove(part)
    first.name = operation.name or first.name
    listing = ", ".join(part.id for part in others)
    return f"{listing} went into {first.id} ({first.name}), which has {len(first.lines)} lines now"


def remove_part(draft: Draft, operation: RemovePart) -> str:
    """Remove a part, or one line of it."""
    name = operation.part
    if "/" in name and name.rpartition("/")[2].strip().isdecimal():
        line = draft.line_named(name)
        owner = _owner(draft, line)
        if len(owner.lines) > 1:
            owner.lines.remove(line)
            draft.index_notes()
            return f"{name} removed with {len(line.notes)} notes; the lines after it move up"
    else:
        owner = draft.part_named(name)
    if not any(part.lines for part in draft.parts if part is not owner):
        message = f"Without {owner.id} ({owner.name}) the score has no notes"
        raise NothingToSing(message, hint="Remove other parts")
    draft.parts.remove(owner)
    draft.index_notes()
    count = sum(len(line.notes) for line in owner.lines)
    return f"{owner.id} ({owner.name}) removed with {count} notes"


def _owner(draft: Draft, line: DraftLine) -> DraftPart:
    return next(part for part in draft.parts if line in part.lines)


def _new_id(draft: Draft, more: int = 0) -> str:
    """Return a part id that is free, `more` parts after those of the draft."""
    taken = {part.id for part in draft.parts}
    number = len(draft.parts) + 1
    while f"P{number}" in taken:
        number += 1
    return f"P{number + more}"
